"""One translation task and three models of equal size on it: build, train, translate, mark.

Lessons 03 and 04 share this, so that what differs on their scoreboard is the model and nothing else: the same sentences
in the same order, the same number of steps, the same optimizer.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from ...checkpoint import TrainingRun
from ...data import batch_indices, seeded_generator
from ...likelihood import language_model_loss
from ...optim import OptimConfig, build_optimizer, optimizer_step
from ...seq2seq import AttentionSeq2Seq, FixedContextSeq2Seq, Seq2SeqConfig, Translator, greedy_translate
from ...tinyworld.translation import (
    MAX_WORDS,
    SentencePair,
    TranslationBatch,
    WordVocabulary,
    sentence_pairs,
    split_pairs,
    translation_batch,
)
from ...transformer import EncoderDecoderTransformer, TransformerConfig

TITLES = {"fixed": "GRU, one context C", "attention": "GRU with attention", "transformer": "Transformer"}
"""The three models, in the order in which lessons meet them."""
WIDTHS = {"fixed": 104, "attention": 82, "transformer": 64}
"""d_model of each, chosen so that all have about 253,000 parameters."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TranslationTask:
    """Sentences to learn from, sentences to be marked on, and the words of both languages."""

    train: Sequence[SentencePair]
    held_out: Sequence[SentencePair]
    english: WordVocabulary
    chinese: WordVocabulary

    def batch(self, pairs: Sequence[SentencePair]) -> TranslationBatch:
        """Stack sentence pairs into tensors."""
        return translation_batch(pairs, self.english, self.chinese)

    def source(self, sentences: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Turn English sentences into ids (B, S) and their mask.

        Raises: ValueError if a sentence is empty or has a word that training never showed.
        """
        for sentence in sentences:
            unknown = [word for word in sentence.split() if word not in self.english.words]
            if unknown or not sentence.strip():
                raise ValueError(f"not in the vocabulary: {', '.join(unknown)}" if unknown else "the sentence is empty")
        batch = self.batch([SentencePair(sentence, "", ()) for sentence in sentences])
        return batch.source, batch.source_mask


@lru_cache(maxsize=2)
def translation_task(seed: int = 0, n_train: int = 3000, n_held_out: int = 1000) -> TranslationTask:
    """Draw sentences and keep some back for marking; the two parts share no sentence in either language."""
    train, held_out = split_pairs(sentence_pairs(seed, n_train + n_held_out), n_held_out, seed)
    english = WordVocabulary(pair.english for pair in train)
    chinese = WordVocabulary(pair.chinese for pair in train)
    return TranslationTask(train=train, held_out=held_out, english=english, chinese=chinese)


@dataclass(frozen=True, kw_only=True)
class TranslatorConfig:
    """Set how a translator is trained."""

    steps: int = 600
    """Optimizer steps (ours)."""
    batch_size: int = 64
    """Sentence pairs per step (ours)."""
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(learning_rate=5e-3, warmup_steps=20))
    """Adam and its schedule, the same for all models (ours)."""


def build_translator(kind: str, task: TranslationTask, seed: int = 0, *, d_model: int | None = None) -> Translator:
    """Make one of the three models with random weights: "fixed", "attention" or "transformer"; d_model defaults to WIDTHS."""
    if kind not in WIDTHS:
        raise ValueError(f"kind is {kind!r}, expected one of {', '.join(WIDTHS)}")
    sizes = {"source_vocab_size": len(task.english), "target_vocab_size": len(task.chinese), "d_model": d_model or WIDTHS[kind]}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeded_generator("translator", kind, seed).initial_seed())
        if kind == "transformer":
            return EncoderDecoderTransformer(TransformerConfig(**sizes))
        return {"fixed": FixedContextSeq2Seq, "attention": AttentionSeq2Seq}[kind](Seq2SeqConfig(**sizes))


def n_parameters_of(model: torch.nn.Module) -> int:
    """Count the numbers that training sets."""
    return sum(parameter.numel() for parameter in model.parameters())


def translation_loss(model: Translator, batch: TranslationBatch) -> Tensor:
    """Cross-entropy of the right next word, the earlier right words given (teacher forcing), in nats per word."""
    logits = model(batch.source, batch.source_mask, batch.target)  # (B, T, V)
    return language_model_loss(logits, batch.target, batch.target_mask)


def train_translator(
    model: Translator, task: TranslationTask, config: TranslatorConfig, *, seed: int = 0, show_progress: bool = True
) -> tuple[list[float], float]:
    """Train in place; return the loss at every step, and the CPU-seconds it took."""
    run, began = TrainingRun(None, show_progress=show_progress, name=type(model).__name__), time.process_time()
    optimizer = build_optimizer(model, config.optim)
    model.train()
    for step in run.steps(config.steps, {"model": model}, {"model": optimizer}):
        batch = task.batch([task.train[i] for i in batch_indices(step, len(task.train), config.batch_size, seed)])
        loss = translation_loss(model, batch)
        optimizer_step(optimizer, {"loss": loss}, step, config.steps, config.optim)
        run.record(step, {"loss": loss.item()})
    model.eval()
    return [row["loss"] for row in run.history], time.process_time() - began


def translate(model: Translator, task: TranslationTask, sentences: Sequence[str]) -> list[str]:
    """Translate English sentences, the likeliest word each time.

    Example, by a trained model: ["Tom chases Jerry"] -> ["汤姆 追逐 杰瑞"].
    """
    return _write(model, task, *task.source(sentences))


def _write(model: Translator, task: TranslationTask, source: Tensor, source_mask: Tensor) -> list[str]:
    ids = {"start_id": task.chinese.start_id, "end_id": task.chinese.end_id}
    written = greedy_translate(model, source, source_mask, **ids, max_tokens=2 * MAX_WORDS)
    return [task.chinese.decode(line) for line in written]


@dataclass(frozen=True, kw_only=True)
class Score:
    """How one trained model did: a line of the scoreboard."""

    kind: str
    """One of TITLES."""
    seed: int
    steps: int
    parameters: int
    seconds: float
    """CPU-seconds of training"""
    right: dict[int, int]
    """English words of a sentence -> how many such sentences were translated exactly"""
    asked: dict[int, int]
    """English words of a sentence -> how many such sentences there were"""

    def exact_match(self, shortest: int = 0, longest: int = MAX_WORDS) -> float:
        """Share of sentences translated word for word, of those with so many English words."""
        counted = [length for length in self.asked if shortest <= length <= longest]
        if not counted:
            raise ValueError(f"no sentence of {shortest} to {longest} words was marked: lengths are {sorted(self.asked)}")
        return sum(self.right[length] for length in counted) / sum(self.asked[length] for length in counted)

    def to_row(self) -> dict[str, Any]:
        """Return the score as a row that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> "Score":
        """Read what `to_row` wrote; JSON has turned the lengths into strings."""
        counts = {name: {int(length): n for length, n in row[name].items()} for name in ("right", "asked")}
        return cls(**row | counts)


def mark(pairs: Sequence[SentencePair], written: Sequence[str]) -> tuple[dict[int, int], dict[int, int]]:
    """Count by length of the English sentence how many translations are right to the last word, and how many there are."""
    right: dict[int, int] = {}
    asked: dict[int, int] = {}
    for pair, text in sorted(zip(pairs, written, strict=True), key=lambda both: len(both[0].english.split())):
        length = len(pair.english.split())
        asked[length] = asked.get(length, 0) + 1
        right[length] = right.get(length, 0) + (text == pair.chinese)
    return right, asked


def score_translator(
    kind: str, model: Translator, task: TranslationTask, *, steps: int, seconds: float, seed: int = 0
) -> Score:
    """Mark a trained model on the held-out sentences."""
    batch = task.batch(task.held_out)  # a word that training never showed is the unknown word here
    right, asked = mark(task.held_out, _write(model, task, batch.source, batch.source_mask))
    sizes = {"parameters": n_parameters_of(model), "seconds": round(seconds, 1)}
    return Score(kind=kind, seed=seed, steps=steps, **sizes, right=right, asked=asked)
