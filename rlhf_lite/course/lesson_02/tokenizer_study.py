"""Small GPTs that differ in their tokenizer only, measured in bits per byte; and what several seeds gave.

All of them read the same documents in the same order. A document's surprise, its end included, is the same question to each
of them, however many tokens it is cut into; divided by its bytes it can be compared, divided by its tokens it cannot.

`python -m rlhf_lite.course.lesson_02.tokenizer_study data/tokenizer_study 0 1 2 3 4` measures the seeds that are not yet stored.
"""

import argparse
import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from math import log
from pathlib import Path

import torch
from torch import Tensor

from ...data import lengths_to_mask, pad_right
from ...files import write_atomically
from ...gpt import GPT, GPTConfig
from ...likelihood import next_token_log_probs
from ...masked import masked_mean
from ...optim import OptimConfig, build_optimizer, optimizer_step
from ...planning.costs import training_flops
from ...studies.stored import read_measured, rounded
from ...tinyworld.corpus import documents
from ...tokenizer import SMALLEST_VOCAB, Tokenizer

MERGES = (0, 256, 512, 1024)
LONGEST = 256
"""Bytes of the longest document that is kept: a byte-level model reads one token per byte."""
BATCH, GROUP = 16, 256
"""Documents per step, and per group from which batches of like length are made."""
SHORT, LONG = 4096, 20_480
"""Documents that the lesson reads live, and that the stored runs read: 256 and 1,280 steps, 0.5 and 2.5 megabytes."""
LOOK_EVERY = 128
"""Steps between two looks at unseen documents."""
OPTIM = OptimConfig(learning_rate=4e-3, warmup_steps=20, final_fraction=1.0)
"""Constant after the warm-up: a run that is stopped early is then a fair short run."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a model had read at a moment of its training, and how well it then predicted documents it never read."""

    merges: int
    """As many as were asked for; texts of few different words may run out of pairs a little earlier."""
    steps: int
    bytes_read: int
    """Bytes of text, the same for every tokenizer after the same steps."""
    tokens_read: int
    flops: float
    """Multiplications and additions of the training so far."""
    nats_per_token: float
    bits_per_byte: float


def short_documents(seed: str, count: int) -> list[str]:
    """Draw documents of the tiny world, of at most LONGEST bytes each; another count gives other documents."""
    return list(islice((text for text in documents(seed, 2 * count) if len(text.encode()) <= LONGEST), count))


def build_model(vocab_size: int, seed: int) -> GPT:
    """Make a small GPT with new weights; only the number of rows of its embedding depends on the tokenizer."""
    torch.manual_seed(seed)
    return GPT(GPTConfig(vocab_size=vocab_size, context_length=LONGEST + 2, d_model=64, n_layers=2, n_heads=4))


def in_batches(texts: Sequence[str], seed: int) -> list[list[str]]:
    """Put documents of like length together, BATCH at a time, in an order that depends on the seed and not on the tokenizer.

    Each GROUP is ordered on its own, so that fewer documents give the beginning of the same batches.
    """
    batches, rng = [], random.Random(seed)
    for start in range(0, len(texts), GROUP):
        group = sorted(texts[start : start + GROUP], key=lambda text: len(text.encode()))
        parts = [group[i : i + BATCH] for i in range(0, len(group), BATCH)]
        batches += rng.sample(parts, len(parts))
    return batches


def as_tensors(
    texts: Iterable[str], tokenizer: Tokenizer, cut: Callable[[str], list[int]] | None = None
) -> tuple[Tensor, Tensor]:
    """Encode documents between end tokens; return tokens (B, T) and which of them are real (B, T)."""
    rows = [[tokenizer.end_id, *(cut or tokenizer.encode)(text), tokenizer.end_id] for text in texts]
    tokens, lengths = pad_right(rows, tokenizer.pad_id)
    return tokens, lengths_to_mask(lengths, tokens.shape[1])


