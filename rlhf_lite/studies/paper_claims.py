"""Claims of InstructGPT and its neighbours, each with its source and with what it is measured by here.

`paper_in_miniature` makes the page of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim and how it is measured here."""

    claim: str
    source: str
    published: str
    """What the source reports, as `facts` of the course quote it; "direction only" where no number may be quoted."""
    ours: str
    """The experiment and its unit; 0 is no effect."""
    study: str
    """Files under data/ whose rows are read, one per seed: a folder, or a folder and the beginning of the files' names."""
    value: Callable[[Mapping[str, Any]], float | list[float]]
    """One seed's effect, or its effects on each of several tasks: then the interval is over tasks, each a mean over seeds."""
    bar: float = 0.0
    """How large an effect counts as the claim's."""


def _pair(name: str, *, best: bool = False) -> Callable[[Mapping[str, Any]], float]:
    """Share of decided comparisons that the first model wins, above one half; at each model's best temperature with `best`."""
    return lambda row: (row["best_temperature"] if best else row)["pairs"][name]["rate"] - 0.5


def _model(key: str, better: str, worse: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda row: row["models"][better][key] - row["models"][worse][key]


def _untrue(row: Mapping[str, Any], name: str) -> float:
    return fmean(each["false"] for each in row["facts"][name].values())


def _examples_help(row: Mapping[str, Any]) -> float:
    gold = {(each["arm"], each["shots"]): fmean(each["gold"].values()) for each in row["rows"] if each["layout"] == "school book"}
    return gold["examples", 3] - gold["random text", 0]


def _carries_over(row: Mapping[str, Any]) -> list[float]:
    gold = {(each["asked"], len(each["tasks"])): each["gold"] for each in row["rows"]}
    return [gold[task, 9] - gold[task, 0] for task in sorted({task for task, _ in gold})]


def _second_turn(row: Mapping[str, Any], name: str) -> float:
    """Share of right answers on second turns that need the first, within the dialogue."""
    return next(each["right"]["within"] for each in row["models"][name]["turns"] if each["turn"] == 2 and each["needs_history"])


def _few_shot_gain(row: Mapping[str, Any], name: str) -> float:
    found = row["models"][name]["few_shot"]
    return found["three examples"] - found["none"]


def _hedges(row: Mapping[str, Any]) -> float:
    return row["facts"]["ppo"]["known"]["not told"] - row["facts"]["sft"]["known"]["not told"]


def _at(row: Mapping[str, Any], setting: str, epoch: float, key: str) -> float:
    return next(each[key] for each in row["settings"][setting]["rows"] if each["epoch"] == epoch)


def _overfits(row: Mapping[str, Any]) -> float:
    rows = row["settings"]["mask"]["rows"][1:]
    return rows[-1]["validation_loss"] - min(each["validation_loss"] for each in rows)


def _swept(row: Mapping[str, Any], kl_coef: float, key: str) -> float:
    found = [each for each in row["rows"] if (each["kl_coef"], each["ptx_coef"]) == (kl_coef, 0.0)]
    return max(found, key=lambda each: each["iterations"])[key]


def _gap(row: Mapping[str, Any], name: str) -> float:
    return row["batching"][name]["held_out_loss"] - row["batching"][name]["loss"]


def _over_optimized(row: Mapping[str, Any]) -> float:
    golds = [each["gold"] for each in row["goodhart"]]
    return max(golds) - golds[-1]


def _score_rises(row: Mapping[str, Any]) -> float:
    golds = [each["gold"] for each in row["goodhart"]]
    return row["goodhart"][-1]["score"] - row["goodhart"][golds.index(max(golds))]["score"]


PAPER, GAO = "InstructGPT, Ouyang 2022", "Gao 2022"
CLAIMS: tuple[Claim, ...] = (
    Claim(
        claim="People prefer the aligned model to the base model of its size", source=PAPER, published="85 ± 3 % (175B)",
        ours="PPO-ptx against base, decided comparisons won, above one half", study="substance",
        value=_pair("ppo_ptx>base"), bar=0.25,
    ),
    Claim(
        claim="... and to the base model with a few-shot prompt", source=PAPER, published="71 ± 4 % (175B)",
        ours="PPO-ptx against base with three good examples, decided, above one half", study="substance",
        value=_pair("ppo_ptx>base_few_shot"), bar=0.25,
    ),
    Claim(
        claim="Supervised fine-tuning alone is preferred to the base model", source=PAPER, published="direction only",
        ours="SFT against base, decided, above one half", study="substance", value=_pair("sft>base"), bar=0.25,
    ),
    Claim(
        claim="Solved examples in the prompt teach a base model the task", source="GPT-3, Brown 2020", published="direction only",
        ours="gold of base with three examples less gold with random text of their length, same layout", study="bert_study/shots",
        value=_examples_help, bar=0.05,
    ),
    Claim(
        claim="Instruction tuning carries over to tasks that were left out", source="FLAN, Wei 2021", published="direction only",
        ours="gold on a use case left out, nine others trained less none", study="bert_study/tasks",
        value=_carries_over, bar=0.05,
    ),
    Claim(
        claim="PPO is preferred to its SFT model", source=PAPER, published="direction only",
        ours="PPO against SFT at temperature 1, decided, above one half", study="substance", value=_pair("ppo>sft"), bar=0.3,
    ),
    Claim(
        claim="... also when each is sampled at its best temperature", source="a sceptic's question", published="not asked",
        ours="PPO-ptx against SFT, decided, above one half", study="substance", value=_pair("ppo_ptx>sft", best=True), bar=0.2,
    ),
    Claim(
        claim="... and than the best of several SFT answers", source="Stiennon 2020", published="direction only",
        ours="PPO-ptx at its best temperature against best-of-4 of SFT, decided, above one half", study="substance",
        value=_pair("ppo_ptx>sft_best_of_4", best=True), bar=0.2,
    ),
    Claim(
        claim="A reward model picks better answers than chance does (best-of-n)", source="Stiennon 2020",
        published="direction only",
        ours="gold of best-of-4 of SFT less gold of SFT, temperature 1", study="substance",
        value=lambda row: row["best_temperature"]["gold"]["sft_best_of_4"] - row["models"]["sft"]["gold"], bar=0.1,
    ),
    Claim(
        claim="PPO costs: public NLP tasks get worse", source=PAPER,
        published="HellaSwag .753 to .743, SQuAD v2 57.67 to 43.68",
        ours="pretraining loss of PPO less SFT's, nats per token", study="substance",
        value=_model("pretraining_loss", "ppo", "sft"), bar=0.05,
    ),
    Claim(
        claim="Mixing pretraining in (ptx) gives most of it back", source=PAPER,
        published="HellaSwag .807, SQuAD v2 59.85, DROP hardly",
        ours="pretraining loss of PPO less PPO-ptx's, nats per token", study="substance",
        value=_model("pretraining_loss", "ppo", "ppo_ptx"), bar=0.05,
    ),
    Claim(
        claim="Raising the KL coefficient does not do it: it costs the score", source=PAPER, published="up to 100-fold",
        ours="gold at kl_coef 0.05 less gold at 5, ptx 0, short runs of PPO", study="sweeps",
        value=lambda row: _swept(row, 0.05, "gold") - _swept(row, 5.0, "gold"), bar=0.05,
    ),
    Claim(
        claim="ptx costs no preference", source=PAPER, published="direction only",
        ours="gold of PPO-ptx less gold of PPO, temperature 1", study="substance", value=_model("gold", "ppo_ptx", "ppo"),
    ),
    Claim(
        claim="Alignment makes up fewer facts", source=PAPER, published="41 % to 21 % on closed-domain prompts",
        ours="share of questions about cities answered with a wrong fact, SFT less PPO-ptx", study="substance",
        value=lambda row: _untrue(row, "sft") - _untrue(row, "ppo_ptx"), bar=0.05,
    ),
    Claim(
        claim="Alignment hedges too much", source=PAPER, published="named as a limit",
        ours="share of known facts not told, PPO less SFT", study="substance", value=_hedges, bar=0.05,
    ),
    Claim(
        claim="Dialogue data, mixed in, keep the thread of a conversation", source="ChatGPT, OpenAI 2022",
        published="named as the new data", study="chat_study",
        ours="second turns that need the first, share right: SFT on dialogues and single prompts less the same on single prompts",
        value=lambda row: _second_turn(row, "mixed 100") - _second_turn(row, "alone 100"), bar=0.3,
    ),
    Claim(
        claim="Alignment gives up some few-shot ability", source="an analyst's inference on ChatGPT", published="direction only",
        ours="what three examples add to gold: base less PPO-ptx", study="chat_study",
        value=lambda row: _few_shot_gain(row, "base") - _few_shot_gain(row, "ppo_ptx"), bar=0.05,
    ),
    Claim(
        claim="RLHF makes answers longer", source="Singhal 2023", published="direction only",
        ours="words per answer, PPO less SFT", study="substance", value=_model("length", "ppo", "sft"), bar=1.0,
    ),
    Claim(
        claim="The reward model agrees with labelers more than chance", source=PAPER, published="72.4 ± 0.4 %",
        ours="accuracy on training labelers, above one half", study="substance",
        value=lambda row: row["reward_model"]["accuracy_labelers"] - 0.5, bar=0.15,
    ),
    Claim(
        claim="It generalises to labelers it never met", source=PAPER, published="69.6 ± 0.9 against 72.4 ± 0.4 %",
        ours="accuracy on held-out labelers less that on training ones, plus 0.05 (first setting)", study="study",
        value=lambda row: row["reward_model"]["accuracy_held_out_labelers"] - row["reward_model"]["accuracy_labelers"] + 0.05,
    ),
    Claim(
        claim="SFT's validation loss overfits", source=PAPER, published="after one of 16 epochs",
        ours="validation loss after 16 epochs less its lowest, nats (first setting)", study="sft_epochs",
        value=_overfits, bar=0.05,
    ),
    Claim(
        claim="... while people's preference still rises", source=PAPER, published="direction only",
        ours="gold after 16 epochs less after 1 (first setting)", study="sft_epochs",
        value=lambda row: _at(row, "mask", 16, "gold") - _at(row, "mask", 1, "gold"), bar=0.05,
    ),
    Claim(
        claim="Pairs shuffled apart overfit within one pass", source=PAPER, published="direction only",
        ours="gap of held-out and training loss, apart less together, nats (first setting)", study="reward_study",
        value=lambda row: _gap(row, "apart") - _gap(row, "together 1"), bar=0.03,
    ),
    Claim(
        claim="... and are then worse on what is new", source=PAPER, published="direction only",
        ours="held-out loss, apart less together, nats (first setting)", study="reward_study",
        value=lambda row: row["batching"]["apart"]["held_out_loss"] - row["batching"]["together 1"]["held_out_loss"],
    ),
    Claim(
        claim="Optimised for long, the true score falls", source=GAO, published="direction only",
        ours="gold at its peak less at the end, PPO without a KL penalty (first setting)", study="study",
        value=_over_optimized, bar=0.1,
    ),
    Claim(
        claim="... while the reward model's goes on rising", source=GAO, published="direction only",
        ours="score at the end less at gold's peak (first setting)", study="study", value=_score_rises, bar=0.1,
    ),
)  # fmt: skip
