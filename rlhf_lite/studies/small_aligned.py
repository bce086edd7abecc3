"""A small aligned model against the course's base model, more than ten times its size.

`python -m rlhf_lite.studies.small_aligned data/evaluation_study --work runs/small-0` trains a model of width 32 through
pretraining (as the preset manners has it, without drills, on fewer documents), SFT and PPO-ptx, with the course's tokenizer and,
as in the paper, a reward model larger than itself: the course's own. Then it judges its answers to the prompts of
`judged_answers`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..checkpoint import TrainingRun, load_model, save_model
from ..files import replacing
from ..gpt import GPT, GPTConfig
from ..pipeline import Pipeline
from ..presets import PRESETS, Preset
from ..tinyworld.baselines import answers_at
from ..tinyworld.evaluation import load_models
from ..tinyworld.runs import SHIPPED
from ..tinyworld.world import TinyWorld
from .judged_answers import FOLDER, SEED, as_rows, continued, held_out_prompts, write_rows

WIDTH, HEADS = 32, 4
DOCUMENTS = 24_000
"""Pretraining documents, a third of the course's; they are read three times (ours)."""
ITERATIONS, EPISODES, MINIBATCH = 30, 64, 32
"""PPO: fewer answers than the course's, which has 60 iterations of 256 (ours)."""


def small_preset() -> Preset:
    """Return the settings of the preset manners with a narrow model, fewer documents and less PPO."""
    manners = PRESETS["manners"]
    ppo = replace(manners.ppo_ptx, iterations=ITERATIONS, episodes=EPISODES, minibatch_size=MINIBATCH, eval_every=0)
    small = GPTConfig(d_model=WIDTH, n_heads=HEADS)
    return replace(manners, model=small, documents=DOCUMENTS, ppo_ptx=ppo)


def train_small(work: Path) -> dict[str, GPT]:
    """Train what is not there yet; return the models."""
    pipeline = Pipeline(work, small_preset(), 0, TinyWorld(0), show_progress=False)
    if not (work / "tokenizer.json").exists():
        work.mkdir(parents=True, exist_ok=True)
        with replacing(work / "tokenizer.json") as part:
            part.write_bytes((SHIPPED / "tokenizer.json").read_bytes())
    pipeline.has_tokenizer = True
    pipeline.run("sft")
    if not pipeline.is_done("ppo_ptx"):
        large = load_models(SHIPPED).reward_model
        policy = pipeline.train_policy(pipeline.preset.ppo_ptx, large, TrainingRun(None, show_progress=False))
        save_model(pipeline.output("ppo_ptx"), policy)
    return {name: load_model(pipeline.output(name), kind=GPT) for name in ("pretrain", "sft", "ppo_ptx")}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().split("\n")[0])
    parser.add_argument("output", nargs="?", type=Path, default=FOLDER, help="folder of the rows")
    parser.add_argument("--work", type=Path, default=Path("runs/small-0"), help="folder of the small run")
    given = parser.parse_args(arguments)
    models, requests, tokenizer = train_small(given.work), held_out_prompts(), load_models(SHIPPED).tokenizer
    answers = {"small_base": continued(models["pretrain"], tokenizer, requests)}
    for stage in ("sft", "ppo_ptx"):
        answers[f"small_{stage}"] = answers_at(models[stage], tokenizer, requests, temperature=1.0, seed=SEED)
    large = load_models(SHIPPED).policies["base"]
    sizes = {"small": models["sft"].config.n_parameters, "large": large.config.n_parameters}
    shown = {name: texts[:5] for name, texts in answers.items()}
    found = {"seed": 0, "parameters": sizes, "steps": small_preset().pretrain.steps}
    found |= {"prompts": [request.prompt for request in requests[:5]], "shown": shown, "answers": as_rows(requests, answers)}
    write_rows(given.output / "small_aligned.json", found)
    print({name: sum(row["gold"]) / len(requests) for name, row in found["answers"].items()})


if __name__ == "__main__":
    main()
