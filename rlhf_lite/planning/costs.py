"""What a model costs before it exists: FLOPs and bytes, from its shape alone.

FLOPs: a forward pass does 2 for each parameter and token, one to multiply and one to add; a backward pass twice as many.
So training on D tokens takes 6 N D, the papers' convention. Attention comes on top, since its work grows with the text
and not with the parameters.

Bytes of a model in training with Adam: 4 per parameter, 4 for its gradient, 8 for Adam's two averages, all of which can be
sharded over many GPUs; and, to compute in bfloat16, a copy in 2 bytes of what is needed at a time. A model that is only read
has its weights and that copy. Then come activations, which the backward pass needs, and in sampling the keys and values of
all tokens so far.

Sources: 6 N D Kaplan 2020, section 2.1 · sharding (ZeRO-3, FSDP) Rajbhandari 2020, arXiv 1910.02054 · activations counted
on `transformer.Block` as Korthikanti 2022, arXiv 2205.05198, section 4, counts them, with attention that stores no weights.
"""

from dataclasses import dataclass

from ..gpt import GPTConfig
from ..kernels.packed_weights import is_worth_it
from .cluster import Cluster

GB = 1e9
"""Bytes in a gigabyte."""
PF_DAY = 1e15 * 86_400
"""FLOPs in a petaflop/s-day."""
MASTER_BYTES = 4
"""Bytes of a parameter, of its gradient and of each of Adam's averages (InstructGPT: fp32 master weights, paper)."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes that one model takes on one GPU, by purpose."""

    weights: float = 0.0
    """Parameters, this GPU's shard."""
    gradients: float = 0.0
    """Gradients, this GPU's shard."""
    optimizer: float = 0.0
    """Adam's two averages, and the EMA weights where they are kept; this GPU's shard."""
    gathered: float = 0.0
    """Parameters to compute with: of two blocks at a time where they are sharded, else a copy in 2 bytes."""
    activations: float = 0.0
    """What the backward pass needs, at its peak; of a model that is only read, one block's."""
    kv_cache: float = 0.0
    """Keys and values of the answers that are being sampled; on a CPU also the packed weights."""


def block_parameters(config: GPTConfig) -> int:
    """Number of parameters of one block, biases and LayerNorms included."""
    outside = (config.vocab_size + config.context_length + 2) * config.d_model  # embeddings and the last LayerNorm
    return (config.n_parameters - outside) // config.n_layers


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
    """FLOPs of attention's scores and mix in a forward pass over sequences of `length` tokens; three times that in training.

    A token attends to (length + 1) / 2 tokens on average, twice (scores, then the mix), with 2 FLOPs per number of the width.
    """
    return 2 * (length + 1) * config.d_model * config.n_layers * tokens


def state_memory(config: GPTConfig, cluster: Cluster, *, trained: bool, averaged: bool = False) -> Memory:
    """Bytes on each GPU that do not depend on the texts: weights, gradients, optimizer, and what is gathered to compute.

    `averaged`: the weights have a moving average (EMA) too.
    """
    shard = MASTER_BYTES * config.n_parameters / cluster.gpus
    gathered = _gathered(config, cluster) + (_gathered_gradients(config, cluster) if trained else 0.0)
    if not trained:
        return Memory(weights=shard, gathered=gathered)
    return Memory(weights=shard, gradients=shard, optimizer=(2 + averaged) * shard, gathered=gathered)


def _gathered(config: GPTConfig, cluster: Cluster) -> float:
    """Bytes of the parameters to compute with: if sharded, two blocks, one at work and one on its way, and the embeddings."""
    if cluster.gpus == 1:  # all parameters are there; bfloat16 needs a copy
        return 2 * config.n_parameters if cluster.engine.bfloat16 else 0.0
    return cluster.compute_bytes * (2 * block_parameters(config) + _embeddings(config))


def _gathered_gradients(config: GPTConfig, cluster: Cluster) -> float:
    """Bytes of sharded gradients before they are scattered: one block and the embeddings, the block once more in float32."""
    if cluster.gpus == 1:
        return 0.0
    return cluster.compute_bytes * (block_parameters(config) + _embeddings(config)) + MASTER_BYTES * block_parameters(config)


