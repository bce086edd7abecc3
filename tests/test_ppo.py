"""PPO's losses are right by hand, and the whole of it finds the optimum that mathematics gives.

Proves: policy and value loss on 2 x 3 examples, sign, clipping and gradient; micro-batches; the running checks; a bandit
ends at reference * exp(score / kl_coef); with no score the policy returns to the reference; dropout stays off; a stopped
run, pretraining mix and average included, goes on bit for bit.
"""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import pad

from rlhf_lite import ppo, rollout
from rlhf_lite.checkpoint import TrainingRun
from rlhf_lite.data import seeded_generator, window_batch
from rlhf_lite.engine import Engine, EngineConfig
from rlhf_lite.gpt import GPT, GPTConfig, ScalarModel, copy_gpt
from rlhf_lite.likelihood import exact_kl, language_model_loss, masked_log_probs
from rlhf_lite.optim import OptimConfig, build_optimizer, optimizer_step
from rlhf_lite.ppo import PPOConfig, policy_loss, ppo_loss, rollout_metrics, train_ppo, update_ema, value_loss
from rlhf_lite.rollout import collect_rollout, reward_model_score

PAD, END = 0, 1
NAN = float("nan")
PROMPTS = [[3, 1, 4, 1, 5], [9, 2], [PAD, END, 3, 5], [PAD, 7, PAD, 8, 9, END]]
MASK = torch.tensor([[True, True, True], [True, True, False]])


# Policy loss, ratio_clip 0.2, element by element: -A * ratio, -A * clip(ratio), the larger of the two
#   A =  1, ratio 1.5: -1.5, -1.2 -> -1.2 (clipped)      A = -1, ratio 1.5: 1.5, 1.2 -> 1.5
#   A =  1, ratio 0.5: -0.5, -0.8 -> -0.5                A = -1, ratio 0.5: 0.5, 0.8 -> 0.8 (clipped)
#   A = -2, ratio 1.1:  2.2,  2.2 ->  2.2                masked
# sum 2.8 over 5 tokens: 0.56. With the sign of A flipped it would be 1.5 + 0.8 - 2.2 - 1.2 - 0.5 = -1.6: -0.32.
RATIOS = torch.tensor([[1.5, 0.5, 1.1], [1.5, 0.5, NAN]])
ADVANTAGES = torch.tensor([[1.0, 1.0, -2.0], [-1.0, -1.0, 7.0]])
OLD = torch.tensor([[-1.0, -2.0, -3.0], [-1.5, -0.5, -1.0]])


def test_policy_loss_by_hand():
    loss, metrics = policy_loss(OLD + RATIOS.log(), OLD, ADVANTAGES, MASK, ratio_clip=0.2)
    assert loss.item() == pytest.approx(0.56, abs=1e-5)
    assert metrics["clip_fraction"] == pytest.approx(4 / 5)
    assert metrics["ratio"] == pytest.approx(5.1 / 5)
    # ratio - 1 - ln ratio: 0.0945349 for 1.5, 0.1931472 for 0.5, 0.0046898 for 1.1
    assert metrics["approx_kl"] == pytest.approx((2 * 0.0945349 + 2 * 0.1931472 + 0.0046898) / 5, abs=1e-5)


def test_policy_loss_gradient_by_hand():
    log_probs = (OLD + RATIOS.log()).requires_grad_()
    policy_loss(log_probs, OLD, ADVANTAGES, MASK, ratio_clip=0.2)[0].backward()
    # -A * ratio / 5 where the loss is not clipped, 0 where it is; a step down the loss makes A > 0 likelier
    torch.testing.assert_close(log_probs.grad, torch.tensor([[0.0, -0.1, 0.44], [0.3, 0.0, 0.0]]))


