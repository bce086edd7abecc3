"""Learn from dialogues: every turn of the assistant is learnt, what the user says is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tqdm.auto import tqdm

from ...data import batch_indices, pad_right
from ...gpt import GPT
from ...optim import OptimConfig, backward, build_optimizer, clip_and_step
from ...records import Demonstration, ExampleBatch
from ...sft import sft_loss
from ...tokenizer import Tokenizer

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class EncodedDialogue:
    """One tokenised dialogue that ends with the assistant's turn."""

    ids: list[int]
    mask: list[bool]
    """True = a token of an assistant's turn, its end token included."""

    @property
    def n_answers(self) -> int:
        """Number of the assistant's turns."""
        return sum(now and not before for before, now in zip([False, *self.mask], self.mask, strict=False))


def encode_dialogue(messages: Messages, tokenizer: Tokenizer) -> EncodedDialogue:
    """Turn a dialogue into token ids, and mark what the assistant said.

    Each answer is cut into tokens as in a demonstration: its prompt is all that was said before.

    Raises: ValueError where the last message is not the assistant's.
    """
    if not messages or messages[-1]["role"] != "assistant":
        raise ValueError("a dialogue to learn from ends with a message of the assistant")
    ids: list[int] = []
    mask: list[bool] = []
    for place, message in enumerate(messages):
        if message["role"] == "assistant":
            ids, n_prompt = tokenizer.encode_example(messages[:place], message["content"])
            mask += [False] * (n_prompt - len(mask)) + [True] * (len(ids) - n_prompt)
    return EncodedDialogue(ids, mask)


def as_dialogue(demonstration: Demonstration) -> Messages:
    """Write a demonstration as a dialogue of one exchange. Example: ("Hi", "Hello.") -> user Hi, assistant Hello."""
    prompt = demonstration.prompt
    asked = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    return [*asked, {"role": "assistant", "content": demonstration.response}]


def collate_dialogues(dialogues: Sequence[EncodedDialogue], pad_id: int) -> ExampleBatch:
    """Stack the dialogues of one batch, padded on the right, with their masks (B, T)."""
    tokens, _ = pad_right([each.ids for each in dialogues], pad_id)
    mask, _ = pad_right([[int(m) for m in each.mask] for each in dialogues], 0)
    return ExampleBatch(tokens, mask.bool())


def train_dialogues(
    model: GPT,
    sources: Sequence[Sequence[EncodedDialogue]],
    *,
    steps: int,
    pad_id: int,
    seed: int,
    learning_rate: float = 3e-4,
    show_progress: bool = True,
    look: Callable[[int], None] | None = None,
) -> list[float]:
    """Fine-tune in place; every step takes of each source its share, so that each is read just once.

    Returns: the loss of each step, in nats per token of the assistant's.
    """
    config = OptimConfig(learning_rate=learning_rate)
    optimizer, losses = build_optimizer(model, config), []
    sizes = [len(source) // steps for source in sources]
    if min(sizes) < 1:
        raise ValueError(f"{steps} steps, but a source has {min(map(len, sources))} dialogues: give at least one per step")
    model.train()
    for step in tqdm(range(steps), desc="dialogues", disable=not show_progress):
        chosen = [source[i] for source, n in zip(sources, sizes, strict=True) for i in batch_indices(step, n * steps, n, seed)]
        optimizer.zero_grad()
        loss, metrics = sft_loss(model, collate_dialogues(chosen, pad_id))
        backward({"dialogue_loss": loss}, step)
        clip_and_step(optimizer, step, steps, config)
        losses.append(metrics["loss"])
        if look:
            look(step)
    model.eval()
    return losses