def _embeddings(config: GPTConfig) -> int:
    return (config.vocab_size + config.context_length) * config.d_model


def block_activations(config: GPTConfig, tokens: float, cluster: Cluster) -> float:
    """Bytes that one block keeps for its backward pass.

    Of width C: the inputs of two LayerNorms and their outputs, query, key, value, and attention's output: 8. Of the
    feed-forward layer's width: before and after GELU. One float32 number per head lets attention compute its weights anew.
    Where the stream is in float32 and products in bfloat16, the first LayerNorm's output is converted twice: for query, and
    for key and value.
    """
    stream, compute = cluster.stream_bytes, cluster.compute_bytes
    copies = 6 + (stream > compute)
    return tokens * (config.d_model * (2 * stream + copies * compute) + 2 * config.d_ff * compute + 4 * config.n_heads)


def kept_activations(config: GPTConfig, cluster: Cluster, tokens: float) -> float:
    """Bytes that a forward pass on `tokens` tokens leaves for its backward pass, logits left out."""
    inputs = cluster.stream_bytes * tokens * config.d_model
    if cluster.engine.activation_checkpointing:
        return (config.n_layers + 2) * inputs
    return config.n_layers * block_activations(config, tokens, cluster) + 2 * inputs


def logits_bytes(config: GPTConfig, cluster: Cluster, predicted: float, *, with_entropy: bool = False) -> float:
    """Bytes of the logits of `predicted` tokens at their peak: as computed, scaled in float32, and log-softmax in float32.

    With the entropy, the scaled ones are gone, and there are another log-softmax, its exponential, and their product.
    """
    return predicted * config.vocab_size * (cluster.compute_bytes + (16 if with_entropy else 8))


def training_activations(
    config: GPTConfig, cluster: Cluster, tokens: float, *, predicted: float, with_entropy: bool = False
) -> float:
    """Bytes at the end of a forward pass on `tokens` tokens, `predicted` of which have logits (0: a scalar model).

    Logits are gone before a block is recomputed, and before one is gathered for its backward pass.
    """
    logits = logits_bytes(config, cluster, predicted, with_entropy=with_entropy)
    if cluster.gpus > 1:
        fetched = cluster.compute_bytes * block_parameters(config) + _gathered_gradients(config, cluster)
        logits = max(0.0, logits - fetched)
    recomputed = block_activations(config, tokens, cluster) if cluster.engine.activation_checkpointing else 0.0
    return kept_activations(config, cluster, tokens) + max(recomputed, logits)


def reading_activations(config: GPTConfig, cluster: Cluster, tokens: float, *, predicted: float) -> float:
    """Bytes at the peak of reading: in a block, or of the logits of `predicted` tokens (0: a scalar model).

    In a block: the stream before and after attention, attention's output, the normalised stream, and the feed-forward layer
    before and after GELU.
    """
    widest = cluster.compute_bytes * tokens * (4 * config.d_model + 2 * config.d_ff)
    logits = cluster.compute_bytes * tokens * config.d_model + logits_bytes(config, cluster, predicted)
    return max(widest, logits if predicted else 0.0)


def kv_cache_bytes(config: GPTConfig, tokens: float, compute_bytes: int) -> float:
    """Bytes of the keys and values of `tokens` tokens: a key and a value of width C in every layer.

    Example: GPT-3 175B in 2 bytes: 2 * 96 * 12,288 * 2 = 4.7 MB per token.
    """
    return 2 * config.n_layers * config.d_model * compute_bytes * tokens


def packed_weights_bytes(config: GPTConfig, cluster: Cluster, rows: int) -> float:
    """Bytes of the packed weights by which a CPU samples `rows` answers at once: of a large model's matrices and output layer."""
    matrices = config.n_layers * (4 * config.d_model**2 + 2 * config.d_model * config.d_ff)
    numbers = matrices + config.vocab_size * config.d_model
    packs = cluster.engine.device == "cpu" and is_worth_it(numbers, rows)
    return cluster.compute_bytes * numbers if packs else 0.0
