"""What a model costs before it exists: FLOPs and bytes, from its shape alone.

FLOPs: a forward pass does 2 for each parameter and token, one to multiply and one to add; a backward pass twice as many.
So training on D tokens takes 6 N D, the papers' convention. Attention comes on top, since its work grows with the text
and not with the parameters.

Bytes, of a model in training with Adam and mixed precision: 4 for a parameter, 4 for its gradient, 8 for Adam's two
averages, all of which can be shared out over many GPUs; and for computing a copy in 2 bytes, as much of it as is needed
at a time. A model that is only read has its 2 bytes. Then come activations, which the backward pass needs again, and
when sampling the keys and values of all tokens so far.

Sources: 6 N D Kaplan 2020, section 2.1 · sharing out (ZeRO-3, FSDP) Rajbhandari 2020, arXiv 1910.02054 · activations counted
on `transformer.Block` as Korthikanti 2022, arXiv 2205.05198, section 4, counts them, with attention that stores no weights.
"""

from dataclasses import dataclass

from ..gpt import GPTConfig
from ..kernels.packed_weights import is_worth_it

GB = 1e9
"""Bytes in a gigabyte."""
PF_DAY = 1e15 * 86_400
"""FLOPs in a petaflop/s-day."""
MASTER_BYTES = 4
"""Bytes of a trained parameter, of its gradient and of each of Adam's averages (InstructGPT: fp32 master weights, paper)."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Split the bytes that one model takes on one GPU."""

    weights: float = 0.0
    """Parameters, this GPU's share."""
    gradients: float = 0.0
    """Gradients, this GPU's share."""
    optimizer: float = 0.0
    """Adam's two averages, and the averaged weights (EMA) where they are kept; this GPU's share."""
    gathered: float = 0.0
    """Whole parameters to compute with: of two blocks at a time where they are shared out, else a copy in 2 bytes."""
    activations: float = 0.0
    """What the backward pass needs again, at its peak; of a model that is only read, one block's."""
    kv_cache: float = 0.0
    """Keys and values of the answers that are being sampled; on a CPU also the copy of the weights to sample by."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Say how models lie on the GPUs."""

    gpus: int = 1
    """GPUs over which parameters, gradients and optimizer are shared out."""
    compute_bytes: int = 2
    """Bytes of a number in computing: 2 for bf16 or fp16, 4 for fp32."""
    checkpointing: bool = True
    """Keep only the input of each block, and compute the rest again in the backward pass."""
    packed_weights: bool = False
    """Sample by a copy of the weights that is laid out for a CPU."""

    @property
    def stream_bytes(self) -> int:
        """Bytes of a number of the residual stream: autocast leaves it in fp32, while FSDP's blocks take it as they compute."""
        return MASTER_BYTES if self.gpus == 1 else self.compute_bytes


def block_parameters(config: GPTConfig) -> int:
    """Count one block's parameters, biases and LayerNorms included."""
    outside = (config.vocab_size + config.context_length + 2) * config.d_model  # embeddings and the last LayerNorm
    return (config.n_parameters - outside) // config.n_layers


def matrices(config: GPTConfig) -> int:
    """Count the numbers of the matrices inside the blocks, by which every token is multiplied."""
    return config.n_layers * (4 * config.d_model**2 + 2 * config.d_model * config.d_ff)


def approximate_parameters(config: GPTConfig) -> int:
    """Count only the matrices: 12 L C^2 + (V + T) C, for a feed-forward layer 4 C wide.

    Source: Kaplan 2020, section 2.1, for 12 L C^2.
    """
    c = config.d_model
    return 12 * config.n_layers * c * c + (config.vocab_size + config.context_length) * c


def forward_flops(config: GPTConfig, tokens: float) -> float:
    """FLOPs of reading `tokens` tokens, attention left out: 2 N D."""
    return 2 * config.n_parameters * tokens


def training_flops(config: GPTConfig, tokens: float) -> float:
    """FLOPs of learning from `tokens` tokens, attention left out: 6 N D."""
    return 3 * forward_flops(config, tokens)


def attention_flops(config: GPTConfig, tokens: float, length: int) -> float:
    """FLOPs of comparing and mixing in a forward pass over sequences of `length` tokens; three times that in training.

    A token looks at (length + 1) / 2 others on average, twice (scores, then the mix), 2 FLOPs a number of the width.
    """
    return 2 * (length + 1) * config.d_model * config.n_layers * tokens


def state_memory(config: GPTConfig, layout: Layout, *, trained: bool, averaged: bool = False) -> Memory:
    """Bytes on each GPU that do not depend on the texts: weights, gradients, optimizer, and what is gathered to compute."""
    share, gathered = config.n_parameters / layout.gpus, _gathered(config, layout, trained)
    if not trained:
        return Memory(weights=layout.compute_bytes * share, gathered=gathered)
    adam = MASTER_BYTES * (2 + averaged) * share
    return Memory(weights=MASTER_BYTES * share, gradients=MASTER_BYTES * share, optimizer=adam, gathered=gathered)