# Value loss, value_clip 0.2, element by element: (value - return)^2, (clipped - return)^2, the larger of the two
#   old 0, value  0.1, return 1: 0.81, 0.81          -> 0.81        old 1, value 1.3, return 1: 0.09, 0.04 -> 0.09
#   old 0, value  0.5, return 1: 0.25, 0.64 (at 0.2) -> 0.64        old 1, value 0.9, return 1: 0.01, 0.01 -> 0.01
#   old 0, value -1.0, return 1: 4.00, 1.44 (at -.2) -> 4.00        masked
# sum 5.55 over 5 tokens, halved: 0.555
VALUES = torch.tensor([[0.1, 0.5, -1.0], [1.3, 0.9, NAN]])
OLD_VALUES = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
RETURNS = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 5.0]])


def test_value_loss_by_hand():
    assert value_loss(VALUES, OLD_VALUES, RETURNS, MASK, value_clip=0.2).item() == pytest.approx(0.555, abs=1e-5)


def test_value_loss_gradient_by_hand():
    values = VALUES.nan_to_num().requires_grad_()
    value_loss(values, OLD_VALUES, RETURNS, MASK, value_clip=0.2).backward()
    # (value - return) / 5; where the clipped error is the larger one, the value may move no further: 0
    torch.testing.assert_close(values.grad, torch.tensor([[-0.18, 0.0, -0.4], [0.06, -0.02, 0.0]]))


def test_losses_of_micro_batches_add_up():
    new = OLD + RATIOS.log()
    whole = policy_loss(new, OLD, ADVANTAGES, MASK, 0.2)[0], value_loss(VALUES, OLD_VALUES, RETURNS, MASK, 0.2)
    rows = [slice(0, 1), slice(1, 2)]  # 3 and 2 tokens
    policy = sum(policy_loss(new[r], OLD[r], ADVANTAGES[r], MASK[r], 0.2, n_valid=5)[0] for r in rows)
    value = sum(value_loss(VALUES[r], OLD_VALUES[r], RETURNS[r], MASK[r], 0.2, n_valid=5) for r in rows)
    assert (policy.item(), value.item()) == pytest.approx((whole[0].item(), whole[1].item()))


CONFIG = PPOConfig(iterations=3, episodes=16, minibatch_size=8, inner_epochs=2, max_new_tokens=5, temperature=1.5, kl_coef=0.1)


@pytest.fixture
def models(make_gpt, make_scalar_model):
    return make_gpt(0), make_scalar_model(2)


def quiet():
    return TrainingRun(None, show_progress=False)


def count_fives(tokens, response_mask):
    return ((tokens == 5) & response_mask).sum(1).float()


def collect(policy, ref_policy, value_model, config=CONFIG, prompts=PROMPTS * 4, score_fn=count_fives, generator=None):
    return collect_rollout(policy, ref_policy, value_model, score_fn, prompts, config, end_id=END, pad_id=PAD,
                           generator=generator or seeded_generator(0))  # fmt: skip


def train(policy, value_model, config=CONFIG, run=None, score_fn=count_fives, prompts=PROMPTS, **more):
    return train_ppo(policy, value_model, score_fn, prompts, config, end_id=END, pad_id=PAD, seed=0, run=run or quiet(), **more)


def gradients(*modules):
    found = [p.grad.clone() for module in modules for p in module.parameters()]
    for module in modules:
        module.zero_grad()
    return found


def test_micro_batches_give_the_gradient_of_the_minibatch(make_gpt, models):
    policy, value_model = models
    batch = collect(make_gpt(7), make_gpt(1), value_model)  # of an older policy: ratios differ from 1 and are clipped
    losses, metrics = ppo_loss(policy, value_model, batch, CONFIG)
    assert metrics["clip_fraction"] > 0.2
    sum(losses.values()).backward()
    whole = gradients(policy, value_model)
    n_valid, found = int(batch.mask.sum()), []
    for rows in ([0, 5, 9], [1], [*range(2, 5), *range(6, 9), *range(10, 16)]):
        part, part_metrics = ppo_loss(policy, value_model, batch.rows(rows), CONFIG, n_valid=n_valid)
        sum(part.values()).backward()
        found.append(part_metrics)
    assert Engine().all_reduce(found) == pytest.approx(metrics, abs=1e-5)
    for ours, expected in zip(gradients(policy, value_model), whole, strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-3)


