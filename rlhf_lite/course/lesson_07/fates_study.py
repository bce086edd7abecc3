"""Why not hide every chosen word behind the blank? BERT trained with 80/10/10, and with blanks only, over seeds.

`python -m rlhf_lite.course.lesson_07.fates_study data/bert_study 0 1 2` measures the seeds that are not yet stored.
"""

import random
from typing import Any

import torch
from torch import Tensor

from ...bert import Bert, mask_tokens, masked_language_model_loss
from ...data import seeded_generator
from ...optim import build_optimizer, optimizer_step
from .pair import OPTIM, STEPS, VOCAB_SIZE, Texts, bert_fills, build_pair, read_texts
from .scoreboard import BLANKS, draw_blanks, share_guessed
from .seed_files import measure_missing

FATES = ("80/10/10", "blanks only")
"""What becomes of the chosen words."""


def hidden_batch(tokens: Tensor, texts: Texts, fate: str, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Choose words and hide them, all behind the blank if `fate` says so: inputs and loss mask, both (B, T)."""
    inputs, loss_mask = mask_tokens(tokens, texts.maskable(tokens), texts.mask_id, VOCAB_SIZE + 1, generator)
    return (inputs if fate == "80/10/10" else tokens.masked_fill(loss_mask, texts.mask_id)), loss_mask


def train_with(fate: str, texts: Texts, steps: int, seed: int) -> Bert:
    """Train a BERT on the same batches and the same chosen words, whatever becomes of them."""
    bert, _ = build_pair(texts, seed)
    optimizer, generator = build_optimizer(bert, OPTIM), seeded_generator("masks", seed)
    bert.train()
    for step in range(steps):
        tokens = texts.batch(step, seed)
        inputs, loss_mask = hidden_batch(tokens, texts, fate, generator)
        loss = masked_language_model_loss(bert(inputs), tokens, loss_mask)
        optimizer_step(optimizer, {"loss": loss}, step, steps, OPTIM)
    return bert.eval()


@torch.no_grad()
def share_in_view(bert: Bert, texts: Texts, *, replace: bool, count: int) -> float:
    """Share of words that BERT names right while a word stands in view: another one, if `replace`, or the right one."""
    rng, right = random.Random("strangers"), 0
    for ids, place in draw_blanks(texts, count):
        framed = texts.framed(ids)
        if replace:
            framed[place + 1] = rng.choice([word for word in texts.vocabulary if word != ids[place]])
        right += int(bert(torch.tensor([framed]))[0, place + 1].argmax()) == ids[place]
    return right / count


def measure_fates(seed: int, steps: int = STEPS, texts: Texts | None = None) -> list[dict[str, Any]]:
    """Train both, and measure what each makes of a blank, of a wrong word, and of a right word."""
    texts, rows = texts or read_texts(seed), []
    for fate in FATES:
        bert = train_with(fate, texts, steps, seed)
        found = {
            "blank": share_guessed(lambda ids, place, bert=bert: bert_fills(bert, texts, ids, place), draw_blanks(texts, BLANKS)),
            "a wrong word in view": share_in_view(bert, texts, replace=True, count=BLANKS),
            "the right word in view": share_in_view(bert, texts, replace=False, count=BLANKS),
        }
        rows += [{"measure": measure, "model": fate, "value": value} for measure, value in found.items()]
    return rows


if __name__ == "__main__":
    measure_missing("fates", measure_fates)
