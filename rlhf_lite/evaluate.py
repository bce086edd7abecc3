"""Let models answer, and say whether it is better: win rates with intervals, accuracy of scores, KL divergence from the SFT
model, and what aligning cost.

"Gold" is Gao 2022's word: the score of the true judge, on which nothing is trained, beside that of the reward model, which
stands in for it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch

from .data import seeded_generator
from .engine import Engine
from .generate import Generation, generate
from .gpt import GPT, eval_mode
from .kernels.sharding import sharded_parts
from .likelihood import k1, masked_log_probs
from .masked import masked_sum

Z_95 = 1.959964
"""Standard deviations that hold 95 % of a normal distribution."""
STUDENT_T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""97.5 % quantiles of Student's t for 1 to 10 degrees of freedom; beyond, the last is used (a little too wide)."""


@dataclass(frozen=True)
class WinRate:
    """How often one model's answer was judged better than another's to the same prompt."""

    wins: int
    losses: int
    ties: int
    rate: float
    """wins / (wins + losses); 0.5 where nothing was decided."""
    low: float
    """Lower end of the 95 % interval of the rate."""
    high: float
    """Upper end."""
    with_ties: float
    """(wins + ties / 2) / all prompts: what a reader gets who is asked about every prompt, tied ones too."""
    with_ties_low: float
    """Lower end of its 95 % interval."""
    with_ties_high: float
    """Upper end."""

    def to_row(self) -> dict[str, float]:
        """Return a JSON-able row."""
        return asdict(self)