def test_padding_and_pad_id_change_no_loss(make_gpt, models):
    policy, value_model = models
    batch = collect(make_gpt(7), make_gpt(1), value_model)
    expected = {name: loss.item() for name, loss in ppo_loss(policy, value_model, batch, CONFIG)[0].items()}
    tokens = batch.tokens.clone()
    tokens[:, 1:][~batch.mask & (batch.mask.cumsum(1) > 0)] = 8  # other padding after each answer
    numbers = {name: tensor for name, tensor in vars(batch).items() if tensor.dim() == 2 and tensor.is_floating_point()}
    wider = {name: pad(tensor, (0, 4), value=NAN) for name, tensor in numbers.items()}
    longer = replace(batch, **wider, mask=pad(batch.mask, (0, 4)), tokens=pad(tokens, (0, 4), value=9))
    for name, loss in ppo_loss(policy, value_model, longer, CONFIG)[0].items():
        assert loss.item() == pytest.approx(expected[name], abs=1e-4)


def test_ppo_loss_scores_with_the_temperature_that_sampled(make_gpt, models):
    policy, value_model = models
    batch = collect(policy, make_gpt(1), value_model)
    right, wrong = (ppo_loss(policy, value_model, batch, replace(CONFIG, temperature=t))[1] for t in (1.5, 1.0))
    assert right["ratio"] == pytest.approx(1, abs=1e-4) and right["approx_kl"] == pytest.approx(0, abs=1e-5)
    assert right["clip_fraction"] == 0 and wrong["approx_kl"] > 1e-2


def test_values_of_the_update_speak_of_the_same_tokens_as_the_old_ones(make_gpt, models):
    policy, value_model = models
    batch = collect(policy, make_gpt(1), value_model)
    errors = (batch.old_values - batch.returns)[batch.mask] ** 2  # nothing was learnt yet: values are the old values
    expected = 0.5 * errors.mean().item()
    assert expected > 0.1
    assert ppo_loss(policy, value_model, batch, CONFIG)[0]["value_loss"].item() == pytest.approx(expected, abs=1e-5)


def test_entropy_is_that_of_the_sampled_places(models):
    policy, value_model = models
    batch = collect(policy, policy, value_model)
    expected = []
    for row, t in batch.mask.nonzero().tolist():
        probs = (policy(batch.tokens[row : row + 1, : t + 1])[0, -1] / 1.5).softmax(-1)
        expected.append(-(probs * probs.log()).sum().item())
    measured = ppo_loss(policy, value_model, batch, CONFIG)[1]["entropy"]
    assert measured == pytest.approx(sum(expected) / len(expected), abs=1e-4)


class AlwaysDropping(GPT):
    """A policy whose dropout cannot be switched off."""

    def train(self, mode=True):
        """Ignore the mode asked for."""
        return super().train(True)


def test_check_finds_dropout(make_gpt, make_scalar_model):
    policy = AlwaysDropping(make_gpt(dropout=0.3).config)
    policy.load_state_dict(make_gpt().state_dict())
    with pytest.raises(RuntimeError, match=r"policy should equal its reference, but log-probs differ by up to .*dropout off\?"):
        train(policy, make_scalar_model())


def test_check_finds_a_reference_of_another_temperature(models, monkeypatch):
    real, policy = rollout.masked_log_probs, models[0]
    monkeypatch.setattr(rollout, "masked_log_probs", lambda model, *part: real(model, *part[:2], 1.5 if model is policy else 1.0))
    with pytest.raises(RuntimeError, match=r"policy should equal its reference.*same temperature"):
        train(*models)


