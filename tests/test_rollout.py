"""What an update holds fixed is right: rewards, advantages and returns by hand, by definition and token by token.

Proves: the score is added once, on the last sampled token; advantages equal their double sum and see no padding; every
position speaks of the token after it; one temperature in sampling, old and reference log-probs; dropout off; no gradients.
"""

import pytest
import torch

from rlhf_lite import rollout as rollout_module
from rlhf_lite.data import seeded_generator
from rlhf_lite.engine import Engine, EngineConfig
from rlhf_lite.generate import draw, next_token_probs
from rlhf_lite.masked import masked_whiten
from rlhf_lite.ppo import PPOConfig
from rlhf_lite.real_data.score_functions import text_score
from rlhf_lite.rollout import (
    collect_rollout,
    generalized_advantages,
    response_kl,
    reward_model_score,
    token_rewards,
)
from rlhf_lite.tokenizer import Tokenizer

PAD, END = 0, 1
NAN = float("nan")
PROMPTS = [[3, 1, 4, 1, 5], [9, 2], [PAD, END, 3, 5], [PAD, 7, PAD, 8, 9, END]] * 6
CONFIG = PPOConfig(episodes=24, minibatch_size=24, max_new_tokens=6, temperature=2.0, kl_coef=0.3, discount=0.9)


def sum_score(tokens, response_mask):
    return (tokens * response_mask).sum(1).float() / 10


def collect(models, config=CONFIG, score_fn=sum_score, prompts=PROMPTS, seed=0):
    return collect_rollout(*models, score_fn, prompts, config, end_id=END, pad_id=PAD, generator=seeded_generator(seed))


@pytest.fixture
def models(make_gpt, make_scalar_model):
    """Build a policy, another reference and a value model."""
    return make_gpt(0), make_gpt(1), make_scalar_model(2)


def test_token_rewards_by_hand():
    log_probs = torch.tensor([[NAN, -2.0, -3.0], [-1.0, -1.0, NAN]])
    ref_log_probs = torch.tensor([[-1.5, -1.0, -3.5], [-2.0, NAN, NAN]])
    mask = torch.tensor([[False, True, True], [True, False, False]])
    # row 0: k1 = -1 and 0.5, so -0.1 * k1 = 0.1 and -0.05, the score 10 on the last; row 1: k1 = 1: -0.1 + 20
    rewards = token_rewards(torch.tensor([10.0, 20.0]), log_probs, ref_log_probs, mask, kl_coef=0.1)
    torch.testing.assert_close(rewards, torch.tensor([[0.0, 0.1, 9.95], [19.9, 0.0, 0.0]]))


def test_the_score_is_added_once_on_the_last_sampled_token():
    mask = torch.tensor([[False, True, True, True], [True, False, False, False], [False, False, True, False], [True] * 4])
    zeros, scores = torch.zeros(4, 4), torch.tensor([1.0, 2, 3, 4])
    rewards = token_rewards(scores, zeros, zeros, mask, kl_coef=0.5)
    assert rewards.tolist() == [[0, 0, 0, 1], [2, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 4]]
    with pytest.raises(ValueError, match="without a single sampled token"):
        token_rewards(scores, zeros, zeros, mask & torch.tensor([[True], [True], [True], [False]]), 0.5)


def test_advantages_by_hand():
    # discount 0.5, lambda 0.5, rewards 1 and 2, values 3 and 4, nothing after:
    # delta_1 = 2 + 0.5 * 0 - 4 = -2; delta_0 = 1 + 0.5 * 4 - 3 = 0; advantage_0 = 0 + 0.25 * -2 = -0.5
    rewards, values = torch.tensor([[NAN, 1.0, 2.0, NAN]]), torch.tensor([[9.0, 3.0, 4.0, NAN]])
    mask = torch.tensor([[False, True, True, False]])
    assert generalized_advantages(rewards, values, mask, 0.5, 0.5).tolist() == [[0, -0.5, -2, 0]]


def ragged(seed=0, rows=6, width=9):
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(0, 4, (rows, 1), generator=generator)
    last = first + torch.randint(0, width - 4, (rows, 1), generator=generator)
    places = torch.arange(width)
    mask = (places >= first) & (places <= last)
    return torch.randn(rows, width, generator=generator), torch.randn(rows, width, generator=generator), mask


def double_sum(rewards, values, mask, discount, gae_lambda):
    """Follow the definition literally, in float64 and with loops."""
    advantages = torch.zeros(rewards.shape, dtype=torch.float64)
    for b in range(len(rewards)):
        places = mask[b].nonzero().flatten().tolist()
        reward, value = [rewards[b, t].item() for t in places], [values[b, t].item() for t in places] + [0.0]
        deltas = [reward[t] + discount * value[t + 1] - value[t] for t in range(len(places))]
        for t, place in enumerate(places):
            advantages[b, place] = sum((discount * gae_lambda) ** k * delta for k, delta in enumerate(deltas[t:]))
    return advantages.float()


