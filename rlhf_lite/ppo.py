"""PPO and PPO-ptx: push the policy towards answers that score well.

What differs from InstructGPT (appendix C.4), in order of weight:
1. Models are of one size here; there the policy goes up to 175B and reward and value model have 6B.
2. `ptx_coef` is 27.8 there with an unknown normalisation of the loss; here both losses are means over tokens, and the
   coefficient was chosen on the ratio of gradient norms, which is logged.
3. Two passes over each rollout by default (the paper: one).
4. Fewer episodes (the paper: 256k), higher learning rates, and a shorter memory of the weights' average (EMA).
5. GAE lambda 0.95, value clipping and whitening of advantages over the whole rollout are lineage: the paper is silent.
6. Answers cut off by the length limit lose `truncated_penalty`.
7. `kl_coef` is 0.05, not 0.02: a reward model this small is exploited sooner.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean

import torch
from torch import Tensor, nn

from .checkpoint import TrainingRun
from .data import batch_indices, seeded_generator, window_batch
from .engine import Engine
from .gpt import GPT, ScalarModel, copy_gpt, full_tensor
from .likelihood import entropy, k3, language_model_loss, masked_log_probs
from .masked import last_kept, masked_mean
from .optim import OptimConfig, backward, build_optimizer, clip_and_step
from .rollout import Rollout, ScoreFunction, check_first_rollout, collect_rollout, rollout_metrics, token_values

LARGEST_LOG_RATIO = {"float32": 1e-3, "bfloat16": 0.05}
"""Nats by which rounding alone may change a token's log-probability between two equal forward passes (ours)."""


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    """Set one PPO or PPO-ptx run."""

    iterations: int = 32
    """Rollouts, each followed by an update (ours; paper: 500)."""
    episodes: int = 128
    """Answers per rollout (ours; paper: 512)."""
    minibatch_size: int = 64
    """Answers per optimizer step (paper)."""
    inner_epochs: int = 2
    """Passes over a rollout (ours; paper: 1)."""
    max_new_tokens: int = 40
    """Longest answer, in tokens (ours; paper: 1,000)."""
    temperature: float = 1.0
    """Divides the logits in sampling and in all log-probs alike (paper)."""
    kl_coef: float = 0.05
    """Cost per nat of KL divergence from SFT (ours; paper: 0.02, with which this small reward model is soon exploited)."""
    ratio_clip: float = 0.2
    """How far the probability ratio may count (paper)."""
    value_clip: float = 0.2
    """How far values may move from the old ones (lineage)."""
    discount: float = 1.0
    """Worth of a reward one token later (paper)."""
    gae_lambda: float = 0.95
    """Mixes short and long estimates of the advantage (lineage)."""
    whiten_advantages: bool = True
    """Scale advantages to mean 0 and deviation 1 over the rollout (lineage)."""
    truncated_penalty: float = 1.0
    """Taken off the score of an answer cut off by max_new_tokens (ours)."""
    ptx_coef: float = 0.0
    """Weight of the pretraining loss: 0 is PPO, more is PPO-ptx (ours; paper: 27.8, not comparable)."""
    ptx_batch_size: int = 8
    """Pretraining sequences per optimizer step (ours; paper: 8 per episode)."""
    ptx_sequence_length: int = 128
    """Tokens per pretraining sequence (ours)."""
    ema_decay: float = 0.95
    """Memory of the averaged weights, which are evaluated and saved, per step (ours; paper: 0.992)."""
    eval_every: int = 10
    """Iterations between evaluations; 0 = only after the last (ours)."""
    optim: OptimConfig = field(
        default_factory=lambda: OptimConfig(learning_rate=2e-4, warmup_steps=10, final_fraction=1.0, weight_decay=0.0)
    )
    """The policy's Adam: constant after a warm-up, here of 10 steps (paper: 10 iterations); the rate is ours."""
    value_optim: OptimConfig = field(
        default_factory=lambda: OptimConfig(learning_rate=4e-4, warmup_steps=10, final_fraction=1.0, weight_decay=0.0)
    )
    """The value model's own Adam (ours)."""

    def __post_init__(self):
        if self.minibatch_size < 1 or self.episodes % self.minibatch_size:
            raise ValueError(f"episodes {self.episodes} must be a multiple of minibatch_size {self.minibatch_size}")
        if min(self.iterations, self.episodes, self.inner_epochs, self.max_new_tokens) < 1:
            raise ValueError("iterations, episodes, inner_epochs and max_new_tokens must all be at least 1")
        if not (0 <= self.gae_lambda <= 1 and 0 < self.discount <= 1 and 0 <= self.ema_decay < 1):
            raise ValueError("expected 0 <= gae_lambda <= 1, 0 < discount <= 1 and 0 <= ema_decay < 1")
        if self.kl_coef < 0 or self.ptx_coef < 0 or self.temperature <= 0 or self.ratio_clip <= 0:
            raise ValueError("expected kl_coef >= 0, ptx_coef >= 0, temperature > 0 and ratio_clip > 0")

    @property
    def minibatches(self) -> int:
        """Number of optimizer steps per iteration."""
        return self.inner_epochs * self.episodes // self.minibatch_size


