"""Answers of several models to the same prompts, beside each other; who judges them is somebody else's business.

`tinyworld.evaluation` judges by the known truth, `gpt2_recipe.reward_model_judge` by a second reward model.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..evaluate import win_rate

PAIRS = (
    *("sft>base", "sft>base_few_shot", "ppo>sft", "ppo_ptx>sft", "ppo_ptx>ppo", "ppo_ptx>base", "ppo_ptx>base_few_shot"),
    *("ppo>sft_best_of_4", "ppo_ptx>sft_best_of_4"),
    *("sft>chosen", "ppo>chosen", "ppo_ptx>chosen"),
)
"""Which models are compared, where both have answered; "chosen" are the answers that people preferred, and
"sft_best_of_4" those of SFT's four that the reward model scored highest."""
SPEAKERS = ("User", "System", "Human", "Exercise")
"""Who begins the next turn. Not the Assistant: all stored results of the tiny world let it go on."""


def own_turn(text: str, speakers: Sequence[str] = SPEAKERS) -> str:
    r"""Cut off what a base model writes after its own turn, as with stop sequences. Example: "Rome.\nUser: Who?" -> "Rome." """
    return re.split(rf"\n\s*(?:{'|'.join(speakers)}):", text)[0].strip()


def mean(values: Sequence[float]) -> float:
    """Return the mean; NaN of nothing."""
    return sum(values) / len(values) if values else float("nan")


def pair_rows(scores: Mapping[str, Sequence[float]], tie: float) -> dict[str, dict[str, float]]:
    """Return the win rates of all PAIRS of models that have scores, a number per prompt; closer than `tie` decides nothing."""
    pairs = [pair for pair in PAIRS if set(pair.split(">")) <= scores.keys()]
    return {pair: win_rate(*(scores[name] for name in pair.split(">")), tie=tie).to_row() for pair in pairs}


def sample_rows(
    prompts: Sequence[str], answers: Mapping[str, Sequence[str]], gold: Mapping[str, Sequence[float]], most: int
) -> list[dict[str, Any]]:
    """Return the first prompts with every model's answer and gold score, good and bad, not chosen."""
    return [
        {"prompt": prompt, "answers": {name: texts[i] for name, texts in answers.items()},
         "gold": {name: scores[i] for name, scores in gold.items()}} for i, prompt in enumerate(prompts[:most])
    ]  # fmt: skip
