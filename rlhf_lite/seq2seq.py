"""Translation with recurrent networks: one context for the whole sentence, then a context for each word."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from .masked import check_mask


@dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig:
    """Fix the shape of a recurrent encoder-decoder."""

    source_vocab_size: int
    """Number of words of the language to read."""
    target_vocab_size: int
    """Number of words of the language to write, start and end included."""
    d_model: int = 80
    """Width of embeddings and states, one direction (ours; Bahdanau 2015: 620 and 1,000, paper)."""

    def __post_init__(self):
        for name in ("source_vocab_size", "target_vocab_size", "d_model"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, expected at least 1")


def check_source(source: Tensor, source_mask: Tensor) -> None:
    """Refuse a mask that is not what the encoders expect: True for the words, then False for the padding."""
    check_mask("source_mask", source_mask, source, "source")
    if not source_mask[:, 0].all():
        raise ValueError("a source has no words, or padding before them: drop empty sentences and pad on the right")
    if (source_mask[:, 1:] & ~source_mask[:, :-1]).any():
        raise ValueError("source_mask has words after padding: pad on the right")


class Translator(nn.Module):
    """Say what every encoder-decoder here can do, so that one loop trains and one function samples them all.

    A model gives `encode` and `decode`; together they are `forward`. The target begins with the start token, and
    logits[:, t], which have read target[:, : t + 1], speak of token t + 1, as a GPT's do.

    Shapes: source (B, S), source_mask (B, S) with True = a word, target (B, T) -> logits (B, T, V).
    """

    def encode(self, source: Tensor, source_mask: Tensor) -> Tensor:
        """Read the source: (B, S) -> what the decoder needs of it, one row a sentence."""
        raise NotImplementedError

    def decode(self, memory: Tensor, source_mask: Tensor, target: Tensor) -> Tensor:
        """Write with the right word given at every step (teacher forcing): logits (B, T, V)."""
        raise NotImplementedError

    def forward(self, source: Tensor, source_mask: Tensor, target: Tensor) -> Tensor:
        """Read, then write: logits (B, T, V)."""
        check_source(source, source_mask)
        return self.decode(self.encode(source, source_mask), source_mask, target)


class GRUCell(nn.Module):
    """Carry a state from word to word, with gates that say how much of it to keep.

        reset      r  = sigmoid(W_r x + U_r h)
        update     z  = sigmoid(W_z x + U_z h)
        candidate  n  = tanh(W_n x + r * (U_n h))
        new state  h' = (1 - z) * n + z * h

    Shapes: x (B, I), state h (B, C) -> (B, C).

    Source: Cho 2014, section 2.3; differs from it, as PyTorch's cell does, in having biases and in applying r after U_n.
    """

    def __init__(self, d_input: int, d_model: int):
        super().__init__()
        self.from_input = nn.Linear(d_input, 3 * d_model)  # W_r, W_z, W_n
        self.from_state = nn.Linear(d_model, 3 * d_model)  # U_r, U_z, U_n

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """Return the state after one more word."""
        reset_x, update_x, candidate_x = self.from_input(x).chunk(3, dim=-1)
        reset_h, update_h, candidate_h = self.from_state(state).chunk(3, dim=-1)
        reset = torch.sigmoid(reset_x + reset_h)
        update = torch.sigmoid(update_x + update_h)
        candidate = torch.tanh(candidate_x + reset * candidate_h)
        return (1 - update) * candidate + update * state


def run_encoder(encoder: nn.GRU, embedded: Tensor, source_mask: Tensor) -> tuple[Tensor, Tensor]:
    """Run a GRU over the words and not over the padding, whose outputs become 0.

    Shapes: embedded (B, S, C) -> states (B, S, C) and last states (1, B, C); two directions: (B, S, 2C) and (2, B, C).
    """
    lengths = source_mask.sum(1).cpu()
    packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
    states, last = encoder(packed)
    return pad_packed_sequence(states, batch_first=True, total_length=source_mask.shape[1])[0], last


class FixedContextSeq2Seq(Translator):
    """Squeeze the source into one vector, the context C, and write every word from it.

    Source: Cho 2014, sections 2.2 and A; differs from it in a linear output layer for maxout.
    """

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        self.config, c = config, config.d_model
        self.source_embedding = nn.Embedding(config.source_vocab_size, c)
        self.target_embedding = nn.Embedding(config.target_vocab_size, c)
        self.encoder = nn.GRU(c, c, batch_first=True)
        self.context = nn.Linear(c, c)
        self.first_state = nn.Linear(c, c)
        self.cell = GRUCell(2 * c, c)
        self.output = nn.Linear(3 * c, config.target_vocab_size)

    def encode(self, source: Tensor, source_mask: Tensor) -> Tensor:
        """Read the source into the context (B, C): all that the decoder will ever know of it."""
        _, last = run_encoder(self.encoder, self.source_embedding(source), source_mask)
        return torch.tanh(self.context(last[0]))

    def decode(self, memory: Tensor, source_mask: Tensor, target: Tensor) -> Tensor:
        """Write from the context (B, C), the same at every step: logits (B, T, V)."""
        state = torch.tanh(self.first_state(memory))  # (B, C)
        seen = []
        for word in self.target_embedding(target).unbind(1):  # T times (B, C)
            state = self.cell(torch.cat([word, memory], -1), state)
            seen.append(torch.cat([state, word, memory], -1))
        return self.output(torch.stack(seen, 1))


class AdditiveAttention(nn.Module):
    """Ask with a state which source words matter now, and mix them: score = v^T tanh(W s + U h).

    Shapes: state s (B, C), memory h (B, S, M), source_mask (B, S) -> context (B, M), weights (B, S), each row summing to 1.

    Source: Bahdanau 2015, section A.1.2.
    """

    def __init__(self, d_state: int, d_memory: int, d_model: int):
        super().__init__()
        self.from_state = nn.Linear(d_state, d_model, bias=False)  # W
        self.from_memory = nn.Linear(d_memory, d_model, bias=False)  # U
        self.score = nn.Linear(d_model, 1, bias=False)  # v

    def forward(
        self, state: Tensor, memory: Tensor, source_mask: Tensor, keys: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return context and weights; `keys`, U h, can be computed once for all the words to write."""
        keys = self.from_memory(memory) if keys is None else keys
        scores = self.score(torch.tanh(self.from_state(state)[:, None] + keys)).squeeze(-1)  # (B, S)
        weights = scores.masked_fill(~source_mask, float("-inf")).softmax(-1)
        return (weights[:, None] @ memory).squeeze(1), weights