def test_check_finds_a_score_that_is_not_the_reward(models, monkeypatch):
    real = rollout.token_rewards
    monkeypatch.setattr(rollout, "token_rewards", lambda scores, *rest: real(2 * scores + 1, *rest))
    with pytest.raises(RuntimeError, match="rewards from scores by"):
        train(*models)


def test_check_finds_an_update_of_another_temperature(models, monkeypatch):
    real = ppo.masked_log_probs
    monkeypatch.setattr(ppo, "masked_log_probs", lambda policy, tokens, mask, _: real(policy, tokens, mask, 1.0))
    with pytest.raises(RuntimeError, match=r"first minibatch nothing.*temperatures differ"):
        train(*models)


def test_check_finds_shifted_tokens(models, monkeypatch):
    def shifted(policy, tokens, mask, temperature):
        log_probs, logits = masked_log_probs(policy, tokens, mask, temperature)
        return log_probs.roll(1, 1), logits

    monkeypatch.setattr(ppo, "masked_log_probs", shifted)
    with pytest.raises(RuntimeError, match=r"first minibatch.*tokens or padding are shifted"):
        train(*models)


@pytest.mark.filterwarnings("ignore:this processor multiplies bfloat16")
@pytest.mark.parametrize("dropout", [0.0, 0.02])
def test_in_bfloat16_rollout_and_update_agree_and_dropout_is_found(make_gpt, make_scalar_model, dropout):
    # GPT-2's released logits lie near -100, where bfloat16 knows steps of 0.5 only: rule 11
    policy = AlwaysDropping(make_gpt(dropout=dropout).config)
    policy.load_state_dict(make_gpt().state_dict())
    with torch.no_grad():
        policy.final_norm.bias[0] += 100.0
        policy.token_embedding.weight[:, 0] = -1.0  # every logit moves by about -100
    assert policy(torch.tensor([[3, 4]])).mean() < -50
    run = TrainingRun(None, show_progress=False, engine=Engine(EngineConfig(device="cpu", bfloat16=True)))
    if dropout:
        with pytest.raises(RuntimeError, match="log-probs differ by|first minibatch"):
            train(policy, make_scalar_model(), run=run)
    else:
        train(policy, make_scalar_model(), run=run)


def test_checks_pass_where_nothing_is_wrong(models):
    run = quiet()
    train(*models, run=run)
    first = run.history[0]
    assert first["kl"] == pytest.approx(0, abs=1e-4)  # the policy was its reference
    assert run.history[-1]["kl"] != pytest.approx(0, abs=1e-3)


def test_dropout_is_off_in_rollout_and_update(make_gpt, make_scalar_model):
    policy, value_model, judge = make_gpt(dropout=0.5), make_scalar_model(2, dropout=0.5), make_scalar_model(3, dropout=0.5)
    modes = {"policy": [], "value": [], "judge": []}
    for name, model in zip(modes, (policy, value_model.backbone, judge.backbone), strict=True):
        note = lambda block, *_, seen=modes[name]: seen.append((block.training, torch.is_grad_enabled()))  # noqa: E731
        model.blocks[0].register_forward_pre_hook(note)
        model.train()
    average = train(policy, value_model, run=(run := quiet()), score_fn=reward_model_score(judge))
    assert not average.training and average.config.dropout == 0
    assert (False, True) in modes["policy"] and (False, True) in modes["value"]  # updates were seen,
    assert not any(training for seen in modes.values() for training, _ in seen)  # and nothing in training mode
    plain_judge, plain_run = reward_model_score(make_scalar_model(3)), quiet()
    train(make_gpt(), make_scalar_model(2), run=plain_run, score_fn=plain_judge)
    assert run.history == plain_run.history


