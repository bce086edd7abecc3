"""A small scaling law, predicted before it is measured.

Five widths are trained on equally much text, and a law is fitted to their losses. What it says of two larger widths is
stored. Only then are these trained. N counts the matrices of the blocks, 12 L C^2, without embeddings, as Kaplan 2020 does.

`python -m rlhf_lite.course.lesson_06.scaling_law data/pretraining_study 0 1 2 3 4` does what is not yet stored.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import product
from math import exp, log
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ...data import pack_documents, window_batch
from ...evaluate import mean_interval
from ...files import write_atomically
from ...optim import OptimConfig, build_optimizer, optimizer_step
from ...pretrain import held_out_loss, pretrain_loss
from ...studies.stored import rounded
from .loss_curves import BATCH, LENGTH, WARMUP, build_model, course_tokenizer, texts_of, unseen_texts

FITTED, LARGER = (16, 24, 32, 48, 64), (96, 128)
"""Widths that the law is fitted to, and widths that it predicts."""
LAYERS = 2
STEPS = 600
DOCUMENTS = 13_000
"""Documents per seed: more text than 600 steps read, so that no token is read twice."""
RATES = (2e-3, 4e-3, 8e-3, 1.6e-2)
"""Peak rates that are tried for every fitted width, on a seed that is used for nothing else; more where the highest is best."""
TUNING_SEED = 1000
EXPONENTS = np.arange(0.02, 2.001, 0.02)
"""Exponents among which the law with a floor is sought."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """One trained model of the study."""

    d_model: int
    rate: float
    seed: int
    loss: float
    """On held-out text at the end, in nats per token."""


def block_matrices(d_model: int, n_layers: int = LAYERS) -> int:
    """Count the parameters of the matrices in the blocks, 12 L C^2. Example: (16, 2) -> 6144."""
    return 12 * n_layers * d_model**2


def train_size(d_model: int, rate: float, stream: Tensor, held_out: Tensor, vocab_size: int, *, seed: int) -> Size:
    """Train one width for STEPS steps and measure it at the end."""
    model = build_model(vocab_size, seed, d_model)
    optim = OptimConfig(learning_rate=rate, warmup_steps=WARMUP)
    optimizer = build_optimizer(model, optim)
    for step in range(STEPS):
        tokens = window_batch(stream, step, BATCH, LENGTH, seed)  # batch
        loss, _ = pretrain_loss(model, tokens)  # loss
        optimizer_step(optimizer, {"loss": loss}, step, STEPS, optim)  # step
    return Size(d_model=d_model, rate=rate, seed=seed, loss=held_out_loss(model, held_out, LENGTH, max_windows=256))


def fit_line(sizes: Sequence[float], losses: Sequence[float]) -> tuple[float, float]:
    """Fit log L = a - b log N by least squares; return (a, b). Example: ([1, 10, 100], [4, 2, 1]) -> b = log10(2)."""
    slope, start = np.polyfit(np.log(sizes), np.log(losses), 1)
    return float(start), float(-slope)


def power_law(sizes: Sequence[float], losses: Sequence[float]) -> Callable[[float], float]:
    """Return the law log L = a - b log N that fits best, as a function of N."""
    a, b = fit_line(sizes, losses)
    return lambda n: exp(a - b * log(n))


def power_law_with_floor(sizes: Sequence[float], losses: Sequence[float]) -> Callable[[float], float]:
    """Return the law L = E + A / N^a that fits best, as a function of N: E, A >= 0, a one of EXPONENTS."""
    n, measured = np.asarray(sizes, dtype=float), np.asarray(losses, dtype=float)
    found = []
    for exponent in EXPONENTS:
        x = (n / n[0]) ** -exponent
        drop, floor = np.polyfit(x, measured, 1)
        if floor < 0:
            drop, floor = float(x @ measured / (x @ x)), 0.0
        found.append((float(((floor + drop * x - measured) ** 2).sum()), float(exponent), float(drop), float(floor)))
    _, exponent, drop, floor = min(found)
    return lambda size: floor + drop * (size / n[0]) ** -exponent


LAWS = {"straight line": power_law, "with a floor": power_law_with_floor}
"""Two laws by name: a straight line in logarithms, and one that comes to rest at a floor."""


def predict(rows: Sequence[Size]) -> list[dict[str, Any]]:
    """Fit each law to each seed's losses, and say what it gives for the larger widths: mean and 95 % interval over seeds."""
    found = []
    for name, law in LAWS.items():
        by_seed = [losses_of(rows, seed) for seed in seeds_of(rows)]
        laws = [law([block_matrices(width) for width in each], list(each.values())) for each in by_seed]
        for width in LARGER:
            each = [fitted(block_matrices(width)) for fitted in laws]
            mean, low, high = mean_interval(each)
            found.append({"law": name, "d_model": width, "by_seed": each, "mean": mean, "low": low, "high": high})
    return found