class AttentionSeq2Seq(Translator):
    """Look back at all source words before each word to write: a context C_i for each output.

    Source: Bahdanau 2015, sections 3 and A.2; differs from it in a linear output layer for maxout.
    """

    def __init__(self, config: Seq2SeqConfig):
        super().__init__()
        self.config, c = config, config.d_model
        self.source_embedding = nn.Embedding(config.source_vocab_size, c)
        self.target_embedding = nn.Embedding(config.target_vocab_size, c)
        self.encoder = nn.GRU(c, c, batch_first=True, bidirectional=True)
        self.first_state = nn.Linear(c, c)
        self.attention = AdditiveAttention(c, 2 * c, c)
        self.cell = GRUCell(3 * c, c)
        self.output = nn.Linear(4 * c, config.target_vocab_size)

    def encode(self, source: Tensor, source_mask: Tensor) -> Tensor:
        """Read the source in both directions: (B, S, 2C), a note on each word with its surroundings."""
        return run_encoder(self.encoder, self.source_embedding(source), source_mask)[0]

    def decode(self, memory: Tensor, source_mask: Tensor, target: Tensor) -> Tensor:
        """Write, looking back before each word: logits (B, T, V)."""
        return self._write(memory, source_mask, target)[0]

    def alignment(self, source: Tensor, source_mask: Tensor, target: Tensor) -> Tensor:
        """Return where the model looks (B, T, S); row t belongs to the word that logits[:, t] speak of, token t + 1."""
        check_source(source, source_mask)
        return self._write(self.encode(source, source_mask), source_mask, target)[1]

    def _write(self, memory: Tensor, source_mask: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        keys = self.attention.from_memory(memory)  # (B, S, C)
        backward_first = memory[:, 0, self.config.d_model :]  # has read the sentence from its end to its first word
        state = torch.tanh(self.first_state(backward_first))  # (B, C)
        seen, looks = [], []
        for word in self.target_embedding(target).unbind(1):
            context, weights = self.attention(state, memory, source_mask, keys)
            state = self.cell(torch.cat([word, context], -1), state)
            seen.append(torch.cat([state, word, context], -1))
            looks.append(weights)
        return self.output(torch.stack(seen, 1)), torch.stack(looks, 1)


@torch.no_grad()
def greedy_translate(
    model: Translator, source: Tensor, source_mask: Tensor, *, start_id: int, end_id: int, max_tokens: int
) -> list[list[int]]:
    """Write the likeliest word each time, up to and with the end token or max_tokens.

    The start token is not in the result. The decoder reads its own words anew each time, which sentences of a dozen
    words can afford; `generate` shows how a GPT reads each only once.

    Shapes: source (B, S), source_mask (B, S) -> B lists of ids.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens is {max_tokens}, expected at least 1")
    check_source(source, source_mask)
    was_training = model.training
    model.eval()
    memory = model.encode(source, source_mask)
    target = source.new_full((len(source), 1), start_id)
    for _ in range(max_tokens):
        drawn = model.decode(memory, source_mask, target)[:, -1].argmax(-1)
        target = torch.cat([target, drawn[:, None]], 1)
        if (target[:, 1:] == end_id).any(1).all():
            break
    model.train(was_training)
    return [row[: row.index(end_id) + 1] if end_id in row else row for row in target[:, 1:].tolist()]