def policy_loss(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, mask: Tensor, ratio_clip: float, *, n_valid: int | None = None
) -> tuple[Tensor, dict[str, float]]:
    """Make tokens with a positive advantage likelier, but count only so far from the old policy.

    Mean over sampled tokens of max(-A * ratio, -A * clip(ratio)). Shapes: all (B, T - 1).

    Source: Schulman 2017 (PPO), equation 7, negated.
    """
    log_ratio = (log_probs - old_log_probs).masked_fill(~mask, 0.0)
    ratio = log_ratio.exp()
    clipped = ratio.clamp(1 - ratio_clip, 1 + ratio_clip)
    loss = masked_mean(torch.max(-advantages * ratio, -advantages * clipped), mask, count=n_valid)
    with torch.no_grad():
        metrics = {
            "clip_fraction": masked_mean(((ratio - 1).abs() > ratio_clip).float(), mask, count=n_valid).item(),
            "approx_kl": masked_mean(k3(old_log_probs, log_probs), mask, count=n_valid).item(),
            "ratio": masked_mean(ratio, mask, count=n_valid).item(),
            "max_log_ratio": log_ratio.abs().max().item(),
        }
    return loss, metrics


def value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, value_clip: float, *, n_valid: int | None = None
) -> Tensor:
    """Squared error of the value model, its move from the old values clipped; half the mean of the larger error.

    Shapes: all (B, T - 1). Source: lineage (Ziegler 2019's code).
    """
    clipped = old_values + (values - old_values).clamp(-value_clip, value_clip)
    return 0.5 * masked_mean(torch.max((values - returns) ** 2, (clipped - returns) ** 2), mask, count=n_valid)