def test_a_rollout_is_computed_once_and_stays_fixed(models, monkeypatch):
    collected, seen, real_loss, real_collect = [], [], ppo.ppo_loss, ppo.collect_rollout

    def collect_and_keep(*args, **kwargs):
        collected.append(real_collect(*args, **kwargs))
        collected.append({name: tensor.clone() for name, tensor in vars(collected[-1]).items()})
        return collected[-2]

    monkeypatch.setattr(ppo, "collect_rollout", collect_and_keep)
    monkeypatch.setattr(ppo, "ppo_loss", lambda *args, **more: seen.append(args[2]) or real_loss(*args, **more))
    train(*models)
    assert len(collected) == 2 * CONFIG.iterations and len(seen) == CONFIG.iterations * 2 * 2
    for kept, copies in zip(collected[::2], collected[1::2], strict=True):
        assert all(torch.equal(getattr(kept, name), tensor) for name, tensor in copies.items())
    assert not any(tensor.requires_grad for batch in seen for tensor in vars(batch).values())
    for k, kept in enumerate(collected[::2]):  # each answer once in each of the two passes over it
        for first in (4 * k, 4 * k + 2):
            scores = torch.cat([batch.scores for batch in seen[first : first + 2]])
            assert sorted(scores.tolist()) == sorted(kept.scores.tolist())


def test_average_by_hand():
    slow, fast = nn.Linear(1, 1), nn.Linear(1, 1)
    with torch.no_grad():
        slow.weight.fill_(1.0), fast.weight.fill_(3.0), slow.bias.fill_(0.0), fast.bias.fill_(-1.0)
    update_ema(slow, fast, decay=0.75)
    assert slow.weight.item() == pytest.approx(1.5) and slow.bias.item() == pytest.approx(-0.25)  # 0.75 * 1 + 0.25 * 3
    assert fast.weight.item() == 3


def test_the_average_is_evaluated_and_returned_and_the_policy_rolls_out(models, monkeypatch):
    policy, value_model = models
    start, evaluated, rolled_out = copy_gpt(policy), [], []
    real = ppo.collect_rollout
    monkeypatch.setattr(ppo, "collect_rollout", lambda *args, **more: rolled_out.append(args[0]) or real(*args, **more))
    frozen = replace(CONFIG, ema_decay=0.0)
    average = train(policy, value_model, frozen, evaluate=lambda model, _: evaluated.append(model) or {})
    assert evaluated == [average] and all(model is policy for model in rolled_out)
    tokens = torch.tensor([PROMPTS[0]])
    assert torch.equal(average(tokens), policy(tokens))  # no memory: the average is the policy
    slow = train(copy_gpt(start), value_model, replace(CONFIG, ema_decay=0.999))
    assert (slow(tokens) - start(tokens)).abs().max() < 0.1 * (policy(tokens) - start(tokens)).abs().max()


def test_policy_and_value_model_have_their_own_rates(models, monkeypatch):
    seen, real = [], ppo.clip_and_step

    def watch(optimizer, step, total, config):
        seen.append((optimizer.param_groups[0]["params"][0], step, total, config))
        return real(optimizer, step, total, config)

    monkeypatch.setattr(ppo, "clip_and_step", watch)
    train(*models)
    assert CONFIG.optim != CONFIG.value_optim
    for model, config in zip(models, (CONFIG.optim, CONFIG.value_optim), strict=True):
        own = [rest for parameter, *rest in seen if parameter is next(model.parameters())]
        assert own == [[step, 12, config] for step in range(12)]