@torch.no_grad()
def held_out(
    model: GPT, texts: Sequence[str], tokenizer: Tokenizer, cut: Callable[[str], list[int]] | None = None
) -> tuple[float, float]:
    """Return nats per token and bits per byte on documents; `cut` replaces the tokenizer's way of cutting a text."""
    nats = n_tokens = 0.0
    for batch in in_batches(texts, seed=0):
        tokens, mask = as_tensors(batch, tokenizer, cut)
        log_probs = next_token_log_probs(model(tokens), tokens)  # (B, T - 1)
        nats -= log_probs[mask[:, 1:]].sum().item()
        n_tokens += mask[:, 1:].sum().item()
    return nats / n_tokens, nats / log(2) / sum(len(text.encode()) for text in texts)


def train_with(merges: int, texts: Sequence[str], unseen: Sequence[str], *, seed: int) -> tuple[GPT, Tokenizer, list[Reading]]:
    """Read all texts once, cut by a tokenizer with so many merges; measure on unseen texts every LOOK_EVERY steps."""
    tokenizer = Tokenizer.train(texts[:SHORT], SMALLEST_VOCAB + merges)
    model = build_model(tokenizer.vocab_size, seed)
    optimizer, readings, bytes_read, tokens_read = build_optimizer(model, OPTIM), [], 0, 0
    batches = in_batches(texts, seed)
    for step, batch in enumerate(batches):
        tokens, mask = as_tensors(batch, tokenizer)  # batch: (16, T)
        log_probs = next_token_log_probs(model(tokens), tokens)
        loss = -masked_mean(log_probs, mask[:, 1:])  # loss: nats per token
        optimizer_step(optimizer, {"loss": loss}, step, len(batches), OPTIM)  # step
        bytes_read += sum(len(text.encode()) for text in batch)  # record
        tokens_read += int(mask[:, 1:].sum())
        if (step + 1) % LOOK_EVERY == 0:  # sometimes evaluate
            nats_per_token, bits_per_byte = held_out(model, unseen, tokenizer)
            cost = {"bytes_read": bytes_read, "tokens_read": tokens_read, "flops": training_flops(model.config, tokens_read)}
            quality = {"nats_per_token": nats_per_token, "bits_per_byte": bits_per_byte}
            readings.append(Reading(merges=merges, steps=step + 1, **cost, **quality))
    return model, tokenizer, readings


def texts_of(seed: int, count: int = LONG) -> tuple[list[str], list[str]]:
    """Return a seed's first documents to train on, LONG at most, and documents that no seed trains on."""
    return short_documents(f"lesson 02, seed {seed}", LONG)[:count], short_documents("lesson 02, unseen", 256)


def measure_seed(seed: int) -> list[Reading]:
    """Train a model per tokenizer on the same documents; the seed decides documents, first weights and order."""
    texts, unseen = texts_of(seed)
    return [reading for merges in MERGES for reading in train_with(merges, texts, unseen, seed=seed)[2]]


def stored_readings(folder: str | Path) -> list[list[Reading]]:
    """Read what was measured, one list per seed.

    Raises: FileNotFoundError where nothing is stored.
    """
    how = f"run `python -m rlhf_lite.course.lesson_02.tokenizer_study {folder} 0 1 2 3 4`"
    return [[Reading(**row) for row in stored["readings"]] for stored in read_measured(folder, how)]


def main() -> None:
    """Measure the seeds named on the command line that are not yet stored."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("seeds", type=int, nargs="+")
    chosen = parser.parse_args()
    for seed in chosen.seeds:
        path = chosen.folder / f"seed-{seed}.json"
        if not path.exists():
            rows = rounded([asdict(reading) for reading in measure_seed(seed)])
            write_atomically(path, json.dumps({"seed": seed, "readings": rows}, indent=1) + "\n")
            print(path, flush=True)


if __name__ == "__main__":
    main()
