"""Let the policy answer, and work out once what its update needs: rewards, advantages, returns."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from .engine import Engine
from .generate import Generation, generate
from .gpt import GPT, ScalarModel, last_token_scores
from .kernels.length_buckets import read_by_length
from .likelihood import k1, masked_log_probs
from .masked import last_kept, masked_sum, masked_whiten

ScoreFunction = Callable[[Tensor, Tensor], Tensor]
"""(tokens (B, T), response_mask (B, T)) -> scores (B,)."""


@dataclass(frozen=True)
class Rollout:
    """Answers of the policy with everything that stays fixed during their update.

    Position t of every (B, T - 1) tensor speaks of token t + 1.
    """

    tokens: Tensor
    """(B, T) prompt, answer, padding."""
    mask: Tensor
    """(B, T - 1) bool, True = a sampled token, end token included."""
    scores: Tensor
    """(B,) the reward model's, the penalty for truncated answers included."""
    old_log_probs: Tensor
    """(B, T - 1) nats, of the policy that sampled."""
    ref_log_probs: Tensor
    """(B, T - 1) nats, of the reference."""
    old_values: Tensor
    """(B, T - 1) expected return before the token was drawn."""
    rewards: Tensor
    """(B, T - 1) KL penalty on every token, score on the last."""
    advantages: Tensor
    """(B, T - 1) whitened."""
    returns: Tensor
    """(B, T - 1) un-whitened advantages + old values."""
    finished: Tensor
    """(B,) bool."""

    def rows(self, indices: list[int] | Tensor) -> "Rollout":
        """Select some answers, cut to the longest of them."""
        part = replace(self, **{f.name: getattr(self, f.name)[indices] for f in fields(self)})
        longest = int(part.mask.any(0).nonzero().max()) + 1  # positions of T - 1
        wide = {f.name: getattr(part, f.name)[:, :longest] for f in fields(self) if getattr(part, f.name).dim() == 2}
        return replace(part, **(wide | {"tokens": part.tokens[:, : longest + 1]}))


def token_rewards(scores: Tensor, log_probs: Tensor, ref_log_probs: Tensor, mask: Tensor, kl_coef: float) -> Tensor:
    """Give every sampled token its KL penalty, and the last one the score, once.

    Shapes: scores (B,), the rest (B, T - 1) -> (B, T - 1).

    Source: InstructGPT, equation 2 without its ptx term; the token-wise form is lineage (Ziegler 2019).
    """
    if not mask.any(1).all():
        raise ValueError("an answer without a single sampled token has no place for its score")
    rewards = (-kl_coef * k1(log_probs, ref_log_probs)).masked_fill(~mask, 0.0)
    answers = torch.arange(len(rewards), device=rewards.device)
    rewards[answers, last_kept(mask) - 1] += scores
    return rewards


def generalized_advantages(rewards: Tensor, values: Tensor, mask: Tensor, discount: float, gae_lambda: float) -> Tensor:
    """Estimate how much better each token was than expected.

    advantage_t = sum over l of (discount * gae_lambda)^l * delta_(t+l), delta_t = reward_t + discount * value_(t+1) - value_t,
    where the value after the last sampled token is 0.

    Shapes: all (B, T - 1) -> (B, T - 1), 0 outside the mask.

    Source: Schulman 2015 (GAE), equation 16.
    """
    rewards, values = rewards.masked_fill(~mask, 0.0), values.masked_fill(~mask, 0.0)
    advantages = torch.zeros_like(rewards)
    next_advantage = next_value = torch.zeros(len(rewards), device=rewards.device)
    for t in reversed(range(rewards.shape[1])):
        delta = rewards[:, t] + discount * next_value - values[:, t]
        advantages[:, t] = torch.where(mask[:, t], delta + discount * gae_lambda * next_advantage, 0.0)
        next_advantage, next_value = advantages[:, t], values[:, t]
    return advantages


def reward_model_score(model: ScalarModel) -> ScoreFunction:
    """Turn a reward model into a score function that reads the last sampled token."""

    model.eval()  # as it comes from its training it would drop activations

    def score(tokens: Tensor, response_mask: Tensor) -> Tensor:
        """Return scores (B,)."""
        return last_token_scores(model, tokens, last_kept(response_mask))

    return score