@pytest.mark.parametrize(("discount", "gae_lambda"), [(1.0, 0.95), (0.9, 0.8), (1.0, 1.0), (0.7, 0.0)])
@pytest.mark.parametrize("seed", range(3))
def test_advantages_are_the_double_sum(discount, gae_lambda, seed):
    rewards, values, mask = ragged(seed)
    advantages = generalized_advantages(rewards, values, mask, discount, gae_lambda)
    torch.testing.assert_close(advantages, double_sum(rewards, values, mask, discount, gae_lambda), atol=1e-5, rtol=1e-5)


def test_nothing_crosses_the_padding():
    rewards, values, mask = ragged()
    advantages = generalized_advantages(rewards, values, mask, 1.0, 0.95)
    for junk in (1e6, NAN):
        dirty = [tensor.masked_fill(~mask, junk) for tensor in (rewards, values)]
        assert torch.equal(generalized_advantages(*dirty, mask, 1.0, 0.95), advantages)
    assert (advantages[~mask] == 0).all()


def test_every_position_speaks_of_the_token_after_it(models):
    """Recompute each number of a rollout from the text before the token alone, with no batch and no padding."""
    policy, ref_policy, value_model = models
    rollout = collect(models)
    assert rollout.tokens.shape[1] == rollout.mask.shape[1] + 1
    for row, prompt in enumerate(PROMPTS):
        places = rollout.mask[row].nonzero().flatten().tolist()
        assert places == list(range(len(prompt) - 1, len(prompt) - 1 + len(places)))  # from the first sampled token on
        for t in places:
            before, token = rollout.tokens[row : row + 1, : t + 1], rollout.tokens[row, t + 1]
            for model, log_probs in ((policy, rollout.old_log_probs), (ref_policy, rollout.ref_log_probs)):
                expected = (model(before)[0, -1] / 2.0).log_softmax(-1)[token]
                assert log_probs[row, t].item() == pytest.approx(expected.item(), abs=1e-4)
            assert rollout.old_values[row, t].item() == pytest.approx(value_model(before)[0, -1].item(), abs=1e-4)
        ended = rollout.tokens[row, places[-1] + 1] == END
        assert rollout.finished[row] == ended and (ended or len(places) == 6)
        assert END not in rollout.tokens[row, [t + 1 for t in places[:-1]]].tolist()