def seeds_of(rows: Sequence[Size]) -> list[int]:
    """Return the seeds of some rows, sorted."""
    return sorted({row.seed for row in rows})


def losses_of(rows: Sequence[Size], seed: int) -> dict[int, float]:
    """Return one seed's losses by width."""
    return {row.d_model: row.loss for row in sorted(rows, key=lambda row: row.d_model) if row.seed == seed}


def by_width(rows: Sequence[Size]) -> dict[int, list[Size]]:
    """Group rows by width, each group in the order of its seeds."""
    ordered = sorted(rows, key=lambda row: (row.d_model, row.seed))
    return {width: [row for row in ordered if row.d_model == width] for width in sorted({row.d_model for row in rows})}


def best_rates(rows: Sequence[Size]) -> dict[int, float]:
    """Return the rate with the lowest loss for each width tried; a larger width takes the rate of the largest of these."""
    rates = {row.d_model: min((r for r in rows if r.d_model == row.d_model), key=lambda r: r.loss).rate for row in rows}
    return rates | {width: rates[max(rates)] for width in LARGER}


def untried_rates(rows: Sequence[Size]) -> list[tuple[int, float]]:
    """Return the (width, rate) to try next: RATES, then double the best one wherever it is the highest tried so far."""
    if not rows:
        return list(product(FITTED, RATES))
    best, highest = best_rates(rows), {width: max(row.rate for row in rows if row.d_model == width) for width in FITTED}
    return [(width, 2 * best[width]) for width in FITTED if best[width] == highest[width]]


@lru_cache(maxsize=2)
def _texts(seed: int) -> tuple[Tensor, Tensor, int]:
    tokenizer = course_tokenizer()
    stream, held_out = (pack_documents(texts, tokenizer) for texts in (texts_of(seed, DOCUMENTS), unseen_texts("scaling", 400)))
    return stream, held_out, tokenizer.vocab_size


def _train_one(job: tuple[int, float, int]) -> Size:
    width, rate, seed = job
    return train_size(width, rate, *_texts(seed), seed=seed)


def train_all(jobs: Sequence[tuple[int, float]], seeds: Sequence[int], processes: int = 1) -> list[Size]:
    """Train every (width, rate) for every seed, several at a time where asked to."""
    each = [(*job, seed) for seed in seeds for job in jobs]
    if processes == 1:
        return [_train_one(job) for job in each]
    with get_context("spawn").Pool(processes) as pool:
        return pool.map(_train_one, each, chunksize=1)


def store(path: Path, rows: Sequence[Any]) -> None:
    """Write rows with the time at which they were written."""
    rows = [row if isinstance(row, dict) else asdict(row) for row in rows]
    written = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    write_atomically(path, json.dumps({"written": written, "rows": rounded(rows)}, indent=1) + "\n")
    print(path, flush=True)


def stored_rows(folder: str | Path, name: str) -> list[Any]:
    """Read "rates", "fitted" or "larger", lists of `Size`, or "prediction", a list of dictionaries.

    Raises: FileNotFoundError where it is not stored.
    """
    path = Path(folder) / f"scaling-{name}.json"
    if not path.exists():
        how = f"run `python -m rlhf_lite.course.lesson_06.scaling_law {folder} 0 1 2 3 4`"
        raise FileNotFoundError(f"no {path.name} in {folder}: {how}")
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return rows if name == "prediction" else [Size(**row) for row in rows]


def written_at(folder: str | Path, name: str) -> str:
    """Return when "rates", "fitted", "prediction" or "larger" was written; texts whose order is that of the times."""
    return json.loads((Path(folder) / f"scaling-{name}.json").read_text(encoding="utf-8"))["written"]


def main() -> None:
    """Tune, train the fitted widths, store the prediction, and only then train the larger widths; each if not yet stored."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("seeds", type=int, nargs="+")
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    paths = {name: chosen.folder / f"scaling-{name}.json" for name in ("rates", "fitted", "prediction", "larger")}
    tried = stored_rows(chosen.folder, "rates") if paths["rates"].exists() else []
    while missing := untried_rates(tried):
        tried += train_all(missing, [TUNING_SEED], chosen.processes)
        store(paths["rates"], tried)
    rates = best_rates(stored_rows(chosen.folder, "rates"))
    if not paths["fitted"].exists():
        store(paths["fitted"], train_all([(width, rates[width]) for width in FITTED], chosen.seeds, chosen.processes))
    if not paths["prediction"].exists():
        store(paths["prediction"], predict(stored_rows(chosen.folder, "fitted")))
    if not paths["larger"].exists():
        store(paths["larger"], train_all([(width, rates[width]) for width in LARGER], chosen.seeds, chosen.processes))


if __name__ == "__main__":
    main()
