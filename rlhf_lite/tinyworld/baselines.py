"""What can be had without PPO: answers at a cooler temperature, and the best of four that the reward model picks.

Sampled at temperature 1 a model that is trained little shows its noise, and PPO wins by calming it. A fair comparison gives
each model its best temperature, and SFT four answers to choose from. Source: Stiennon 2020, best-of-n as a baseline of PPO.
"""

from collections.abc import Sequence

from ..evaluate import sample
from ..gpt import GPT, ScalarModel
from ..reward import score_sequences
from ..tokenizer import Tokenizer
from .judge import judge
from .prompts import Request, draw_requests

TEMPERATURES = (0.3, 0.5, 0.7, 1.0)
"""Temperatures to choose from (ours)."""
CHOOSING_PROMPTS = 100
"""Held-out prompts on which a temperature is chosen, other ones than those compared (ours)."""
BEST_OF = 4
"""Answers from which the reward model picks (ours)."""


def gold_scores(requests: Sequence[Request], texts: Sequence[str]) -> list[float]:
    """Return the gold score of each answer."""
    return [judge(request, text).gold for request, text in zip(requests, texts, strict=True)]


def answers_at(
    model: GPT, tokenizer: Tokenizer, requests: Sequence[Request], *, temperature: float, seed: int | str
) -> list[str]:
    """Let a model answer every request at one temperature."""
    prompts = [tokenizer.encode_prompt(request.prompt) for request in requests]
    drawn = sample(model, prompts, seed=seed, temperature=temperature, end_id=tokenizer.end_id, pad_id=tokenizer.pad_id)
    return [tokenizer.decode_response(ids) for ids in drawn]


def best_temperature(
    model: GPT, tokenizer: Tokenizer, *, seed: int | str, exclude: Sequence[Request] = (), n_prompts: int = CHOOSING_PROMPTS
) -> float:
    """Return the temperature of TEMPERATURES with the highest mean gold score on held-out prompts, without those in `exclude`."""
    compared = {request.prompt for request in exclude}
    requests = [r for r in draw_requests(f"temperature {seed}", n_prompts, held_out=True) if r.prompt not in compared]

    def gold(temperature: float) -> float:
        return sum(gold_scores(requests, answers_at(model, tokenizer, requests, temperature=temperature, seed=seed)))

    return max(TEMPERATURES, key=gold)


def best_of(
    model: GPT, reward_model: ScalarModel, tokenizer: Tokenizer, requests: Sequence[Request], *, seed: int | str, n: int = BEST_OF
) -> list[str]:
    """Let a model answer every request `n` times at temperature 1; return the answers that the reward model scores highest."""
    prompts = [tokenizer.encode_prompt(request.prompt) for request in requests]
    ids = {"end_id": tokenizer.end_id, "pad_id": tokenizer.pad_id}
    drawn = sample(model, [prompt for prompt in prompts for _ in range(n)], seed=f"best of {seed}", **ids)
    sequences = [prompts[i // n] + answer for i, answer in enumerate(drawn)]
    scores = score_sequences(reward_model, sequences, tokenizer.pad_id).view(len(prompts), n)
    return [tokenizer.decode_response(drawn[i * n + best]) for i, best in enumerate(scores.argmax(1).tolist())]
