"""The same question put in eight ways, and answers chosen by log-probability: no training, no sampling.

Four wordings leave a sentence open (prompting), four say what to do (instructing).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...data import lengths_to_mask, pad_right
from ...gpt import GPT
from ...likelihood import masked_log_probs
from ...tinyworld.prompts import draw_requests
from ...tokenizer import Tokenizer


@dataclass(frozen=True)
class Wording:
    """One way to ask whether a text is praise."""

    text: str
    """What the model reads; {} stands for the text in question."""
    options: tuple[str, str]
    """What it may go on with: praise, blame."""
    is_instruction: bool
    """True: the user says what to do; False: a sentence is left open."""


WORDINGS = (
    Wording("{} This was a", (" good", " bad"), False),
    Wording("Review: {}\nStars:", (" good", " bad"), False),
    Wording("Exercise: {} The opinion:\nSolution:", (" Good", " Bad"), False),
    Wording("{} It is", (" good", " bad"), False),
    Wording("User: Is this good or bad? {}\nAssistant:", (" Good", " Bad"), True),
    Wording("User: {} Is this good or bad?\nAssistant:", (" Good", " Bad"), True),
    Wording("User: Say good or bad. {}\nAssistant:", (" Good", " Bad"), True),
    Wording("User: What does this say? Good or bad? {}\nAssistant:", (" Good", " Bad"), True),
)
"""The first three stand, word for word, in the base model's texts; the fifth in the fine-tuned model's prompts."""

ARTICLES = {
    "the articles' texts": (
        ("I bought this necklace for my girlfriend. She likes it very much.", True),
        ("I bought this necklace for my girlfriend. She does not like it.", False),
        ("I went to a restaurant with my girlfriend. She was very happy with it.", True),
        ("I went to a restaurant with my girlfriend. She was not happy with it.", False),
    ),
    "a necklace, in the world's words": (
        ("Anna bought a necklace. I love it. I use it every day.", True),
        ("Anna bought a necklace. It is the best. I am very happy with it.", True),
        ("Anna bought a necklace. I hate it. I want my money back.", False),
        ("Anna bought a necklace. It broke at once. It is the worst.", False),
    ),
    "a lamp, in the world's words": (
        ("Anna bought a lamp. I love it. I use it every day.", True),
        ("Anna bought a lamp. It is the best. I am very happy with it.", True),
        ("Anna bought a lamp. I hate it. I want my money back.", False),
        ("Anna bought a lamp. It broke at once. It is the worst.", False),
    ),
}
"""Group -> texts, True = praise. The articles have the first and the third; the others are their opposites, so that a model
that always says good is right half of the time."""
ARTICLES_OPEN = Wording("{} This necklace is too", (" good", " bad"), False)
"""The articles' own prompt, for their first two texts."""
ARTICLES_INSTRUCTION = Wording("User: Is this good or bad? {} A = good, B = bad.\nAssistant:", (" A", " B"), True)
"""The articles' own instruction."""


@torch.no_grad()
def option_log_probs(
    model: GPT, tokenizer: Tokenizer, contexts: Sequence[str], options: Sequence[str]
) -> list[list[list[float]]]:
    """Return the log-probability of each token of each option after each context: contexts x options x tokens, in nats."""
    starts, ends = tokenizer.encode_batch(contexts), tokenizer.encode_batch(options)
    rows = [start + end for start in starts for end in ends]
    before = torch.tensor([len(start) for start in starts for _ in ends])
    tokens, lengths = pad_right(rows, tokenizer.pad_id)
    asked = lengths_to_mask(lengths, tokens.shape[1]) & ~lengths_to_mask(before, tokens.shape[1])
    found, _ = masked_log_probs(model, tokens, asked[:, 1:])
    of_row = [row[mask].tolist() for row, mask in zip(found, asked[:, 1:], strict=True)]
    return [of_row[i : i + len(ends)] for i in range(0, len(of_row), len(ends))]


def praise_probability(model: GPT, tokenizer: Tokenizer, wording: Wording, texts: Sequence[str]) -> Tensor:
    """Return for each text the probability of the option for praise against that for blame: (N,)."""
    contexts = [wording.text.format(text) for text in texts]
    sums = [[sum(tokens) for tokens in options] for options in option_log_probs(model, tokenizer, contexts, wording.options)]
    return torch.tensor(sums).softmax(1)[:, 0]


def shares_right(
    models: Mapping[str, GPT], tokenizer: Tokenizer, wordings: Sequence[Wording], reviews: Sequence[tuple[str, bool]]
) -> dict[str, list[float]]:
    """Return each model's share right under each wording."""
    texts, truth = [text for text, _ in reviews], torch.tensor([is_praise for _, is_praise in reviews])
    return {
        name: [((praise_probability(model, tokenizer, each, texts) > 0.5) == truth).double().mean().item() for each in wordings]
        for name, model in models.items()
    }


def draw_reviews(count: int, seed: int | str = "wordings") -> list[tuple[str, bool]]:
    """Draw reviews that no training user asked about, half of them praise: (text, is praise)."""
    requests = draw_requests(seed, 4 * count, held_out=True, use_cases=["classification"])
    rows = [(r.prompt.removeprefix("Is this good or bad? "), r.need.answer == "good") for r in requests]
    halves = [[row for row in rows if row[1] is praise][: count // 2] for praise in (True, False)]
    return halves[0] + halves[1]
