"""The page of claims says what the rows say, by a rule that was fixed before.

Proves: verdicts at both sides of the bar and of 0, by hand; effects are read with the right sign; the committed page is, byte
for byte, what the command writes from the committed rows; at least twenty claims, each with source, bar and rows.
"""

from pathlib import Path

import pytest

from rlhf_lite.studies.paper_claims import CLAIMS
from rlhf_lite.studies.paper_in_miniature import (
    HOLDS,
    IN_PART,
    INCONCLUSIVE,
    NOT_HERE,
    effects,
    page,
    read_rows,
    verdict,
)

DATA = Path(__file__).parents[2] / "data"
# three values a, b, c: mean m, deviation s, interval m ± 4.303 s / sqrt(3); 0.28, 0.30, 0.32: 0.30 ± 0.0497
AROUND_03 = (0.28, 0.30, 0.32)


@pytest.mark.parametrize("values, bar, expected", [
    (AROUND_03, 0.1, HOLDS), (AROUND_03, 0.25, HOLDS), (AROUND_03, 0.26, IN_PART), (AROUND_03, 0.9, IN_PART),
    (tuple(-v for v in AROUND_03), 0.1, NOT_HERE), ((-0.1, 0.3, 0.5), 0.0, INCONCLUSIVE), ((0.9,), 0.0, INCONCLUSIVE),
    (AROUND_03, 0.0, HOLDS), (tuple(-v for v in AROUND_03), 0.0, NOT_HERE), ((0.0, 0.0, 0.0), 0.0, INCONCLUSIVE),
])  # fmt: skip
def test_verdicts_by_hand(values, bar, expected):
    assert verdict(values, bar) == expected


def claim_of(words):
    (found,) = [claim for claim in CLAIMS if words in claim.claim]
    return found


MODELS = {
    "sft": {"pretraining_loss": 1.0, "gold": 0.5, "length": 12.0}, "ppo": {"pretraining_loss": 1.2, "gold": 0.9, "length": 9.0},
    "ppo_ptx": {"pretraining_loss": 0.9, "gold": 0.8, "length": 9.0}, "base": {"gold": -0.1}, "base_few_shot": {"gold": 0.2},
}  # fmt: skip
TOLD = {"true": 0.5, "false": 0.2, "not told": 0.3}
CHAT = {
    "models": {
        "mixed 100": {"turns": [{"turn": 1, "needs_history": True, "right": {"within": 0.0}},
                                {"turn": 2, "needs_history": False, "right": {"within": 0.1}},
                                {"turn": 2, "needs_history": True, "right": {"within": 0.8}}]},
        "alone 100": {"turns": [{"turn": 2, "needs_history": True, "right": {"within": 0.3}}]},
        "base": {"few_shot": {"three examples": 0.5, "none": 0.4}}, "ppo_ptx": {"few_shot": {"three examples": 0.6, "none": 0.6}},
    },
}  # fmt: skip
SHOTS = {
    "rows": [
        {"layout": "chat", "arm": "examples", "shots": 3, "gold": {"a": 9.0}},
        {"layout": "school book", "arm": "examples", "shots": 0, "gold": {"a": 9.0}},
        {"layout": "school book", "arm": "examples", "shots": 3, "gold": {"a": 0.4, "b": 0.6}},
        {"layout": "school book", "arm": "random text", "shots": 0, "gold": {"a": 0.3, "b": 0.5}},
    ],
}  # fmt: skip
ROWS = {"chat_study": CHAT, "bert_study/shots": SHOTS}
ROW = {
    "models": MODELS,
    "pairs": {"ppo_ptx>base": {"rate": 0.9}},
    "best_temperature": {"pairs": {"ppo_ptx>sft": {"rate": 0.6}}, "gold": {"sft_best_of_4": 0.7}},
    "facts": {
        "sft": {"known": TOLD, "rare": TOLD | {"false": 0.4}},
        "ppo": {"known": TOLD | {"not told": 0.5}},
        "ppo_ptx": {"known": TOLD | {"false": 0.1}},
    },
    "settings": {"mask": {"rows": [
        {"epoch": 0, "validation_loss": 0.1, "gold": -1.0}, {"epoch": 1, "validation_loss": 0.7, "gold": 0.1},
        {"epoch": 3, "validation_loss": 0.6, "gold": 0.4}, {"epoch": 16, "validation_loss": 0.8, "gold": 0.3},
    ]}},
    "batching": {"apart": {"loss": 0.4, "held_out_loss": 0.55}, "together 1": {"loss": 0.5, "held_out_loss": 0.52}},
    "rows": [{"kl_coef": 0.05, "ptx_coef": 0.0, "iterations": 8, "gold": 0.1},
             {"kl_coef": 0.05, "ptx_coef": 0.0, "iterations": 16, "gold": 0.8},
             {"kl_coef": 0.05, "ptx_coef": 0.5, "iterations": 16, "gold": 0.2},
             {"kl_coef": 5.0, "ptx_coef": 0.0, "iterations": 16, "gold": 0.5}],
    "goodhart": [{"gold": 0.3, "score": 0.1}, {"gold": 0.7, "score": 0.5}, {"gold": 0.2, "score": 0.9}],
}  # fmt: skip


@pytest.mark.parametrize("words, effect", [
    ("the aligned model to the base model", 0.4), ("at its best temperature", 0.1), ("PPO costs", 0.2),
    ("gives most of it back", 0.3),
    ("ptx costs no preference", -0.1), ("fewer facts", 0.3 - 0.1), ("hedges too much", 0.2), ("answers longer", -3.0),
    ("validation loss overfits", 0.2), ("preference still rises", 0.2), ("overfit within one pass", 0.15 - 0.02),
    ("worse on what is new", 0.03), ("the true score falls", 0.5), ("goes on rising", 0.4), ("Solved examples", 0.1),
    ("better answers than chance", 0.2), ("keep the thread", 0.5), ("does not do it", 0.3), ("gives up some few-shot", 0.1),
])  # fmt: skip
def test_effects_are_read_with_the_right_sign(words, effect):
    claim = claim_of(words)
    assert claim.value(ROWS.get(claim.study, ROW)) == pytest.approx(effect)


def test_effects_on_tasks_are_means_over_seeds_and_the_interval_is_over_tasks():
    def row(a, b):
        asked = [{"asked": "x", "tasks": ["t"] * 9, "gold": a}, {"asked": "x", "tasks": [], "gold": 0.1}]
        return {"rows": [*asked, {"asked": "y", "tasks": ["t"] * 9, "gold": b}, {"asked": "y", "tasks": [], "gold": 0.2}]}

    # x: 0.4 and 0.2 less 0.1, mean 0.2; y: 0.2 and 0.4 less 0.2, mean 0.1
    assert effects(claim_of("left out"), [row(0.4, 0.2), row(0.2, 0.4)]) == pytest.approx([0.2, 0.1])


def test_the_committed_page_is_what_the_rows_say():
    assert (DATA / "paper" / "README.md").read_text(encoding="utf-8") == page(read_rows(DATA))


def test_there_are_twenty_claims_each_with_source_and_rows():
    assert len(CLAIMS) >= 20 and len({claim.claim for claim in CLAIMS}) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.source and claim.published and claim.ours and claim.bar >= 0
        assert claim.study.partition("/")[0] in {path.name for path in DATA.iterdir()}


def test_a_missing_study_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="substance"):
        read_rows(tmp_path)