def test_ptx_adds_the_gradient_of_the_language_model_loss(models, monkeypatch):
    policy, value_model = models
    text, seen, real = torch.randint(11, (200,)), [], ppo.gradient_ratio

    def watch(policy, before):
        batch = window_batch(text, CONFIG.minibatches * len(seen), 4, 8, seed=0)
        expected = torch.autograd.grad(27.0 * language_model_loss(policy(batch), batch), list(policy.parameters()))
        ratio = real(policy, before)
        norms = [torch.stack([g.norm() for g in gradients]).norm() for gradients in (expected, before)]
        assert ratio == pytest.approx((norms[0] / norms[1]).item(), rel=1e-3)
        seen.append((expected[0], policy.token_embedding.weight.grad - before[0]))
        return ratio

    monkeypatch.setattr(ppo, "gradient_ratio", watch)
    config, run = replace(CONFIG, ptx_coef=27.0, ptx_batch_size=4, ptx_sequence_length=8), quiet()
    train(policy, value_model, config, run, pretraining_tokens=text)
    assert len(seen) == CONFIG.iterations  # the first optimizer step of each, on its own windows
    for expected, added in seen:
        torch.testing.assert_close(added, expected, atol=1e-4, rtol=1e-3)
    assert all(row["ptx_gradient_ratio"] > 0 and row["ptx_loss"] > 0 for row in run.history)


def test_metrics_by_hand(models):
    batch = replace(
        collect(models[0], *models), mask=MASK, scores=torch.tensor([1.0, 4.0]), finished=torch.tensor([True, False]),
        old_log_probs=torch.tensor([[-1.0, -2.0, -3.0], [-1.5, -0.5, NAN]]), returns=torch.tensor([[1.0, 1, 1], [3, 3, 9]]),
        ref_log_probs=torch.tensor([[-1.5, -2.25, -3.0], [-0.5, -0.5, 0]]), old_values=torch.tensor([[1.0, 1, 2], [3, 2, NAN]]),
    )  # fmt: skip
    # KL: 0.5 + 0.25 + 0 and -1 + 0; returns 1 1 1 3 3: variance 4.8 / 4 = 1.2; errors 0 0 -1 0 1: variance 2 / 4
    expected = {"score": 2.5, "kl": (0.75 - 1) / 2, "length": 2.5, "finished": 0.5, "explained_variance": 1 - 0.5 / 1.2}
    measured = rollout_metrics(batch)
    assert {name: measured[name] for name in expected} == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("ptx_coef", [0.0, 2.0])
def test_stopped_at_any_step_and_resumed_is_bit_identical(make_gpt, make_scalar_model, assert_resumes, ptx_coef):
    text = torch.randint(11, (100,), generator=seeded_generator(0))

    def train_again(run):
        policy, value_model = make_gpt(0), make_scalar_model(2)  # a resumed run is given the models it began with
        config = replace(CONFIG, iterations=4, eval_every=2, ptx_coef=ptx_coef, ptx_batch_size=2, ptx_sequence_length=8)
        average = train(policy, value_model, config, run, pretraining_tokens=text,
                        evaluate=lambda model, batch: {"evaluated": model(batch.tokens).abs().mean().item()})  # fmt: skip
        return [policy, value_model, average]

    assert_resumes(train_again, total=4)


N_ARMS = 6
ONE_TOKEN = PPOConfig(
    iterations=70, episodes=96, minibatch_size=48, inner_epochs=2, max_new_tokens=1, kl_coef=0.5, ema_decay=0.5,
    whiten_advantages=False, truncated_penalty=0.0,
    optim=OptimConfig(learning_rate=1e-2, final_fraction=0.05, weight_decay=0.0),
    value_optim=OptimConfig(learning_rate=2e-2, final_fraction=0.05, weight_decay=0.0),
)  # fmt: skip


def small_models(make_gpt, std=0.3):
    shape = {"vocab_size": N_ARMS, "d_model": 16, "n_layers": 1, "context_length": 8}
    torch.manual_seed(1)
    return make_gpt(0, std, **shape), ScalarModel(GPT(GPTConfig(n_heads=2, **shape)))


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_a_bandit_ends_at_the_optimum(make_gpt, temperature):
    """One prompt, answers of one token with known scores: the optimum is reference * exp(score / kl_coef), normalised."""
    policy, value_model = small_models(make_gpt)
    arms = torch.tensor([0.0, 0.3, 0.9, -0.4, 0.6, 0.2])
    prompt = torch.tensor([[2, 3]])

    def probabilities(model):
        return (model(prompt)[0, -1] / temperature).softmax(-1).detach()

    reference = probabilities(policy)
    optimum = reference * (arms / 0.5).exp()
    optimum /= optimum.sum()
    assert (optimum - reference).abs().max() > 0.1
    config = replace(ONE_TOKEN, temperature=temperature)
    average = train(policy, value_model, config, score_fn=lambda tokens, _: arms[tokens[:, 2]], prompts=prompt.tolist())
    torch.testing.assert_close(probabilities(average), optimum, atol=1e-2, rtol=0)
    torch.testing.assert_close(probabilities(policy), optimum, atol=1e-2, rtol=0)


