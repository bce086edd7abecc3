"""What tests of lesson 15 share: the course's tokenizer, and a small untrained model of its vocabulary."""

import pytest
import torch

from rlhf_lite.files import course_folder
from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.load(course_folder() / "data/checkpoints/tokenizer.json")


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.manual_seed(0)
    return GPT(GPTConfig(vocab_size=tokenizer.vocab_size, context_length=192, d_model=16, n_layers=1, n_heads=2, d_ff=32))
