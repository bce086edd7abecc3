"""What tests of lesson 07 share: a few texts, and an untrained BERT and GPT of the same numbers."""

import pytest

from rlhf_lite.course.lesson_07 import pair


@pytest.fixture(scope="module")
def texts():
    return pair.read_texts(0, n_documents=300)


@pytest.fixture(scope="module")
def models(texts):
    return [model.eval() for model in pair.build_pair(texts, 3)]
