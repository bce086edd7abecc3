"""The judge's numbers are what they say: shares by hand, every answer read with an end token, warnings of a bad judge."""

import pytest
import torch

from rlhf_lite.gpt2_recipe.reward_model_judge import (
    LENGTH,
    NO_TEXT,
    WEAK,
    HeldOut,
    calibration_bins,
    introduction,
    judge_accuracies,
    score_with_end,
    share_of,
)
from rlhf_lite.records import Comparison
from rlhf_lite.reward import score_sequences
from rlhf_lite.tokenizer import Tokenizer

ROWS = [
    Comparison("Name a color.", ("Blue it is.", "A dog."), (0, 1)),
    Comparison("Name a thing.", ("Cup.", "I do not know."), (0, 1)),
    Comparison("Say three.", ("Three.", "Three three.", "Four"), (0, 0, 1)),
]


@pytest.fixture(scope="module")
def held_out():
    tokenizer = Tokenizer.train(["User: Name a color.\nAssistant: Blue it is. A dog."], 270)
    return HeldOut(tokenizer, ROWS, ROWS, [], 8, 0, batch_size=2)


def test_shares_by_hand():
    found = share_of(8, 10)
    assert (found["share"], found["low"], found["high"]) == (0.8, pytest.approx(0.490, abs=1e-3), pytest.approx(0.943, abs=1e-3))


def test_accuracies_by_hand():
    judged = [[1.0, 0.0], [0.0, 1.0], [2.0, 1.0, 0.0]]
    rewarded = [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0, 1.0]]
    found = judge_accuracies(judged, rewarded, ROWS)
    # people decide 1 + 1 + 2 pairs: the judge has the first right, not the second, both of the third
    assert (found["judge_and_people"]["right"], found["judge_and_people"]["pairs"]) == (3, 4)
    assert (found["accuracy_people"]["right"], found["accuracy_people"]["pairs"]) == (2, 4)
    # words 3:2 right, 1:4 wrong, 1 = 1 undecided, 2:1 right
    assert (found["longer_and_people"]["right"], found["longer_and_people"]["pairs"]) == (2, 3)
    # both decide 1 + 1 + 2 pairs: alike, unlike, unlike twice
    assert (found["accuracy_judge"]["right"], found["accuracy_judge"]["pairs"]) == (1, 4)


def test_calibration_does_not_depend_on_which_answer_stands_first():
    rows = [Comparison("a", ("x", "y"), (0, 1))] * 6  # the better one first, always
    [low, high] = calibration_bins([[2.0, 0.0]] * 6, rows)
    assert (low["observed"], high["observed"], low["pairs"], high["pairs"]) == (0.0, 1.0, 3, 3)


def test_an_answer_that_does_not_fit_is_cut_and_ends(held_out, make_scalar_model):
    model = make_scalar_model(vocab_size=held_out.tokenizer.vocab_size, context_length=40)
    (score,) = held_out.scores_of(model, ROWS[:1], ["\N{REPLACEMENT CHARACTER} " * 50])
    ids = held_out.tokenizer.encode_example(ROWS[0].prompt, "\N{REPLACEMENT CHARACTER} " * 50)[0][:39]
    assert score == pytest.approx(score_sequences(model, [[*ids, held_out.tokenizer.end_id]], held_out.tokenizer.pad_id).item())


def test_a_truncated_answer_is_scored_with_an_end_token(make_scalar_model):
    model, end = make_scalar_model(vocab_size=50, context_length=8), 2
    prompt, pad = [5, 6], 0
    answers = [[7, 8, end], [7, 8, 9, 10], [7, 8, 9, 10, 11, 12]]  # ended, truncated, truncated where the context is full
    tokens = torch.tensor([prompt + answer + [pad] * (6 - len(answer)) for answer in answers])
    mask = torch.tensor([[False] * 2 + [True] * len(answer) + [False] * (6 - len(answer)) for answer in answers])
    expected = score_sequences(model, [[5, 6, 7, 8, end], [5, 6, 7, 8, 9, 10, end], [5, 6, 7, 8, 9, 10, 11, end]], pad)
    before = tokens.clone()
    with torch.no_grad():
        torch.testing.assert_close(score_with_end(model, end)(tokens, mask), expected)
        assert not torch.allclose(score_sequences(model, [[5, 6, 7, 8, 9, 10]], pad), expected[1:2])
        alone = score_with_end(model, end)(tokens[1:2, :6], mask[1:2, :6])  # no padding behind it
    torch.testing.assert_close(alone, expected[1:2])
    assert torch.equal(tokens, before), "the rollout keeps its own tokens"


@pytest.mark.parametrize(("judge", "longer", "warning"), [(0.55, 0.5, WEAK), (0.65, 0.7, LENGTH), (0.75, 0.6, None)])
def test_the_page_warns_of_a_judge_that_is_not_one(judge, longer, warning):
    shares = {"judge_and_people": judge, "longer_and_people": longer, "accuracy_people": 0.6, "accuracy_judge": 0.7}
    accuracies = {name: {"pairs": 10, "share": share, "low": share - 0.1, "high": share + 0.1} for name, share in shares.items()}
    told = list(introduction(accuracies, 1234, has_text=judge > 0.6))
    assert [each for each in (WEAK, LENGTH) if each in told] == ([warning] if warning else [])
    assert f"{judge:.0%} ({judge - 0.1:.0%} to {judge + 0.1:.0%}) of 10 held-out pairs" in told[0].replace("\n", " ")
    assert "Not people" in told[0] and "1,234 comparisons" in told[0] and (NO_TEXT in told) == (judge < 0.6)