def ppo_loss(
    policy: GPT, value_model: ScalarModel, batch: Rollout, config: PPOConfig, *, n_valid: int | None = None
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Policy and value loss of one minibatch, or of a micro-batch of one with `n_valid` sampled tokens."""
    log_probs, logits = masked_log_probs(policy, batch.tokens, batch.mask, config.temperature)
    for_policy, metrics = policy_loss(
        log_probs, batch.old_log_probs, batch.advantages, batch.mask, config.ratio_clip, n_valid=n_valid
    )
    values = token_values(value_model, batch.tokens)
    for_values = value_loss(values, batch.old_values, batch.returns, batch.mask, config.value_clip, n_valid=n_valid)
    with torch.no_grad():
        metrics["entropy"] = (entropy(logits, config.temperature).sum() / (n_valid or len(logits))).item()
    metrics |= {"policy_loss": for_policy.item(), "value_loss": for_values.item()}
    return {"policy_loss": for_policy, "value_loss": for_values}, metrics


@torch.no_grad()
def update_ema(ema_policy: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the averaged weights (EMA) a little towards the current ones."""
    for slow, fast in zip(ema_policy.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)


def check_first_minibatch(metrics: dict[str, float], *, bfloat16: bool = False) -> None:
    """Check that the update's forward pass gives an untouched policy's tokens the log-probs that the rollout gave them.

    Raises: RuntimeError, where one of them differs by more than rounding explains.
    """
    limit = LARGEST_LOG_RATIO["bfloat16" if bfloat16 else "float32"]
    if metrics["max_log_ratio"] > limit or metrics["clip_fraction"] > 0:
        raise RuntimeError(
            f"in the first minibatch nothing has been learnt yet, but a token's log-probability differs from the rollout's by "
            f"{metrics['max_log_ratio']:.2g} nats (at most {limit} expected), the mean ratio is {metrics['ratio']:.4f} (1), the "
            f"clip fraction {metrics['clip_fraction']:.4f} (0): rollout and update do not make the same forward pass. "
            "It cannot be told from here whether dropout is on, temperatures differ, tokens or padding are shifted, weights "
            "have changed in between, or another kernel or precision computes one of the two"
        )


def gradient_ratio(policy: GPT, policy_gradients: list[Tensor]) -> float:
    """Length of the ptx gradient over that of the policy gradient: what to calibrate ptx_coef on.

    The parameters hold the sum of both gradients; `policy_gradients` are what they held before the ptx loss was added.
    """
    pairs = zip(policy.parameters(), policy_gradients, strict=True)
    for_ptx = torch.stack([full_tensor((p.grad - g).norm()) for p, g in pairs]).norm().item()
    for_policy = torch.stack([full_tensor(g.norm()) for g in policy_gradients]).norm().item()
    return for_ptx / max(for_policy, 1e-12)


class PPOUpdater:
    """Everything that one minibatch changes: policy, value model, their optimizers, and the policy's EMA."""

    def __init__(
        self,
        policy: GPT,
        value_model: ScalarModel,
        ema_policy: GPT,
        config: PPOConfig,
        seed: int,
        pretraining_tokens: Tensor | None,
        engine: Engine | None = None,
    ):
        self.policy, self.value_model, self.ema_policy = policy, value_model, ema_policy
        self.config, self.seed, self.pretraining_tokens = config, seed, pretraining_tokens
        self.engine = engine or Engine()
        self.optimizers = {
            "policy": build_optimizer(policy, config.optim),
            "value": build_optimizer(value_model, config.value_optim),
        }

    def step(self, batch: Rollout, step: int) -> dict[str, float]:
        """Learn from one minibatch; return its metrics."""
        config, engine, total = self.config, self.engine, self.config.iterations * self.config.minibatches
        n_valid, lengths, found = int(batch.mask.sum()), last_kept(batch.mask).tolist(), []
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()
        for rows in engine.micro_batches(range(len(lengths)), length=lambda row: lengths[row]):
            with engine.autocast():
                part = engine.to_device(batch.rows(list(rows)))
                losses, metrics = ppo_loss(self.policy, self.value_model, part, config, n_valid=n_valid)
            backward(losses, step)
            found.append(metrics)
        metrics = engine.all_reduce(found)
        if step == 0:
            check_first_minibatch(metrics, bfloat16=engine.config.bfloat16)
        if config.ptx_coef > 0:
            metrics |= self.add_ptx(step)
        metrics |= clip_and_step(self.optimizers["policy"], step, total, config.optim)
        clip_and_step(self.optimizers["value"], step, total, config.value_optim)
        update_ema(self.ema_policy, self.policy, config.ema_decay)
        return metrics

    def add_ptx(self, step: int) -> dict[str, float]:
        """Add ptx_coef times the gradient of the loss on pretraining text to the policy's; return what to watch."""
        config, engine, found = self.config, self.engine, []
        is_watched = step % config.minibatches == 0  # once per iteration: it holds the gradients twice
        before = [p.grad.clone() for p in self.policy.parameters()] if is_watched else []
        batch = window_batch(self.pretraining_tokens, step, config.ptx_batch_size, config.ptx_sequence_length, self.seed)
        n_valid = batch.numel() - len(batch)  # no window's first token is predicted
        for part in engine.micro_batches(batch):
            with engine.autocast():
                windows = engine.to_device(part)
                loss = language_model_loss(self.policy(windows), windows, n_valid=n_valid)
            backward({"ptx_loss": config.ptx_coef * loss}, step)
            found.append({"ptx_loss": loss.item()})
        return engine.all_reduce(found) | ({"ptx_gradient_ratio": gradient_ratio(self.policy, before)} if is_watched else {})

    def update(self, rollout: Rollout, iteration: int) -> dict[str, float]:
        """Learn from a whole rollout, minibatch by minibatch; return the means of their metrics."""
        config, steps = self.config, []
        for k in range(config.minibatches):
            rows = batch_indices(k, config.episodes, config.minibatch_size, self.seed + 1000 * iteration)
            steps.append(self.step(rollout.rows(rows), iteration * config.minibatches + k))
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()  # the next rollout needs their memory
        return {name: fmean(m[name] for m in steps if name in m) for name in steps[0]}

    def change_settings(self, config: PPOConfig) -> None:
        """Go on with other settings, learning rates of Adam among them; what was learnt stays."""
        self.config = config
        for name, optim in (("policy", config.optim), ("value", config.value_optim)):
            for group in self.optimizers[name].param_groups:
                group["peak"] = optim.learning_rate


def train_ppo(
    policy: GPT,
    value_model: ScalarModel,
    score_fn: ScoreFunction,
    prompts: list[list[int]],
    config: PPOConfig,
    *,
    end_id: int,
    pad_id: int,
    seed: int,
    run: TrainingRun,
    pretraining_tokens: Tensor | None = None,
    evaluate: Callable[[GPT, Rollout], dict] | None = None,
) -> GPT:
    """Improve the policy in place; return the moving average of its weights (EMA), which is what to evaluate and save.

    The reference is the policy as given. `pretraining_tokens` (N,) are needed where ptx_coef > 0.
    """
    if config.ptx_coef > 0 and pretraining_tokens is None:
        raise ValueError("ptx_coef > 0 mixes in pretraining text: give pretraining_tokens")
    engine = run.engine
    ref_policy, ema_policy = copy_gpt(policy, dropout=0.0), copy_gpt(policy, dropout=0.0)
    for model in (policy, ref_policy, ema_policy, value_model):
        engine.prepare(model)
    policy.eval()  # no dropout, in rollout or update: what is sampled is what is scored
    value_model.eval()
    generator = seeded_generator("rollout", seed)
    updater = PPOUpdater(policy, value_model, ema_policy, config, seed, pretraining_tokens, engine)
    models = {"policy": policy, "value": value_model, "ema_policy": ema_policy}
    for iteration in run.steps(config.iterations, models, updater.optimizers, {"rollout": generator}):
        chosen = batch_indices(iteration, len(prompts), config.episodes, seed)
        rollout = collect_rollout(policy, ref_policy, value_model, score_fn, [prompts[i] for i in chosen], config,
                                  end_id=end_id, pad_id=pad_id, generator=generator, engine=engine)  # fmt: skip
        if iteration == 0:
            check_first_rollout(rollout, config.kl_coef)
        metrics = rollout_metrics(rollout) | updater.update(rollout, iteration)
        if evaluate and run.is_due(iteration, config.eval_every, config.iterations):
            with engine.unsharded(ema_policy):
                metrics |= evaluate(ema_policy, rollout)
        run.record(iteration, metrics)
    return ema_policy.eval()
