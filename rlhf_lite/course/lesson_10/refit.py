"""A reward model goes on learning from a few labels, and what that changes."""

from collections.abc import Sequence
from copy import deepcopy

from ...checkpoint import TrainingRun
from ...gpt import ScalarModel
from ...optim import OptimConfig
from ...records import Comparison, EncodedComparison, collate_comparisons, encode_comparisons
from ...reward import RewardConfig, pair_accuracy, pairwise_loss, score_sequences, train_reward_model
from ...tokenizer import Tokenizer

REFIT = RewardConfig(epochs=3, batch_size=4, eval_every=0, optim=OptimConfig(learning_rate=1e-4, warmup_steps=2))
"""Few labels, so small steps, and three passes (ours)."""


def refit(
    model: ScalarModel, comparisons: Sequence[Comparison], tokenizer: Tokenizer, config: RewardConfig = REFIT, *, seed: int = 0
) -> ScalarModel:
    """Return a copy of a reward model that went on learning from comparisons; the model itself stays as it is.

    Raises: ValueError if there is no comparison, or none short enough.
    """
    encoded, _ = encode_comparisons(comparisons, tokenizer, model.config.context_length)
    copy, run = deepcopy(model), TrainingRun(None, show_progress=False)
    train_reward_model(copy, encoded, config, pad_id=tokenizer.pad_id, seed=seed, run=run)
    return copy.eval()


def loss_and_accuracy_on_tokens(model: ScalarModel, comparisons: Sequence[EncodedComparison], pad_id: int) -> tuple[float, float]:
    """Return the pairwise loss and the accuracy, pairs without ties, on tokenised comparisons."""
    scores = score_sequences(model, [ids for each in comparisons for ids in each.ids], pad_id)
    batch = collate_comparisons(comparisons, pad_id)
    return pairwise_loss(scores, batch).item(), pair_accuracy(scores, batch)[0]


def loss_and_accuracy(model: ScalarModel, comparisons: Sequence[Comparison], tokenizer: Tokenizer) -> tuple[float, float]:
    """Return the pairwise loss and the accuracy, pairs without ties, on comparisons of texts."""
    encoded, _ = encode_comparisons(comparisons, tokenizer, model.config.context_length)
    return loss_and_accuracy_on_tokens(model, encoded, tokenizer.pad_id)


def score_texts(model: ScalarModel, prompt: str, responses: Sequence[str], tokenizer: Tokenizer) -> list[float]:
    """Score answers to one prompt, each read at its end token."""
    return score_sequences(model, [tokenizer.encode_example(prompt, text)[0] for text in responses], tokenizer.pad_id).tolist()