def wilson_interval(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """95 % interval of a share; never leaves 0 to 1, unlike share +- z * standard error.

    Example: 8 of 10 -> (0.490, 0.943). Source: Wilson 1927.
    """
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    center = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * (share * (1 - share) / trials + z * z / (4 * trials * trials)) ** 0.5
    return max(0.0, center - half), min(1.0, center + half)


def win_rate(ours: Sequence[float], theirs: Sequence[float], tie: float) -> WinRate:
    """Compare two models' scores on the same prompts, in the same order.

    A difference of less than `tie` decides nothing, nor does one of 0.

    Example: win_rate([3, 1, 2], [1, 2, 2], tie=0) has 1 win, 1 loss and 1 tie.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} scores against {len(theirs)}: both must answer the same prompts")
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    wins = sum(d > 0 and d >= tie for d in differences)
    losses = sum(d < 0 and -d >= tie for d in differences)
    decided = wins + losses
    rate = wins / decided if decided else 0.5
    of_decided, of_all = wilson_interval(wins, decided), share_with_ties(wins, losses, len(ours))
    return WinRate(wins, losses, len(ours) - decided, rate, *of_decided, *of_all)


def share_with_ties(wins: int, losses: int, n: int) -> tuple[float, float, float]:
    """Mean of 1 per win, 1/2 per tie and 0 per loss, and its 95 % interval by the normal approximation, within 0 to 1."""
    if n == 0:
        return 0.5, 0.0, 1.0
    mean = (wins + (n - wins - losses) / 2) / n
    variance = (wins + (n - wins - losses) / 4) / n - mean**2
    half = Z_95 * (variance / n) ** 0.5
    return mean, max(0.0, mean - half), min(1.0, mean + half)


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean of a few runs and its 95 % interval by Student's t.

    Example: [1., 2., 3.] -> (2.0, -0.484, 4.484).
    """
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, float("-inf"), float("inf")
    error = (sum((v - mean) ** 2 for v in values) / (n - 1) / n) ** 0.5
    half = STUDENT_T_975[min(n - 1, len(STUDENT_T_975)) - 1] * error
    return mean, mean - half, mean + half


def agreement(first: Sequence[float], second: Sequence[float], tie: float = 0.0) -> tuple[int, int]:
    """Count pairs that two lists of scores order alike, and pairs that both decide; `second` decides from `tie` on.

    Example: agreement([3, 2, 1], [3, 1, 2]) = (2, 3). Ranks (0 = best) must be negated first.
    """
    alike = decided = 0
    for i in range(len(first)):
        for j in range(i):
            a, b = first[i] - first[j], second[i] - second[j]
            if a != 0 and b != 0 and abs(b) >= tie:
                decided += 1
                alike += (a > 0) == (b > 0)
    return alike, decided


def accuracy_bound(agreement: float) -> float:
    """Highest accuracy that a scorer can reach against single labels, where two labelers agree on a share `agreement` of pairs.

    Labelers who are each right with probability p, independently, agree on a = p^2 + (1 - p)^2 of the pairs: so p is
    (1 + sqrt(2 a - 1)) / 2, which is more than a. A scorer that knows the truth agrees with one of them on a share p of the
    pairs, and no scorer with more.

    Example: labelers who agree on 0.76 are right on 0.86 each.

    Raises: ValueError below 0.5, where they agree less than coins do.
    """
    if not 0.5 <= agreement <= 1:
        raise ValueError(f"agreement is {agreement}, expected 0.5 to 1")
    return (1 + (2 * agreement - 1) ** 0.5) / 2


def alignment_tax(base: float, aligned: float) -> float:
    """What aligning cost on the first job: held-out pretraining loss of an aligned model minus the base model's, nats per token.

    Source: InstructGPT, section 4.1, "alignment tax", there on public benchmarks; against GPT-3, the base model.
    """
    return aligned - base


def share_given_back(base: float, ppo: float, ptx: float) -> float:
    """Share of PPO's alignment tax that PPO-ptx does not pay; 0 where PPO pays none. Give the nats beside it: `ppo - ptx`.

    Example: losses 1.0, 2.0 and 1.25 -> 0.75. Where more is better the same holds: 64, 44, 54 -> 0.5.
    """
    return (ppo - ptx) / (ppo - base) if ppo != base else 0.0


def sample(
    model: GPT, prompts: list[list[int]], *, seed: int | str, end_id: int, pad_id: int, max_new_tokens: int = 40,
    temperature: float = 1.0, batch_size: int = 128, engine: Engine | None = None,
) -> list[list[int]]:  # fmt: skip
    """Sample one answer to each prompt, in batches; the same seed gives the same answers.

    With an engine of several processes, all of which must call this, each batch is sampled by one of them; where they
    share the weights, every process samples every batch.
    """

    def answers(start: int) -> list[list[int]]:
        part = generate(model, prompts[start : start + batch_size], max_new_tokens=max_new_tokens, temperature=temperature,
                        end_id=end_id, pad_id=pad_id, generator=seeded_generator("sample", seed, start))  # fmt: skip
        return part.responses()

    jobs = [partial(answers, start) for start in range(0, len(prompts), batch_size)]
    spread = engine is not None and not sharded_parts(model)
    parts = engine.run_jobs(jobs) if spread else [job() for job in jobs]
    return [ids for part in parts for ids in part]


MOST_FALLEN = 0.1
"""How much less of what was asked a policy may do right, against its start, before a warning (ours)."""


def fallen(start: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float]:
    """Return by how much each share fell that fell by more than MOST_FALLEN. Example: 0.9 at the start, 0.6 now -> 0.3."""
    falls = {name: round(share - now[name], 6) for name, share in start.items() if name in now}
    return {name: fall for name, fall in falls.items() if fall > MOST_FALLEN}


def watched(
    world: Any, policy: GPT, tokenizer: Any, *, tell: Callable[[str], None] | None = print
) -> Callable[..., dict[str, Any]]:
    """Return an `evaluate` for PPO: what the world's monitor finds and, under "fallen", which abilities fell.

    They are compared with those of the policy as it is given here, before PPO: the SFT model, also where a run goes on. A
    world that cannot tell right from wrong has no `abilities(model, tokenizer)`, and nothing is compared.
    """
    start = world.abilities(policy, tokenizer) if hasattr(world, "abilities") else {}

    def evaluate(now: GPT, rollout: Any = None) -> dict[str, Any]:
        found = world.monitor(now, tokenizer)
        if falls := fallen(start, found.get("abilities", {})):
            found["fallen"] = falls
            if tell:
                lost = ", ".join(f"{name} {start[name]:.2f} -> {found['abilities'][name]:.2f}" for name in falls)
                tell(f"warning: the policy can do less than before PPO: {lost}")
        return found

    return evaluate


@torch.no_grad()
def kl_from(
    policy: GPT, reference: GPT, prompts: list[list[int]], *, seed: int | str, end_id: int, pad_id: int, max_new_tokens: int = 40
) -> float:
    """KL(policy || reference) on the policy's own answers: nats per response, mean over prompts.

    The policy is sampled as it is; the reference only scores. Each prompt gives one answer.
    """
    drawn: Generation = generate(policy, prompts, max_new_tokens=max_new_tokens, end_id=end_id, pad_id=pad_id,
                                 generator=seeded_generator("kl", seed))  # fmt: skip
    mask = drawn.response_mask[:, 1:]
    with eval_mode(policy, reference):
        log_probs, ref_log_probs = (masked_log_probs(m, drawn.tokens, mask)[0] for m in (policy, reference))
    return masked_sum(k1(log_probs, ref_log_probs), mask, dim=1).mean().item()


@dataclass(frozen=True)
class CalibrationBin:
    """Pairs whose predicted probability falls into one bin, and what came true."""

    predicted: float
    """Mean predicted probability that the first answer is better."""
    observed: float
    """Share of pairs in which it was."""
    pairs: int


def calibration(differences: Sequence[float], first_better: Sequence[bool], bins: int = 8) -> list[CalibrationBin]:
    """Compare sigmoid(score difference) with how often the first answer was really ranked better.

    Source: InstructGPT, section 3.5: a difference of scores is the log odds of being preferred.
    """
    probabilities = torch.tensor(differences, dtype=torch.float64).sigmoid()
    outcomes = torch.tensor(first_better, dtype=torch.float64)
    bin_of = (probabilities * bins).long().clamp(max=bins - 1)
    rows = []
    for b in range(bins):
        inside = bin_of == b
        if inside.any():
            rows.append(CalibrationBin(probabilities[inside].mean().item(), outcomes[inside].mean().item(), int(inside.sum())))
    return rows