def _gathered(config: GPTConfig, layout: Layout, trained: bool) -> float:
    """Two blocks, the one at work and the next on its way, and the embeddings.

    In training also the gradients of one block and of the embeddings, and the block's once more in fp32, to be summed.
    """
    if layout.gpus == 1:  # all is there; what is trained in fp32 is copied once to be computed with in 2 bytes
        return layout.compute_bytes * config.n_parameters if trained and layout.compute_bytes < MASTER_BYTES else 0.0
    block, embeddings = block_parameters(config), (config.vocab_size + config.context_length) * config.d_model
    return layout.compute_bytes * (2 * block + embeddings) + (_gradients_on_their_way(config, layout) if trained else 0.0)


def _gradients_on_their_way(config: GPTConfig, layout: Layout) -> float:
    block, embeddings = block_parameters(config), (config.vocab_size + config.context_length) * config.d_model
    return layout.compute_bytes * (block + embeddings) + MASTER_BYTES * block


def block_activations(config: GPTConfig, tokens: float, layout: Layout) -> float:
    """Bytes that one block keeps for its backward pass.

    Of width C: the inputs of two LayerNorms and their outputs, query, key, value, and the mix: 8. Of the feed-forward
    layer's width: before and after GELU. A number a head in fp32 lets attention compute its weights again. Where the stream
    is wider than the numbers computed in, the first LayerNorm's output is made smaller twice: for query, and for key and value.
    """
    stream, compute = layout.stream_bytes, layout.compute_bytes
    copies = 6 + (stream > compute)
    return tokens * (config.d_model * (2 * stream + copies * compute) + 2 * config.d_ff * compute + 4 * config.n_heads)


def kept_activations(config: GPTConfig, layout: Layout, tokens: float) -> float:
    """Bytes that a forward pass on `tokens` tokens at a time leaves for its backward pass, logits left out."""
    block = block_activations(config, tokens, layout)
    inputs = layout.stream_bytes * tokens * config.d_model
    return (config.n_layers + 2) * inputs if layout.checkpointing else config.n_layers * block + 2 * inputs


def logits_bytes(config: GPTConfig, layout: Layout, predicted: float, *, read: bool = False) -> float:
    """Bytes of the logits of `predicted` tokens at their fullest: as they come, scaled in fp32, and their log-softmax in fp32.

    With `read`, their entropy is computed beside the loss: log-softmax once more, its exponential, and the product of both,
    when the scaled ones have gone. In the backward pass there are three such tensors again.
    """
    return predicted * config.vocab_size * (layout.compute_bytes + (16 if read else 8))


def training_activations(
    config: GPTConfig,
    layout: Layout,
    tokens: float,
    *,
    scalar: bool = False,
    predicted: float | None = None,
    logits_read: bool = False,
    again: float | None = None,
) -> float:
    """Bytes at the peak of a training step on `tokens` tokens at a time; `scalar`: one number a position, no logits.

    Logits weigh much with a large vocabulary; `predicted` tokens have some (None: all). They are gone before a block is
    computed again, for `again` tokens at a time (None: all), and before one is gathered for its backward pass.
    """
    predicted = tokens if predicted is None else predicted
    logits = 0.0 if scalar else logits_bytes(config, layout, predicted, read=logits_read)
    if layout.gpus > 1:
        b = layout.compute_bytes
        logits = max(0.0, logits - b * block_parameters(config) - _gradients_on_their_way(config, layout))
    again = tokens if again is None else again
    block = block_activations(config, again, layout) if layout.checkpointing else 0.0
    return kept_activations(config, layout, tokens) + max(block, logits)


def embedding_gradient(config: GPTConfig, *, scalar: bool, held: bool) -> float:
    """Bytes beside a model's gradients when its backward pass ends: those of the embedding, as yet apart.

    The tied embedding gets one gradient from the output layer and one from the input; autograd adds them into a third, and
    all that is apart from what earlier losses have left (`held`). A model that gives one number a position has the second only.
    """
    parts = (0 if scalar else 2) + held
    return MASTER_BYTES * parts * config.vocab_size * config.d_model


def reading_activations(
    config: GPTConfig, layout: Layout, tokens: float, *, scalar: bool = False, predicted: float | None = None
) -> float:
    """Bytes at the peak of reading: in a block, or of the logits of `predicted` tokens (None: all).

    In a block: the stream before and after attention, what attention said, the normalised stream, and the widest layer before
    and after GELU.
    """
    widest = layout.compute_bytes * tokens * (4 * config.d_model + 2 * config.d_ff)
    logits = 0.0 if scalar else logits_bytes(config, layout, tokens if predicted is None else predicted)
    return max(widest, layout.compute_bytes * tokens * config.d_model + logits)


def kv_cache_bytes(config: GPTConfig, tokens: float, compute_bytes: int) -> float:
    """Bytes of the keys and values of `tokens` tokens: a key and a value of width C in every layer.

    Example: GPT-3 175B in 2 bytes: 2 * 96 * 12,288 * 2 = 4.7 MB a token.
    """
    return 2 * config.n_layers * config.d_model * compute_bytes * tokens


def packed_weights_bytes(config: GPTConfig, layout: Layout, rows: int) -> float:
    """Bytes of the copy of the weights by which a CPU samples several rows: of a large model's matrices and output layer."""
    numbers = matrices(config) + config.vocab_size * config.d_model
    return layout.compute_bytes * numbers if layout.packed_weights and is_worth_it(numbers, rows) else 0.0
