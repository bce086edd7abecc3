"""One scoreboard for both of the pair: fill a blank, continue, write on, and learn a classification from a few labels."""

import random
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...bert import Bert
from ...data import batch_indices, seeded_generator
from ...gpt import GPT, copy_gpt
from ...tinyworld import words as w
from ...tinyworld.judge import fluency
from .pair import Texts, bert_continues, bert_fills, gpt_continues, gpt_fills

BLANKS, TRIED_BLANKS = 300, 150
"""Blanks that are guessed; those for which GPT tries every word, which takes hundreds of passes each (ours)."""
WRITTEN, BEGINNING = 16, 6
"""Words that a model writes, after so many words of a document (ours)."""
LABELS, HEAD_STEPS, DRAWS, TEST_REVIEWS = 16, 40, 6, 100
"""Labelled reviews to learn from, optimizer steps, independent draws of labels, reviews to test on (ours)."""
BODY_RATE, HEAD_RATE, REVIEWS_PER_STEP = 1e-5, 2e-2, 8
"""Learning rates of the body and of its new head, and reviews per step (ours)."""

PLACES = ("end of the review", "at the stars")
"""Where a classifier reads the body."""
Guess = Callable[[Sequence[int], int], Tensor]
"""(document, place) -> a distribution (V,) of the word there."""


def draw_blanks(texts: Texts, count: int) -> list[tuple[list[int], int]]:
    """Choose one word, never the first, of each of the first unseen documents. Raises: ValueError where there are too few."""
    rng, blanks = random.Random("blanks"), []
    for ids in texts.unseen[:count]:
        places = [i for i in range(1, len(ids)) if texts.tokenizer.decode(ids[i : i + 1]).strip().isalpha()]
        blanks.append((ids, rng.choice(places)))
    if len(blanks) < count:
        raise ValueError(f"{count} blanks asked for, but there are only {len(blanks)} unseen documents")
    return blanks


def share_guessed(guess: Guess, blanks: Sequence[tuple[list[int], int]]) -> float:
    """Share of the blanks for which the right word is the likeliest."""
    return sum(int(guess(ids, place).argmax()) == ids[place] for ids, place in blanks) / len(blanks)


def guesses(bert: Bert, gpt: GPT, texts: Texts) -> dict[tuple[str, str], Guess]:
    """Return how each model guesses a word, by what it may look at."""
    return {
        ("BERT", "both sides"): lambda ids, place: bert_fills(bert, texts, ids, place),
        ("BERT", "left side"): lambda ids, place: bert_continues(bert, texts, ids[:place]),
        ("GPT", "both sides"): lambda ids, place: gpt_fills(gpt, texts, ids, place, texts.vocabulary),
        ("GPT", "left side"): lambda ids, place: gpt_continues(gpt, texts, ids[:place]),
    }


def write_on(
    continues: Callable[[Sequence[int]], Tensor], texts: Texts, ids: Sequence[int], generator: torch.Generator
) -> list[int]:
    """Draw WRITTEN words one after the other, each after all before it; the end of the document ends it."""
    written = list(ids)
    for _ in range(WRITTEN):
        written.append(int(torch.multinomial(continues(written), 1, generator=generator)))
        if written[-1] in (texts.tokenizer.end_id, texts.mask_id):
            return written[:-1]
    return written


@torch.no_grad()
def fill_all_at_once(bert: Bert, texts: Texts, ids: Sequence[int], generator: torch.Generator) -> list[int]:
    """Put WRITTEN blanks behind a beginning and draw all words at once: no blank knows what stands in another."""
    framed = torch.tensor([[texts.tokenizer.end_id, *ids, *[texts.mask_id] * WRITTEN, texts.tokenizer.end_id]])
    probs = bert(framed)[0, -1 - WRITTEN : -1].softmax(-1)  # (WRITTEN, V)
    drawn = torch.multinomial(probs, 1, generator=generator).flatten().tolist()
    special = (texts.tokenizer.end_id, texts.mask_id)
    return [*ids, *(token for token in drawn if token not in special)]


def written_fluency(write: Callable[[Sequence[int], torch.Generator], list[int]], texts: Texts, count: int = 60) -> float:
    """Mean share of neighbouring words, in texts that a model wrote on, which the world's language allows."""
    generator = seeded_generator("write on")
    beginnings = [ids[:BEGINNING] for ids in texts.unseen if len(ids) > 2 * BEGINNING][:count]
    return sum(fluency(texts.tokenizer.decode(write(ids, generator))) for ids in beginnings) / len(beginnings)


