"""Sanity checks: seven before the first update, when all numbers are known, and one behind it; curves may never show these."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from IPython.display import HTML
from torch import Tensor

from ... import ppo, rollout
from ...checkpoint import TrainingRun
from ...data import seeded_generator
from ...gpt import GPT, copy_gpt, copy_scalar
from ...likelihood import k1
from ...masked import masked_mean, masked_sum
from ...ppo import PPOConfig
from ...rollout import Rollout, reward_model_score
from ...tinyworld.evaluation import Models
from .injected_faults import SOUND, Fault, injected
from .live_ppo import training_prompts

EPISODES = 64


@dataclass(frozen=True, kw_only=True)
class Check:
    """A number that is known before anything is learnt."""

    title: str
    expected: float
    tolerance: float

    def passes(self, found: float) -> bool:
        """Return True for a number within the tolerance; NaN never passes."""
        return abs(found - self.expected) <= self.tolerance


CHECKS = {
    "kl": Check(title="largest KL of a token", expected=0.0, tolerance=1e-3),
    "ratio": Check(title="mean ratio", expected=1.0, tolerance=1e-3),
    "mask": Check(title="tokens wrongly kept or left out", expected=0, tolerance=0),
    "reward": Check(title="score not found in the rewards", expected=0.0, tolerance=1e-3),
    "nat": Check(title="price per nat of KL", expected=0.05, tolerance=1e-4),
    "deviation": Check(title="deviation of the advantages", expected=1.0, tolerance=1e-2),
    "surprise": Check(title="surprise minus entropy", expected=0.0, tolerance=0.08),
    "moved": Check(title="share of tokens with KL 0 after one update", expected=0.0, tolerance=0.5),
}
"""Checks by a short name; the surprise is a mean over some thousand sampled tokens, the others are exact.

After an update no token's KL is 0, but for a few by rounding."""


@torch.no_grad()
def run_sanity_checks(models: Models, fault: Fault = SOUND, *, episodes: int = EPISODES, seed: int = 0) -> dict[str, float]:
    """Let the untouched SFT model answer some prompts with a fault in the code; return what each check finds."""
    config = replace(PPOConfig(episodes=episodes, minibatch_size=episodes), **fault.settings)
    policy, value_model = copy_gpt(models.policies["sft"], dropout=fault.dropout), copy_scalar(models.reward_model)
    policy.train(fault.dropout > 0)
    prompts = training_prompts(models, f"step zero {seed}", episodes)

    def answer(reference: GPT, asked: list[list[int]]) -> Rollout:
        return rollout.collect_rollout(
            policy, reference, value_model, reward_model_score(models.reward_model), asked, config,
            generator=seeded_generator("step zero", seed), end_id=models.tokenizer.end_id, pad_id=models.tokenizer.pad_id,
        )  # fmt: skip

    with injected(fault), torch.random.fork_rng():
        torch.manual_seed(seed)  # dropout
        found, elsewhere = answer(models.policies["sft"], prompts), answer(models.policies["base"], prompts[:8])
        metrics = ppo.ppo_loss(policy, value_model, found, config)[1]
        moved = share_that_did_not_move(models, fault, prompts[:8], seed)
    kept = found.advantages[found.mask]
    return {
        "kl": k1(found.old_log_probs, found.ref_log_probs)[found.mask].abs().max().item(),
        "ratio": metrics["ratio"],
        "mask": wrongly_kept(found, [len(ids) for ids in prompts], models.tokenizer.end_id, config.max_new_tokens),
        "reward": (masked_sum(penalized(found, config.kl_coef), found.mask, dim=1) - found.scores).abs().mean().item(),
        "nat": price_per_nat(elsewhere),
        "deviation": kept.std(unbiased=False).item(),
        "surprise": -masked_mean(found.old_log_probs, found.mask).item() - metrics["entropy"],
        "moved": moved,
    }


@torch.enable_grad()
def share_that_did_not_move(models: Models, fault: Fault, prompts: list[list[int]], seed: int) -> float:
    """Train for one update with the library as it is now; return the share of tokens whose KL is then exactly 0."""
    config, seen = PPOConfig(iterations=2, episodes=8, minibatch_size=8, inner_epochs=1, max_new_tokens=8, eval_every=1), []
    ppo.train_ppo(
        copy_gpt(models.policies["sft"], dropout=fault.dropout), copy_scalar(models.reward_model),
        reward_model_score(models.reward_model), prompts, config, end_id=models.tokenizer.end_id, pad_id=models.tokenizer.pad_id,
        seed=seed, run=TrainingRun(None, show_progress=False), evaluate=lambda _, rollout: seen.append(rollout) or {},
    )  # fmt: skip
    return (k1(seen[1].old_log_probs, seen[1].ref_log_probs)[seen[1].mask] == 0).float().mean().item()


def penalized(found: Rollout, kl_coef: float) -> Tensor:
    """Return the rewards with the KL penalty given back, so that the score alone is left: (B, T - 1)."""
    return found.rewards + kl_coef * k1(found.old_log_probs, found.ref_log_probs)


def price_per_nat(found: Rollout) -> float:
    """Return what the rewards lack of the score, divided by the KL; the policy must differ from its reference."""
    kl = masked_sum(k1(found.old_log_probs, found.ref_log_probs), found.mask)
    return ((found.scores - found.rewards.sum(1)).sum() / kl).item()


def wrongly_kept(found: Rollout, prompt_lengths: list[int], end_id: int, max_new_tokens: int) -> int:
    """Count the tokens that the rollout's mask keeps and the text does not, or the other way round."""
    return int((found.mask != mask_from_text(found.tokens, prompt_lengths, end_id, max_new_tokens)).sum())


def mask_from_text(tokens: Tensor, prompt_lengths: list[int], end_id: int, max_new_tokens: int) -> Tensor:
    """Mark the sampled tokens from the text alone: behind the prompt, up to and with the first end token, or the limit.

    Shapes: tokens (B, T) -> (B, T - 1), position t speaks of token t + 1.
    """
    place = torch.arange(tokens.shape[1])
    starts = torch.tensor(prompt_lengths)[:, None]
    behind = (place[None] >= starts) & (place[None] < starts + max_new_tokens)
    ends_before = ((tokens == end_id) & behind).cumsum(1) - ((tokens == end_id) & behind).long()
    return (behind & (ends_before == 0))[:, 1:]


def sanity_checks_html(found: Mapping[str, Mapping[str, float]]) -> HTML:
    """Write what the checks found, a row for each version of the code; a cross marks what is not as expected."""
    head = "".join(f"<th>{title}</th>" for title in ("code", *(check.title for check in CHECKS.values())))
    expected = "".join(f"<td>{check.expected:g}</td>" for check in CHECKS.values())
    rows = (
        f'<tr><td style="text-align: left">{name}</td>'
        + "".join(f"<td>{'' if check.passes(numbers[key]) else '✗ '}{numbers[key]:.3g}</td>" for key, check in CHECKS.items())
        + "</tr>"
        for name, numbers in found.items()
    )
    return HTML(f"<table><tr>{head}</tr><tr><td>expected</td>{expected}</tr>{''.join(rows)}</table>")


def failed(found: Mapping[str, float]) -> list[str]:
    """Name the checks that do not pass."""
    return [key for key, check in CHECKS.items() if not check.passes(found[key])]