def test_rollout_follows_from_its_definitions(models):
    rollout = collect(models)
    finished = rollout.finished
    assert finished.any() and not finished.all()
    full_mask = torch.cat([torch.zeros(24, 1, dtype=torch.bool), rollout.mask], dim=1)
    torch.testing.assert_close(rollout.scores, sum_score(rollout.tokens, full_mask) - 1.0 * ~finished)
    kl = rollout.old_log_probs - rollout.ref_log_probs
    assert kl[rollout.mask].abs().max() > 0.1
    for row in range(24):
        places = rollout.mask[row].nonzero().flatten()
        expected = -0.3 * kl[row, places]
        expected[-1] += rollout.scores[row]
        torch.testing.assert_close(rollout.rewards[row, places], expected)
        assert rollout.rewards[row].count_nonzero() == len(places)
    torch.testing.assert_close(response_kl(rollout), torch.stack([kl[i][rollout.mask[i]].sum() for i in range(24)]))
    plain = double_sum(rollout.rewards, rollout.old_values, rollout.mask, 0.9, 0.95)
    torch.testing.assert_close(rollout.advantages, masked_whiten(plain, rollout.mask), atol=1e-4, rtol=1e-4)
    kept = rollout.advantages[rollout.mask]  # whitened over the whole rollout, kept tokens only
    assert kept.mean().item() == pytest.approx(0, abs=1e-5) and kept.std(correction=0).item() == pytest.approx(1, abs=1e-4)
    torch.testing.assert_close((rollout.returns - rollout.old_values)[rollout.mask], plain[rollout.mask], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("size", [1, 5, 24])
def test_a_rollout_in_parts_is_the_same(models, size):
    whole = collect(models)
    engine = Engine(EngineConfig(device="cpu", sampling_batch_size=size))
    parts = collect_rollout(*models, sum_score, PROMPTS, CONFIG, end_id=END, pad_id=PAD, generator=seeded_generator(0),
                            engine=engine)  # fmt: skip
    assert torch.equal(parts.tokens, whole.tokens) and torch.equal(parts.mask, whole.mask)
    for name in ("scores", "old_log_probs", "ref_log_probs", "advantages", "returns"):
        one, other = getattr(parts, name), getattr(whole, name)
        if one.dim() == 2:  # outside the mask stands anything
            one, other = one[whole.mask], other[whole.mask]
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_whitening_can_be_left_out(models):
    config = PPOConfig(episodes=24, minibatch_size=24, max_new_tokens=6, whiten_advantages=False)
    rollout = collect(models, config)
    expected = double_sum(rollout.rewards, rollout.old_values, rollout.mask, 1.0, 0.95)
    torch.testing.assert_close(rollout.advantages, expected, atol=1e-4, rtol=1e-4)


def test_the_temperature_that_scores_is_the_one_that_samples(models):
    rollout = collect(models)
    uniforms = torch.rand(24, 6, generator=seeded_generator(0))
    for row, prompt in enumerate(PROMPTS):  # the first token of each answer, drawn by hand
        probs = next_token_probs(models[0](torch.tensor([prompt]))[:, -1], temperature=2.0)
        token = draw(probs, uniforms[row, :1])
        assert rollout.tokens[row, len(prompt)] == token
        assert rollout.old_log_probs[row, len(prompt) - 1].item() == pytest.approx(probs[0, token].log().item(), abs=1e-4)


def test_dropout_is_off_in_all_models(make_gpt, make_scalar_model, models):
    dropping = make_gpt(0, dropout=0.5).train(), make_gpt(1, dropout=0.5).train(), make_scalar_model(2, dropout=0.5).train()
    with_dropout, without = collect(dropping), collect(models)
    for name in ("tokens", "old_log_probs", "ref_log_probs", "old_values", "advantages", "returns"):
        assert torch.equal(getattr(with_dropout, name), getattr(without, name)), name


def test_reward_model_scores_the_last_sampled_token_without_dropout(make_scalar_model, models):
    score = reward_model_score(make_scalar_model(3, dropout=0.5).train())  # as it comes from its own training
    rollout, model = collect(models, score_fn=score), make_scalar_model(3)
    for row, prompt in enumerate(PROMPTS):
        n_real = len(prompt) + int(rollout.mask[row].sum())
        expected = model(rollout.tokens[row : row + 1, :n_real])[0, -1] - 1.0 * ~rollout.finished[row]
        assert rollout.scores[row].item() == pytest.approx(expected.item(), abs=1e-4)


def test_the_same_policy_as_reference_gives_no_kl(models):
    rollout = collect((models[0], models[0], models[2]))
    assert response_kl(rollout).abs().max() == 0
    torch.testing.assert_close(rollout.rewards.sum(1), rollout.scores)


def test_nothing_carries_a_gradient(models):
    rollout = collect(models, score_fn=reward_model_score(models[2]))
    assert not any(tensor.requires_grad for tensor in vars(rollout).values())


def test_rows_are_cut_to_the_longest_of_them(models):
    rollout = collect(models)
    lengths = rollout.mask.shape[1] - rollout.mask.flip(1).int().argmax(1)  # positions up to the last sampled token
    short = lengths.argsort()[:3]
    part = rollout.rows(short)
    width = int(lengths[short].max())
    assert width < rollout.mask.shape[1] and part.mask.shape == (3, width) and part.tokens.shape == (3, width + 1)
    assert torch.equal(part.tokens, rollout.tokens[short][:, : width + 1])
    assert torch.equal(part.returns, rollout.returns[short][:, :width])
    assert torch.equal(part.scores, rollout.scores[short]) and torch.equal(part.finished, rollout.finished[short])
    assert part.mask.sum() == rollout.mask[short].sum()  # no sampled token is lost


def test_a_score_function_on_texts():
    tokenizer, seen = Tokenizer.train(["abc"], 258), []

    def count_letters(prompts, responses):
        seen.append((prompts, responses))
        return [len(response) for response in responses]

    ids = [[*tokenizer.encode("abxyz"), END], [*tokenizer.encode("cv"), PAD, END, PAD, PAD]]
    mask = torch.tensor([[False, False, True, True, True, True], [False, True, True, True, False, False]])
    messages = [{"role": "user", "content": "c"}]
    given = {tuple(tokenizer.encode("ab")): "ab", tuple(tokenizer.encode("c")): messages}
    scores = text_score(count_letters, tokenizer, given)(torch.tensor(ids), mask)
    assert seen == [(["ab", messages], ["xyz", "v"])] and scores.tolist() == [3.0, 1.0]  # prompts as they were given


def test_score_functions_may_return_any_number_type(models):
    exact = collect(models)
    assert torch.equal(collect(models, score_fn=lambda *args: sum_score(*args).double()).rewards, exact.rewards)
    whole = collect(models, score_fn=lambda *args: sum_score(*args).long())
    assert whole.scores.dtype == torch.float32


@pytest.mark.parametrize("shape", [(24, 1), (1,), (25,)])
def test_score_functions_must_return_one_score_an_answer(models, shape):
    with pytest.raises(ValueError, match=r"score.*shape.*expected \(24,\)"):
        collect(models, score_fn=lambda *_: torch.zeros(shape))


def test_ids_are_never_decoded_between_sampling_and_scoring(models, monkeypatch):
    given, real = [], rollout_module.generate
    monkeypatch.setattr(rollout_module, "generate", lambda *args, **more: given.append(real(*args, **more)) or given[-1])
    rollout = collect(models, score_fn=lambda tokens, mask: (given.append((tokens, mask)), torch.zeros(24))[1])
    answers, (tokens, mask) = given
    assert torch.equal(tokens, answers.tokens) and torch.equal(mask, answers.response_mask)
    assert torch.equal(rollout.tokens, tokens) and torch.equal(rollout.mask, mask[:, 1:])