def label_reviews(
    texts: Texts, seed: int | str, count: int, praise: list[str], blame: list[str]
) -> tuple[list[list[int]], Tensor]:
    """Write reviews, praise and blame in turn, of two of the given sentences, as token ids; labels (N,): 1.0 = praise."""
    rng, rows = random.Random(f"label {seed}"), []
    for i in range(count):
        opinion = " ".join(rng.sample(praise if i % 2 else blame, 2))
        rows.append(texts.tokenizer.encode(f"Review: {rng.choice(w.NAMES)} bought a {rng.choice(w.GOODS)}. {opinion}"))
    return rows, torch.tensor([float(i % 2) for i in range(count)])


def laid_out(model: Bert | GPT, texts: Texts, ids: Sequence[int], place: str) -> list[int]:
    """Put a review before what is read off last: its end, or, at the stars, where its texts name the opinion.

    At the stars a GPT is about to write the next word, and BERT has a blank there.
    """
    if place == "end of the review":
        return texts.framed(ids)
    stars = texts.tokenizer.encode("\nStars:")
    return [texts.tokenizer.end_id, *ids, *stars, *([texts.mask_id] if isinstance(model, Bert) else [])]


def read_off(model: Bert | GPT, rows: Sequence[list[int]]) -> Tensor:
    """Return the stream at each text's last token: (N, C). Rows of one length are read together."""
    found = torch.zeros(len(rows), model.config.d_model)
    for length in {len(row) for row in rows}:
        chosen = [i for i, row in enumerate(rows) if len(row) == length]
        found = found.index_copy(0, torch.tensor(chosen), model.hidden(torch.tensor([rows[i] for i in chosen]))[:, -1])
    return found


def copy_of(model: Bert | GPT) -> Bert | GPT:
    """Return an independent model with the same weights."""
    if isinstance(model, GPT):
        return copy_gpt(model)
    copy = Bert(model.config)
    copy.load_state_dict(model.state_dict())
    return copy


def fine_tune(start: Bert | GPT, rows: Sequence[list[int]], labels: Tensor) -> tuple[Bert | GPT, nn.Linear]:
    """Keep the body, put a new head on it, and train both on labelled texts: HEAD_STEPS steps, the body gently."""
    torch.manual_seed(0)
    body, head = copy_of(start), nn.Linear(start.config.d_model, 1)
    groups = [{"params": body.parameters(), "lr": BODY_RATE}, {"params": head.parameters(), "lr": HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups)
    for step in range(HEAD_STEPS):
        chosen = batch_indices(step, len(rows), REVIEWS_PER_STEP, seed=0)
        scores = head(read_off(body, [rows[i] for i in chosen])).squeeze(1)
        loss = F.binary_cross_entropy_with_logits(scores, labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(body.parameters(), 1.0)
        optimizer.step()
    return body, head


def classify_by_fine_tuning(start: Bert | GPT, texts: Texts, seed: int | str, place: str) -> float:
    """Fine-tune on LABELS reviews; return the share right of reviews in other sentences."""
    rng = random.Random(f"sentences {seed}")
    praise, blame = rng.sample(w.PRAISE, len(w.PRAISE)), rng.sample(w.BLAME, len(w.BLAME))
    trained, labels = label_reviews(texts, f"train {seed}", LABELS, praise[:2], blame[:2])
    tests, truth = label_reviews(texts, f"test {seed}", TEST_REVIEWS, praise[2:], blame[2:])
    body, head = fine_tune(start, [laid_out(start, texts, ids, place) for ids in trained], labels)
    with torch.no_grad():
        scores = head(read_off(body, [laid_out(start, texts, ids, place) for ids in tests])).squeeze(1)
    return ((scores > 0) == (truth > 0.5)).double().mean().item()


def mean_classified(start: Bert | GPT, texts: Texts, seed: int, place: str) -> float:
    """Mean share right over DRAWS draws of labels."""
    return sum(classify_by_fine_tuning(start, texts, f"{seed} {draw}", place) for draw in range(DRAWS)) / DRAWS
