"""Write small samples of everything the tiny world makes, as JSON lines.

The command: `python -m rlhf_lite.studies.export_samples data/samples`.

A run draws its own data from its seed and reads none of these files; they are there to be looked at, and as examples of
the formats that the command line takes. The same code and seed write the same bytes.
"""

import json
import random
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from ..tinyworld.corpus import SOURCE_WEIGHTS, documents
from ..tinyworld.labelers import Labeler, demonstrate, make_labelers, rank
from ..tinyworld.prompts import Request
from ..tinyworld.translation import sentence_pairs
from ..tinyworld.users import training_requests

SEED = 0
INCOMING = 900
"""Prompts drawn before cleaning; the samples are the first of what is left."""
DOCUMENTS, PROMPTS, DEMONSTRATIONS, COMPARISONS, PAIRS = 240, 150, 200, 120, 200
ANSWERS = 4
"""Labelers who answer each prompt of a comparison (paper: 4 to 9 answers per prompt)."""


def sample_documents() -> Iterable[dict]:
    """Yield pretraining texts with the source they come from, in the corpus's proportions."""
    for source, weight in SOURCE_WEIGHTS.items():
        for text in documents(f"sample {source} {SEED}", round(weight * DOCUMENTS), {source: 1.0}):
            yield {"source": source, "text": text}


def sample_prompt(request: Request) -> dict:
    """Return one cleaned prompt with its user and what a good answer needs."""
    row = request.to_row()
    row["need"]["wrong"] = sorted(row["need"]["wrong"])  # in the same order in every process
    return row


def sample_demonstrations(requests: list[Request], people: list[Labeler]) -> Iterable[dict]:
    """Yield one answer to each prompt, good or careless."""
    rng = random.Random(f"sample demonstrations {SEED}")
    for request in requests:
        labeler = rng.choice(people)
        yield {"prompt": request.prompt, "response": demonstrate(labeler, request, rng), "labeler": labeler.number}


def sample_comparisons(requests: list[Request], people: list[Labeler]) -> Iterable[dict]:
    """Yield answers of several labelers to one prompt, ranked by another; prompts on which nothing is decided are left out.

    A run ranks what models answered; here people's answers stand in for them, so that the file needs no model.
    """
    rng = random.Random(f"sample comparisons {SEED}")
    for request in requests:
        judge, *writers = rng.sample(people, 1 + ANSWERS)
        responses = list(dict.fromkeys(demonstrate(writer, request, rng) for writer in writers))
        ranking = rank(judge, request, responses, rng)
        if len(set(ranking)) > 1:
            yield {"prompt": request.prompt, "responses": responses, "ranking": ranking, "labeler": judge.number}


def samples() -> dict[str, list[dict]]:
    """Return file name -> rows."""
    people, requests = make_labelers(0), training_requests(SEED, INCOMING)[0]
    return {
        "documents": list(sample_documents()),
        "prompts": [sample_prompt(request) for request in requests["ppo"][:PROMPTS]],
        "labelers": [asdict(labeler) for labeler in people],
        "demonstrations": list(sample_demonstrations(requests["sft"][:DEMONSTRATIONS], people)),
        "comparisons": list(sample_comparisons(requests["reward"][:COMPARISONS], people)),
        "translations": [asdict(pair) for pair in sentence_pairs(SEED, PAIRS)],
    }


def export(folder: str | Path) -> list[Path]:
    """Write every sample to FOLDER/NAME.jsonl; return the paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, rows in samples().items():
        paths.append(folder / f"{name}.jsonl")
        paths[-1].write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return paths


if __name__ == "__main__":
    for path in export(sys.argv[1]):
        print(f"wrote {path}, {path.stat().st_size / 1000:.0f} kB")