@torch.no_grad()
def collect_rollout(
    policy: GPT,
    ref_policy: GPT,
    value_model: ScalarModel,
    score_fn: ScoreFunction,
    prompts: list[list[int]],
    config,
    *,
    end_id: int,
    pad_id: int,
    generator: torch.Generator,
    engine: Engine | None = None,
) -> Rollout:
    """Sample an answer to each prompt (token ids) and compute all that the update holds fixed; `config` is a PPOConfig.

    With several processes each samples its share; every one returns the whole rollout.
    """
    engine = engine or Engine()
    for model in (policy, ref_policy, value_model):
        model.eval()

    def answer(prompts: list[list[int]], uniforms: Tensor) -> tuple[Tensor, ...]:
        """Sample an answer to each of these prompts, and read it with every model."""
        with engine.unsharded(policy):
            answers = generate(policy, prompts, max_new_tokens=config.max_new_tokens, end_id=end_id, pad_id=pad_id,
                               temperature=config.temperature, uniforms=uniforms)  # fmt: skip
        tokens, mask = answers.tokens, answers.response_mask[:, 1:]
        # teacher-forced passes of the same forward that the update uses, not the sampler's own numbers
        log_probs, ref_log_probs = (
            read_by_length(lambda *part, model=model: masked_log_probs(model, *part, config.temperature)[0], tokens, mask)
            for model in (policy, ref_policy)
        )
        values = read_by_length(lambda part, _: token_values(value_model, part), tokens, mask)
        return tokens, mask, log_probs, ref_log_probs, values, _scores(score_fn, answers), answers.finished

    uniforms = torch.rand(len(prompts), config.max_new_tokens, generator=generator)
    with engine.autocast():
        found = engine.map_rows(answer, prompts, uniforms, pad_id=pad_id)
        tokens, mask, log_probs, ref_log_probs, values, scores, finished = found
    scores = scores - config.truncated_penalty * ~finished
    rewards = token_rewards(scores, log_probs, ref_log_probs, mask, config.kl_coef)
    advantages = generalized_advantages(rewards, values, mask, config.discount, config.gae_lambda)
    return Rollout(
        tokens=tokens, mask=mask, scores=scores, old_log_probs=log_probs, ref_log_probs=ref_log_probs, old_values=values,
        rewards=rewards, advantages=masked_whiten(advantages, mask) if config.whiten_advantages else advantages,
        returns=advantages + values, finished=finished,
    )  # fmt: skip


def _scores(score_fn: ScoreFunction, answers: Generation) -> Tensor:
    scores, n = score_fn(answers.tokens, answers.response_mask).float(), len(answers.tokens)
    if scores.shape != (n,):
        raise ValueError(f"score_fn gave scores of shape {tuple(scores.shape)}, expected ({n},): one score per answer")
    if not torch.isfinite(scores).all():
        first = int((~torch.isfinite(scores)).nonzero()[0])
        raise ValueError(f"score_fn gave {scores[first].item()} for answer {first + 1} of {n}, expected a finite number")
    return scores


def token_values(value_model: ScalarModel, tokens: Tensor) -> Tensor:
    """Return the expected return before each token but the first was drawn: tokens (B, T) -> (B, T - 1), in float32."""
    return value_model(tokens)[:, :-1].float()


def response_kl(rollout: Rollout) -> Tensor:
    """KL divergence from the reference of each answer: summed over its tokens, in nats (B,)."""
    return masked_sum(k1(rollout.old_log_probs, rollout.ref_log_probs), rollout.mask, dim=1)


def rollout_metrics(rollout: Rollout) -> dict[str, float]:
    """What to watch: mean score, KL (nats per response), length (tokens), share that finished, explained variance."""
    real, returns, values = rollout.mask, rollout.returns[rollout.mask], rollout.old_values[rollout.mask]
    spread = returns.var(correction=0).item()
    return {
        "score": rollout.scores.mean().item(),
        "kl": response_kl(rollout).mean().item(),
        "length": real.sum(1).float().mean().item(),
        "finished": rollout.finished.float().mean().item(),
        # of constant returns there is nothing to explain
        "explained_variance": 1 - (returns - values).var(correction=0).item() / spread if spread > 1e-12 else 0.0,
    }


def check_first_rollout(rollout: Rollout, kl_coef: float) -> None:
    """Check that a policy equal to its reference has KL 0 on every token, so that its reward is the score."""
    worst = (rollout.old_log_probs - rollout.ref_log_probs)[rollout.mask].abs().max().item()
    off = (masked_sum(rollout.rewards, rollout.mask, dim=1) - rollout.scores).abs().max().item()
    if worst > 1e-3 or off > 1e-3 * (1 + kl_coef):
        raise RuntimeError(
            f"before the first update the policy should equal its reference, but log-probs differ by up to {worst:.2g} nats "
            f"and rewards from scores by {off:.2g}: same weights? dropout off? same temperature, positions and padding?"
        )
