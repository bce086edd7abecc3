"""Hugging Face, both ways: GPT-2's weights and tokenizer in, our models out as folders that `transformers` loads.

    gpt2_names  GPT-2's names for our weights and sizes
    load        a GPT-2 and its tokenizer, from a folder or the hub
    save        our models, for `transformers`
"""

from .gpt2_names import from_gpt2_names, gpt2_settings, to_gpt2_names
from .load import fit_vocabulary, load_gpt2, load_gpt2_tokenizer
from .save import save_gpt2, save_reward_model

__all__ = [
    "fit_vocabulary", "from_gpt2_names", "gpt2_settings", "load_gpt2", "load_gpt2_tokenizer", "save_gpt2", "save_reward_model",
    "to_gpt2_names",
]  # fmt: skip
