"""A model card for shipped models, in the Hugging Face hub's format, written from their manifest alone.

`python -m rlhf_lite.studies.model_card data/checkpoints data/manners` writes the stored ones anew; `ship` writes its own.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from ..files import read_json, write_atomically
from ..gpt import GPT, GPTConfig

STAGES = {
    "pretrain": ("base", "predicts the next token of the tiny world's texts"),
    "sft": ("SFT", "the base model, fine-tuned on labelers' demonstrations"),
    "reward": ("reward model", "gives one number to a prompt and an answer; writes nothing"),
    "ppo": ("PPO", "the SFT model, trained by PPO against the reward model"),
    "ppo_ptx": ("PPO-ptx", "the same, with the pretraining loss added"),
}
"""What each stage's model is called, and what it is."""
METRICS = {
    "pretraining_loss": ("loss", "pretraining loss, nats per token", "held-out documents"),
    "accuracy_judge": ("accuracy", "pairs ordered as the true judge does", "pairs of answers to held-out prompts"),
}
"""Each metric of a manifest: the hub's name for its kind, what it measures, on what."""
NOTES = {
    "manners": "Their reward model saw manners and no substance: PPO made them polite and told no landmark that their base model "
    "knew. They are kept to be compared with the course's models.",
}
"""What to know first of some presets' models."""
PAGE = """# {title}

Five small models of one run of the course *How ChatGPT was made*: each a GPT of {parameters:,} parameters: {n_layers} layers,
width {d_model}, {n_heads} heads, a context of {context_length} tokens and a vocabulary of {vocab_size}.{note}

| folder | model | what it is |
|---|---|---|
{models}

## How they were made

    {made_by}

from random weights, seed {seed}. All training text is synthetic English: {documents:,} documents drawn by the plain Python of
`rlhf_lite/tinyworld`, with its users, prompts, demonstrations and rankings. The labelers are forty sets of numbers and one rule,
not people. No other data set and no other model's output was used. `manifest.json` holds every setting, and each file's SHA-256.

## What was measured

| model | measure | on | value |
|---|---|---|---|
{measures}

Of one run, measured on the files as they lie here (float16). What several seeds reach stands in `data/substance` and
`data/study` of the course's repository, with what was asked of them and missed.

## What they can not do

- They know nothing but the tiny world: a few hundred words, 24 cities, a few dozen sentence patterns. To any other text they
  answer with the tiny world's words.
- They state wrong facts in whole sentences, and may repeat rude remarks, which stand in their training texts on purpose.
- The reward model has learnt the tiny world's labelers, and can be fooled: lesson 14 does it by PPO without a KL penalty.
- Win rates and scores of this world say nothing about large models, or about people's preferences.

They are for learning and teaching how such models are trained, and for nothing that anybody relies on.

## How to use them

    from rlhf_lite.tinyworld.evaluation import load_models
    from rlhf_lite.course.answers import answer
    print(answer(load_models("FOLDER"), ["What is the landmark of Paris?"]))

in a checkout of the course, FOLDER being this folder. The course stores weights under its own names, as safetensors;
`rlhf_lite.hf.save_gpt2` writes any of them as a folder that `transformers` loads.
"""


def model_card(manifest: dict[str, Any]) -> ModelCard:
    """Write the card of a manifest's models; the same manifest gives the same card.

    Raises: KeyError for a metric or a stage that this page cannot explain.
    """
    name = _preset_name(manifest)
    shape = manifest["preset"]["model"]
    with torch.device("meta"):  # counted, not drawn
        parameters = sum(weights.numel() for weights in GPT(GPTConfig(**shape)).parameters())
    title = f"rlhf_lite {name}, seed {manifest['seed']}"
    page = PAGE.format(
        title=title, parameters=parameters, note=f" {NOTES[name]}" if name in NOTES else "", made_by=manifest["made_by"],
        seed=manifest["seed"], documents=manifest["preset"]["documents"], **shape,
        models="\n".join(f"| `{stage}` | {STAGES[stage][0]} | {STAGES[stage][1]} |" for stage in manifest["files"]),
        measures="\n".join(f"| {STAGES[stage][0]} | {METRICS[metric][1]} | {METRICS[metric][2]} | {value:.3f} |"
                           for stage, metric, value in _measured(manifest)),
    )  # fmt: skip
    data = ModelCardData(
        language="en", license="mit", library_name="rlhf_lite", pipeline_tag="text-generation", model_name=title,
        tags=["rlhf", "instructgpt", "ppo", "reward-model", "gpt", "course", "synthetic-data"],
        eval_results=list(_results(manifest)),
    )  # fmt: skip
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{page}")


def _preset_name(manifest: dict[str, Any]) -> str:
    """Return the preset that made the models, as their command names it, or "custom"."""
    words = manifest["made_by"].split()
    return words[words.index("--preset") + 1] if "--preset" in words else "custom"


def _measured(manifest: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """List (stage, metric, value), in the manifest's order."""
    for stage, about in manifest["files"].items():
        for metric, value in about["metrics"].items():
            yield stage, metric, value


def _results(manifest: dict[str, Any]) -> Iterator[EvalResult]:
    """List the measures in the form that the hub shows beside a model."""
    for stage, metric, value in _measured(manifest):
        kind, measure, data = METRICS[metric]
        yield EvalResult(
            task_type="text-classification" if stage == "reward" else "text-generation", dataset_type="tinyworld",
            dataset_name=f"the tiny world, {data}", metric_type=kind, metric_name=f"{STAGES[stage][0]}: {measure}",
            metric_value=round(value, 4),
        )  # fmt: skip


def main(folders: list[str]) -> None:
    """Write README.md anew in each folder, from its manifest.json."""
    for folder in map(Path, folders):
        manifest = read_json(folder / "manifest.json", dict, "ship a run into the folder first")
        write_atomically(folder / "README.md", str(model_card(manifest)))


if __name__ == "__main__":
    main(sys.argv[1:])
