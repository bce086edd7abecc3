"""Two models from the same numbers: one looks both ways and fills in blanks, one looks back and continues.

Their blocks, parameters, first weights, texts, batches and optimizer are the same; what differs is which positions a position
may look at, and what the loss asks. Both read documents with the end token before and after.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from ...bert import Bert, BertConfig, mask_tokens, masked_language_model_loss
from ...data import document_starts, pack_documents, seeded_generator, window_batch
from ...gpt import GPT, GPTConfig
from ...likelihood import language_model_loss, next_token_log_probs
from ...optim import OptimConfig, build_optimizer, optimizer_step
from ...pretrain import start_for_copying
from ...tinyworld.corpus import documents
from ...tokenizer import Tokenizer

WEIGHTS = {"stories": 0.35, "encyclopedia": 0.2, "reviews": 0.15, "dialogues": 0.15, "lists": 0.15}
"""Sources of the texts, and the share of each (ours)."""
VOCAB_SIZE = 1024
"""Tokens of a tokenizer learnt on these texts alone: every word of theirs is one token (ours)."""
N_DOCUMENTS, UNSEEN = 20_000, 300
"""Documents to train on, and documents never trained on (ours)."""
BATCH_SIZE, LENGTH = 16, 48
"""Windows per step, and tokens per window (ours)."""
STEPS = 1500
"""Steps of a stored run (ours)."""
OPTIM = OptimConfig(learning_rate=6e-3, muon_learning_rate=0.02, muon_parts=True, warmup_steps=30)
"""The course's way of pretraining, the same for both (ours)."""


@dataclass(frozen=True)
class Texts:
    """What both models read."""

    tokenizer: Tokenizer
    stream: Tensor
    """(n_tokens,) packed documents."""
    starts: Tensor
    """(n_documents,) where each begins."""
    unseen: list[list[int]]
    """Documents never trained on, as token ids, without the end token."""

    @property
    def mask_id(self) -> int:
        """The blank: one token more than the tokenizer knows, so that no text can hold it."""
        return self.tokenizer.vocab_size

    @property
    def vocabulary(self) -> list[int]:
        """The tokens that the texts hold, but for the end token."""
        return [token for token in self.stream.unique().tolist() if token != self.tokenizer.end_id]

    def framed(self, ids: Sequence[int]) -> list[int]:
        """Put the end token before and after a document."""
        return [self.tokenizer.end_id, *ids, self.tokenizer.end_id]

    def batch(self, step: int, seed: int) -> Tensor:
        """Return the windows of one step: (BATCH_SIZE, LENGTH), each beginning where a document does."""
        return window_batch(self.stream, step, BATCH_SIZE, LENGTH, seed, starts=self.starts)

    def maskable(self, tokens: Tensor) -> Tensor:
        """Mark what may be hidden: all but the end token. (B, T) -> (B, T)."""
        return tokens != self.tokenizer.end_id


def read_texts(seed: int | str, n_documents: int = N_DOCUMENTS) -> Texts:
    """Draw the documents of one seed; tokenizer and unseen documents are the same for every seed."""
    tokenizer = Tokenizer.train(list(documents("lesson 07, words", 4096, WEIGHTS)), VOCAB_SIZE)
    stream = pack_documents(documents(f"lesson 07, seed {seed}", n_documents, WEIGHTS), tokenizer)
    unseen = tokenizer.encode_batch(list(documents("lesson 07, unseen", UNSEEN, WEIGHTS)))
    return Texts(tokenizer, stream, document_starts(stream, tokenizer.end_id), unseen)


def build_pair(texts: Texts, seed: int) -> tuple[Bert, GPT]:
    """Return a BERT and a GPT whose weights are the same numbers."""
    config = GPTConfig(vocab_size=VOCAB_SIZE + 1, context_length=96, d_model=64, n_layers=2, n_heads=4)
    torch.manual_seed(seed)
    gpt = GPT(config)
    start_for_copying(gpt)
    bert = Bert(BertConfig(**asdict(config)))
    bert.load_state_dict(gpt.state_dict())
    return bert, gpt


def bert_loss(bert: Bert, tokens: Tensor, texts: Texts, generator: torch.Generator) -> Tensor:
    """Hide 15 % of the words and guess them: nats per hidden word."""
    inputs, loss_mask = mask_tokens(tokens, texts.maskable(tokens), texts.mask_id, VOCAB_SIZE + 1, generator)
    return masked_language_model_loss(bert(inputs), tokens, loss_mask)


def train_member(
    model: Bert | GPT, texts: Texts, steps: int, seed: int, tell: Callable[[int, float], None] | None = None
) -> list[float]:
    """Train one of the pair, in place, on the same batches as the other; return its loss at each step."""
    optimizer, generator, losses = build_optimizer(model, OPTIM), seeded_generator("masks", seed), []
    model.train()
    for step in range(steps):
        tokens = texts.batch(step, seed)
        is_bert = isinstance(model, Bert)
        loss = bert_loss(model, tokens, texts, generator) if is_bert else language_model_loss(model(tokens), tokens)
        optimizer_step(optimizer, {"loss": loss}, step, steps, OPTIM)
        losses.append(loss.item())
        if tell:
            tell(step, losses[-1])
    model.eval()
    return losses


@torch.no_grad()
def bert_fills(bert: Bert, texts: Texts, ids: Sequence[int], place: int) -> Tensor:
    """Return BERT's distribution (V,) of the word at `place` of a document, both sides in view."""
    framed = texts.framed(ids)
    framed[place + 1] = texts.mask_id
    return bert(torch.tensor([framed]))[0, place + 1].softmax(-1)


@torch.no_grad()
def bert_continues(bert: Bert, texts: Texts, ids: Sequence[int]) -> Tensor:
    """Return BERT's distribution (V,) of the word after a beginning: a blank is put behind it, and nothing follows."""
    return bert(torch.tensor([[texts.tokenizer.end_id, *ids, texts.mask_id]]))[0, -1].softmax(-1)


@torch.no_grad()
def gpt_continues(gpt: GPT, texts: Texts, ids: Sequence[int]) -> Tensor:
    """Return GPT's distribution (V,) of the word after a beginning."""
    return gpt(torch.tensor([[texts.tokenizer.end_id, *ids]]))[0, -1].softmax(-1)


@torch.no_grad()
def gpt_fills(gpt: GPT, texts: Texts, ids: Sequence[int], place: int, words: Sequence[int]) -> Tensor:
    """Try every word of `words` at `place`, and compare how likely the whole texts are: a distribution (V,)."""
    rows = torch.tensor(texts.framed(ids)).repeat(len(words), 1)  # (N, T)
    rows[:, place + 1] = torch.tensor(words)
    log_probs = next_token_log_probs(gpt(rows), rows).sum(1)  # (N,): of each whole text
    return torch.zeros(gpt.config.vocab_size).index_copy(0, torch.tensor(words), log_probs.softmax(0))
