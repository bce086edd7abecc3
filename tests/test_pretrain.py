"""Pretraining learns: the loss is the mean surprise of every next token, falls on a toy text, and survives stops."""

import math

import pytest
import torch

from rlhf_lite.checkpoint import TrainingRun
from rlhf_lite.gpt import GPT, GPTConfig, copy_gpt
from rlhf_lite.likelihood import next_token_log_probs
from rlhf_lite.optim import OptimConfig
from rlhf_lite.pretrain import PretrainConfig, held_out_loss, pretrain, pretrain_loss

SMALL = GPTConfig(vocab_size=8, context_length=16, d_model=16, n_layers=1, n_heads=2)


def test_loss_is_the_mean_over_every_next_token(make_gpt):
    model, tokens = make_gpt(), torch.randint(11, (3, 9))
    loss, metrics = pretrain_loss(model, tokens)
    assert loss.item() == pytest.approx(-next_token_log_probs(model(tokens), tokens).sum().item() / (3 * 8), abs=1e-5)
    assert metrics == {"loss": loss.item()}


def test_a_model_that_knows_nothing_is_as_surprised_as_by_dice():
    model = GPT(SMALL)
    with torch.no_grad():
        model.token_embedding.weight.zero_()  # all logits are 0, all 8 tokens equally likely
    assert pretrain_loss(model, torch.randint(8, (8, 16)))[0].item() == pytest.approx(math.log(8), abs=1e-5)


def test_held_out_loss_covers_whole_windows_in_evaluation_mode(make_gpt):
    model, tokens = make_gpt(dropout=0.5).train(), torch.randint(11, (70 * 6 + 5,), dtype=torch.int32)
    loss = held_out_loss(model, tokens, sequence_length=6, max_windows=70)  # more than one batch, the last one smaller
    assert model.training
    windows = tokens[: 70 * 6].view(70, 6).long()
    assert loss == pytest.approx(pretrain_loss(model.eval(), windows)[0].item(), abs=1e-5)
    assert loss == held_out_loss(model, tokens, 6, 70)
    assert held_out_loss(model, tokens, 6, 3) == pytest.approx(pretrain_loss(model, windows[:3])[0].item(), abs=1e-5)


def test_learns_a_text_that_repeats():
    model, text = GPT(SMALL), torch.arange(8).repeat(40)
    config = PretrainConfig(steps=60, batch_size=8, sequence_length=12, optim=OptimConfig(learning_rate=2e-2, warmup_steps=5))
    run = TrainingRun(None, show_progress=False)
    pretrain(model, text, config, seed=0, run=run, evaluate=lambda m: {"held_out": held_out_loss(m, text, 12)})
    assert run.history[0]["loss"] > 1.5
    assert run.history[-1]["held_out"] < 0.05
    assert [row["step"] for row in run.history if "held_out" in row] == [59]  # eval_every 100: only the last


def test_begins_with_the_primer_and_with_short_windows():
    model, shapes = GPT(SMALL), []
    model.token_embedding.register_forward_pre_hook(
        lambda module, inputs: shapes.append((tuple(inputs[0].shape), int(inputs[0].max())))
    )
    config = PretrainConfig(steps=4, batch_size=2, sequence_length=12, primer_steps=1, short_steps=3, short_length=4)
    run, text, primer = TrainingRun(None, show_progress=False), torch.arange(4, 8).repeat(9), torch.arange(4).repeat(9)
    pretrain(model, text, config, seed=0, run=run, primer=primer)
    assert shapes == [((6, 4), 3), ((6, 4), 7), ((6, 4), 7), ((2, 12), 7)]  # 24 tokens a step, the primer's first
    with pytest.raises(ValueError, match="short_length is 1, expected at least 2"):
        PretrainConfig(short_length=1)
    with pytest.raises(ValueError, match="there is no primer"):
        pretrain(model, text, config, seed=0, run=run)


def test_dropout_is_on_while_training():
    model = GPT(GPTConfig(**{**vars(SMALL), "dropout": 0.5})).eval()
    modes = []
    model.final_norm.register_forward_hook(lambda module, *_: modes.append(module.training))
    config = PretrainConfig(steps=3, batch_size=2, sequence_length=6, eval_every=1)
    run, text = TrainingRun(None, show_progress=False), torch.arange(8).repeat(4)
    pretrain(model, text, config, seed=0, run=run, evaluate=lambda m: {"held_out": held_out_loss(m, text, 6)})
    assert modes == [True, False] * 3  # a training batch, then an evaluation, which puts the mode back


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_stopped_at_any_step_and_resumed_is_bit_identical(assert_resumes, dropout):
    config = PretrainConfig(steps=5, batch_size=4, sequence_length=6, eval_every=2)
    text = torch.randint(8, (100,), generator=torch.Generator().manual_seed(0))

    def train(run):
        torch.manual_seed(5)
        model = GPT(GPTConfig(**{**vars(SMALL), "dropout": dropout}))
        pretrain(model, text, config, seed=3, run=run, evaluate=lambda m: {"held_out": held_out_loss(m, text, 6)})
        return [model]

    assert_resumes(train, total=5)


def test_messages():
    with pytest.raises(ValueError, match=r"steps 0, batch_size \d+, sequence_length \d+: all must be >= 1"):
        PretrainConfig(steps=0)
    with pytest.raises(ValueError, match="5 held-out tokens do not fill one window of 6"):
        held_out_loss(GPT(SMALL), torch.arange(5), 6)


def test_another_seed_sees_other_windows():
    text, seen = torch.arange(8).repeat(40), []
    for seed in (0, 0, 1):
        model, windows = GPT(SMALL), []
        model.token_embedding.register_forward_pre_hook(lambda _, inputs, windows=windows: windows.append(inputs[0].tolist()))
        config = PretrainConfig(steps=2, batch_size=2, sequence_length=6)
        pretrain(model, text, config, seed=seed, run=TrainingRun(None, show_progress=False))
        seen.append(windows)
    assert seen[0] == seen[1] != seen[2]


def test_the_logged_loss_is_that_of_the_windows(make_gpt):
    model, run, windows = make_gpt(), TrainingRun(None, show_progress=False), []
    model.token_embedding.register_forward_pre_hook(lambda _, inputs: windows.append(inputs[0]))
    before = copy_gpt(model)
    pretrain(model, torch.arange(11).repeat(20), PretrainConfig(steps=1, batch_size=3, sequence_length=6), seed=0, run=run)
    assert run.history[0]["loss"] == pytest.approx(pretrain_loss(before, windows[0])[0].item(), rel=1e-5)