@pytest.mark.slow
def test_without_a_score_the_policy_returns_to_the_reference(make_gpt):
    ref_policy, value_model = small_models(make_gpt)
    policy, noise = copy_gpt(ref_policy), seeded_generator(0)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=noise), alpha=0.2)
    prompts, total = [[2, 3], [5, 4, 4], [0]] * 42, 120
    config = replace(ONE_TOKEN, max_new_tokens=2, kl_coef=1.0)

    def no_score(tokens, _):
        return torch.zeros(len(tokens))

    def distance():
        batch = collect(policy, ref_policy, value_model, config, prompts)
        return exact_kl(policy(batch.tokens)[:, :-1], ref_policy(batch.tokens)[:, :-1])[batch.mask].mean().item()

    before, generator = distance(), seeded_generator(0)
    optimizers = build_optimizer(policy, config.optim), build_optimizer(value_model, config.value_optim)
    for step in range(total):
        batch = collect(policy, ref_policy, value_model, config, prompts, no_score, generator)
        losses, _ = ppo_loss(policy, value_model, batch, config)
        optimizer_step(optimizers[0], {"policy_loss": losses["policy_loss"]}, step, total, config.optim)
        optimizer_step(optimizers[1], {"value_loss": losses["value_loss"]}, step, total, config.value_optim)
    assert before > 0.1
    assert distance() < 1e-2


def test_learns_to_please_a_score_function(make_gpt, make_scalar_model):
    optim = OptimConfig(learning_rate=5e-3)
    config = PPOConfig(iterations=25, episodes=32, minibatch_size=16, max_new_tokens=4, truncated_penalty=0.0, optim=optim)
    run = quiet()
    train(make_gpt(0), make_scalar_model(2), config, run)
    assert run.history[0]["score"] < 1.5
    assert run.history[-1]["score"] > 3.5  # of 4 tokens, nearly all are fives
    assert run.history[-1]["kl"] > 1  # which has its price


def test_a_score_that_is_not_a_number_is_named(models):
    for bad in (NAN, float("inf")):
        with pytest.raises(ValueError, match=f"score_fn gave {bad} for answer 3 of 16, expected a finite number"):
            train(*models, score_fn=lambda tokens, _, bad=bad: torch.ones(len(tokens)).index_fill(0, torch.tensor([2, 5]), bad))


@pytest.mark.parametrize(("changes", "message"), [
    ({"episodes": 10, "minibatch_size": 4}, "episodes 10 must be a multiple of minibatch_size 4"),
    ({"minibatch_size": 0}, "minibatch_size"),
    ({"iterations": 0}, "must all be at least 1"),
    ({"gae_lambda": 1.5}, "0 <= gae_lambda <= 1"),
    ({"discount": 0.0}, "0 < discount <= 1"),
    ({"ema_decay": 1.0}, "0 <= ema_decay < 1"),
    ({"temperature": 0.0}, "temperature > 0"),
    ({"kl_coef": -0.1}, "kl_coef >= 0"),
])  # fmt: skip
def test_config_messages(changes, message):
    with pytest.raises(ValueError, match=message):
        PPOConfig(**changes)


def test_ptx_needs_text(models):
    with pytest.raises(ValueError, match="ptx_coef > 0 mixes in pretraining text: give pretraining_tokens"):
        train(*models, replace(CONFIG, ptx_coef=1.0))


