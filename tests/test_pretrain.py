"""Pretraining learns: the loss is the mean surprise of every next token, falls on a toy text, and survives stops."""

import math

import pytest
import torch

from rlhf_lite import pretrain as pretrain_module
from rlhf_lite.attention import causal_mask
from rlhf_lite.checkpoint import TrainingRun
from rlhf_lite.gpt import GPT, GPTConfig, copy_gpt
from rlhf_lite.likelihood import next_token_log_probs
from rlhf_lite.optim import OptimConfig
from rlhf_lite.pretrain import (
    PretrainConfig,
    Term,
    held_out_loss,
    pretrain,
    pretrain_loss,
    share_answered,
    start_for_copying,
    term_to_read,
)

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


def term(token, questions=(), share=0.5, most_steps=9):
    return Term(torch.tensor([token, token, 0]).repeat(9), list(questions), share, most_steps)


def test_a_term_is_over_when_its_questions_are_answered_or_after_its_most_steps():
    terms = [term(1, share=0.8), term(2, most_steps=3), term(3)]
    unanswered, answered = {"loss": 1.0, "answered": 0.7}, {"answered": 0.8}
    assert term_to_read([], terms) == term_to_read([unanswered] * 5, terms) == 0
    assert term_to_read([unanswered] * 9, terms) == 1
    history = [unanswered, answered]
    assert [term_to_read(history + [{}] * n, terms) for n in (0, 2, 3, 11, 12, 99)] == [1, 1, 2, 2, 3, 3]


def test_answers_are_counted_after_the_last_token_of_each_question():
    model = GPT(SMALL)
    tokens = torch.tensor([[1, 2, 3], [4, 5, 0]])
    likeliest = model(tokens).argmax(-1)
    wrong = (int(likeliest[1, 1]) + 1) % 8
    assert share_answered(model, [([1, 2, 3], int(likeliest[0, 2])), ([4, 5], int(likeliest[1, 1]))]) == 1.0
    assert share_answered(model, [([1, 2, 3], int(likeliest[0, 2])), ([4, 5], wrong)]) == 0.5


def test_terms_are_read_one_after_the_other_before_the_text(monkeypatch):
    monkeypatch.setattr(pretrain_module, "TERM_CHECK_EVERY", 2)
    model, seen = GPT(SMALL), []
    model.token_embedding.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]) if module.training else None)
    right = torch.tensor([1.0, 1.0, 0.0, 1.0])  # what each look finds: passed at step 2; at step 4; not by its most steps
    monkeypatch.setattr(pretrain_module, "share_answered", lambda *_: right[len(seen) // 2 - 1].item())
    terms = [term(1, [[([1], 1)]], 0.9), term(2, [[([1], 1)]], 0.9), term(3, [[([1], 1)]], 0.9, most_steps=3)]
    config = PretrainConfig(steps=9, batch_size=4, sequence_length=4, term_length=3, whole_documents=True)
    run = TrainingRun(None, show_progress=False)
    pretrain(model, torch.tensor([5, 5, 5, 0]).repeat(9), config, seed=0, run=run, terms=terms, end_id=0)
    assert [int(batch.max()) for batch in seen] == [1, 1, 2, 2, 3, 3, 3, 5, 5] and seen[0].shape == (5, 3)
    assert [(row["step"], row["term"]) for row in run.history if "term" in row] == [(1, 1), (3, 2), (5, 3)]
    with pytest.raises(ValueError, match="terms need whole_documents, and primer_steps 0"):
        pretrain(model, torch.arange(8).repeat(9), PretrainConfig(), seed=0, run=run, terms=terms)


def test_a_term_goes_on_while_one_kind_of_its_questions_is_not_answered(monkeypatch):
    monkeypatch.setattr(pretrain_module, "TERM_CHECK_EVERY", 1)
    monkeypatch.setattr(pretrain_module, "share_answered", lambda model, questions: questions[0][1] / 10)
    asked = [[([1], right)] for right in (9, 7, 9)]  # the second kind is answered less
    config = PretrainConfig(steps=4, batch_size=4, sequence_length=4, term_length=3, whole_documents=True)
    run = TrainingRun(None, show_progress=False)
    text = torch.tensor([5, 5, 5, 0]).repeat(9)
    pretrain(GPT(SMALL), text, config, seed=0, run=run, terms=[term(1, asked, 0.8, most_steps=3)], end_id=0)
    assert [row.get("answered") for row in run.history] == [0.7, 0.7, 0.7, None]


def test_a_run_stopped_within_a_term_goes_on_in_it(assert_resumes, monkeypatch):
    monkeypatch.setattr(pretrain_module, "TERM_CHECK_EVERY", 1)
    terms = [term(1, [[([1, 1], 0)]], share=0.5, most_steps=3), term(2, most_steps=2)]
    config = PretrainConfig(steps=6, batch_size=4, sequence_length=6, term_length=3, whole_documents=True)

    def train(run):
        torch.manual_seed(5)
        model = GPT(SMALL)
        pretrain(model, torch.tensor([5, 6, 7, 0]).repeat(9), config, seed=3, run=run, terms=terms, end_id=0)
        return [model]

    assert_resumes(train, total=6)


def test_whole_documents_begin_windows_and_are_read_at_random_positions():
    model, seen = GPT(GPTConfig(vocab_size=8, context_length=40, d_model=8, n_layers=1, n_heads=2)), []
    model.token_embedding.register_forward_pre_hook(lambda _, inputs: seen.append([inputs[0]]))
    model.position_embedding.register_forward_pre_hook(lambda _, inputs: seen[-1].append(inputs[0]))
    text = torch.tensor([1, 2, 3, 0, 1, 4, 0, 1, 5, 6, 2, 0]).repeat(9)  # every document begins with 1 and ends with 0
    config = PretrainConfig(steps=3, batch_size=8, sequence_length=6, whole_documents=True)
    pretrain(model, text, config, seed=0, run=TrainingRun(None, show_progress=False), end_id=0)
    tokens, positions = (torch.cat([batch[i] for batch in seen]) for i in (0, 1))
    assert (tokens[:, 0] == 1).all()
    assert torch.equal(positions - positions[:, :1], torch.arange(6).expand(24, 6))
    assert positions.min() >= 0 and positions.max() <= 39 and len(positions[:, 0].unique()) > 8
    with pytest.raises(ValueError, match="give end_id"):
        pretrain(model, text, config, seed=0, run=TrainingRun(None, show_progress=False))


def test_starts_for_copying_with_heads_that_look_back():
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=300, context_length=64, d_model=128, n_layers=2, n_heads=8))
    start_for_copying(model)
    tokens = torch.randint(300, (64, 40))
    x = model.blocks[0].attention_norm(model.embed(tokens, torch.arange(40)))
    weights = model.blocks[0].attention.weights(x, mask=causal_mask(40))  # (B, H, T, S)
    for head in range(8):
        looked = weights[:, head, 20:].mean(0)  # (20, S)
        assert (looked.argmax(-1) == torch.arange(20, 40) - head - 1).float().mean() > 0.9
    assert torch.equal(model.blocks[1].attention.output.weight, 0.3 * model.blocks[1].attention.key_value.weight[128:].T)
    assert model(tokens).std() < 2  # first logits are small, though embeddings are not
    assert model.token_embedding.weight[:, 32:].std().item() == pytest.approx(1.0, abs=0.02)


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
