"""A reader's own score function may return numbers in any usual form; anything else, and its own errors, are named.

That it is given prompts as they were given is proven in test_rollout and, through the command line, in tinyworld/test_runs.
"""

import traceback
from decimal import Decimal

import numpy as np
import pytest
import torch

from rlhf_lite.real_data.score_functions import ScoreFunctionError, text_score
from rlhf_lite.tokenizer import Tokenizer

END = 1
NAN, INF = float("nan"), float("inf")


@pytest.fixture
def scored():
    """Return a function that scores four responses by a score function of the reader's."""
    tokenizer = Tokenizer.train(["abc"], 258)
    ids = torch.tensor([[*tokenizer.encode("ab"), END]] * 4)
    mask = torch.tensor([[False, True, True]] * 4)
    return lambda found: text_score(lambda prompts, responses: found, tokenizer, {tuple(tokenizer.encode("a")): "a"})(ids, mask)


@pytest.mark.parametrize("found", [
    [1, 2, 3, 4], (1.0, 2.0, 3.0, 4.0), [True, 2, 3.0, Decimal(4)], np.arange(1.0, 5), np.arange(1.0, 5)[:, None],
    np.array([1, 2, 3, 4], dtype=object), torch.arange(1, 5), torch.arange(1.0, 5).bfloat16()[:, None],
    torch.arange(1.0, 5, requires_grad=True), list(torch.arange(1, 5)), list(np.arange(1, 5)), (x for x in (1, 2, 3, 4)),
    map(int, "1234"), range(1, 5), {"a": 1, "b": 2, "c": 3, "d": 4}.values(),
], ids=lambda found: type(found).__name__)  # fmt: skip
def test_scores_may_come_as_any_row_of_numbers(scored, found):
    scores = scored(found)
    assert scores.tolist() == [1.0, 2.0, 3.0, 4.0] and scores.dtype == torch.float32 and not scores.requires_grad


@pytest.mark.parametrize(("found", "told"), [
    (None, "returned NoneType, expected a list"), (0.5, "returned float, expected a list"), ("0123", "returned str, expected"),
    (dict.fromkeys("abcd", 1.0), "returned dict, expected"), ({1, 2, 3, 4}, "returned set, expected"),
    (torch.tensor(1.0), r"returned Tensor of shape \(\), expected \(4,\)"), (np.float64(1), "returned float64 of shape"),
    (np.ones((4, 2)), r"returned ndarray of shape \(4, 2\)"), (torch.ones(4, 1, 1), r"shape \(4, 1, 1\)"),
    (torch.ones(1, 4), r"shape \(1, 4\)"), ([1.0], "returned 1 scores for 4 responses: return one each"),
    ([], "returned 0 scores"),
    ([0, 1, NAN, 2], "returned nan for response 3 of 4"), ([INF] * 4, "returned inf for response 1 of 4"),
    ([0, -INF, 0, 0], "returned -inf for response 2 of 4"), ([0, 0, 0, 1e39], r"returned 1e\+39 for response 4 of 4"),
    ([0, 1e20, 0, 0], "expected a finite number, at most 1e"), ([10**400] * 4, "returned inf for response 1"),
    ([[0.5]] * 4, "returned list for response 1 of 4, expected a number"), (["0.5"] * 4, "returned str for response 1 of 4"),
    ([0, None, 0, 0], "returned NoneType for response 2 of 4"), ([torch.ones(1)] * 4, "returned Tensor for response 1 of 4"),
    ([1j] * 4, "returned complex for response 1"), (torch.tensor([0, 0, NAN, 0]), "returned nan for response 3 of 4"),
])  # fmt: skip
def test_what_is_no_row_of_numbers_is_refused_in_one_line(scored, found, told):
    with pytest.raises(ValueError, match=f"score_fn.*{told}") as caught:
        scored(found)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [ValueError("no"), OSError("gone"), KeyError("x"), StopIteration(), FloatingPointError("f")])
def test_an_error_of_a_score_function_keeps_its_own_traceback(error):
    tokenizer = Tokenizer.train(["abc"], 258)

    def mine(prompts, responses):
        raise error

    def slowly(prompts, responses):
        yield 1.0
        raise error

    for score_fn in (mine, slowly) if not isinstance(error, StopIteration) else (mine,):
        with pytest.raises(ScoreFunctionError, match=f"score_fn raised {type(error).__name__}") as caught:
            text_score(score_fn, tokenizer, {(5,): "a"})(torch.tensor([[5, 6, END]]), torch.tensor([[False, True, True]]))
        assert caught.value.__cause__ is error
        assert traceback.extract_tb(error.__traceback__)[-1].name == score_fn.__name__
        error.__traceback__ = None