def test_every_prompt_comes_once_before_any_comes_twice_and_minibatches_are_new(models, monkeypatch):
    prompts, collected, chosen, real, real_rows = [[3, 4 + i % 5, i % 7] for i in range(30)], [], [], ppo.collect_rollout, None
    monkeypatch.setattr(ppo, "collect_rollout", lambda *args, **more: collected.append(args[4]) or real(*args, **more))
    real_rows = ppo.batch_indices
    monkeypatch.setattr(ppo, "batch_indices", lambda *args: chosen.append(real_rows(*args)) or chosen[-1])
    config = replace(CONFIG, iterations=3, episodes=10, minibatch_size=5, inner_epochs=1)
    train(*models, config, prompts=[[*prompt, 2 + i % 3] for i, prompt in enumerate(prompts)])
    assert len(collected) == 3
    rolled_out = [row for rows in (chosen[0], chosen[3], chosen[6]) for row in rows]
    assert sorted(rolled_out) == list(range(30))
    minibatches = [tuple(chosen[i] + chosen[i + 1]) for i in (1, 4, 7)]
    assert all(sorted(order) == list(range(10)) for order in minibatches) and len(set(minibatches)) == 3


def test_each_optimizer_is_built_from_its_own_settings(models):
    policy, value_model = models
    config = replace(CONFIG, value_optim=OptimConfig(learning_rate=3e-3, beta1=0.5, weight_decay=0.25))
    updater = ppo.PPOUpdater(policy, value_model, copy_gpt(policy), config, 0, None)
    for name, optim in (("policy", config.optim), ("value", config.value_optim)):
        group = updater.optimizers[name].param_groups[0]
        assert (group["peak"], group["betas"][0], group["weight_decay"]) == (optim.learning_rate, optim.beta1, optim.weight_decay)


def test_the_policy_steps_on_the_sum_of_both_gradients(models, monkeypatch):
    policy, value_model = models
    config = replace(CONFIG, ptx_coef=5.0, ptx_batch_size=2, ptx_sequence_length=6)
    updater = ppo.PPOUpdater(policy, value_model, copy_gpt(policy), config, 0, torch.arange(2, 11).repeat(5))
    stepped, real = [], ppo.clip_and_step

    def watch(optimizer, *rest):
        stepped.append([None if p.grad is None else p.grad.clone() for g in optimizer.param_groups for p in g["params"]])
        return real(optimizer, *rest)

    monkeypatch.setattr(ppo, "clip_and_step", watch)
    monkeypatch.setattr(ppo.PPOUpdater, "add_ptx", lambda self, step: [p.grad.fill_(7.0) for p in policy.parameters()] and {})
    updater.step(collect(policy, copy_gpt(policy), value_model).rows(list(range(8))), 0)
    assert all((gradient == 7.0).all() for gradient in stepped[0])  # what ptx left there is what is stepped on


def test_explained_variance_by_hand(models):
    batch = collect(*models[:1], *models)
    real = torch.zeros_like(batch.mask)
    real[0, :3] = True
    for returns, values, expected in [([1, 2, 3], [1, 1, 1], 0.0), ([1, 2, 3], [1, 2, 3], 1.0), ([1, 2, 3], [3, 2, 1], -3.0),
                                      ([2, 2, 2], [1, 2, 3], 0.0)]:  # fmt: skip
        filled = [torch.zeros(batch.mask.shape) for _ in range(2)]
        for tensor, numbers in zip(filled, (returns, values), strict=True):
            tensor[0, :3] = torch.tensor(numbers).float()
        found = rollout_metrics(replace(batch, mask=real, returns=filled[0], old_values=filled[1]))["explained_variance"]
        assert found == pytest.approx(expected, abs=1e-6)
    one = torch.zeros_like(batch.mask)
    one[0, 0] = True
    assert rollout_metrics(replace(batch, mask=one))["explained_variance"] == 0.0
