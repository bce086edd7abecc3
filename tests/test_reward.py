"""The reward model reads the last real token and learns from pairs: mean over a prompt's pairs, then over prompts.

Proves: scores do not change with padding, order or batch; the loss by hand; ties, identical answers and other prompts make
no pair; extreme scores stay finite; a toy preference is learnt; a stopped run goes on bit for bit.
"""

import math

import pytest
import torch
import torch.nn.functional as F

from rlhf_lite import reward as reward_module
from rlhf_lite.checkpoint import TrainingRun
from rlhf_lite.data import pad_right
from rlhf_lite.gpt import GPT, GPTConfig, ScalarModel
from rlhf_lite.optim import OptimConfig
from rlhf_lite.records import EncodedComparison, Example, RankedBatch, collate_comparisons
from rlhf_lite.reward import (
    RewardConfig,
    center_on_demonstrations,
    count_pairs,
    last_token_scores,
    pair_accuracy,
    pair_mask,
    pairwise_loss,
    reward_loss,
    score_sequences,
    text_mask,
    train_reward_model,
)

PAD, END = 0, 1
SEQUENCES = [[3, 4, 5, END], [6, END], [PAD, END, PAD, 7, PAD], [9, 8, 7, 6, 5, 4, 3, END], [2, PAD, END, 5]]


def ranked(*prompts):
    """Make a batch of prompts, each a list of ranks; every answer is another sequence."""
    comparisons, first = [], 2
    for ranks in prompts:
        comparisons.append(EncodedComparison(tuple([first + k, END] for k in range(len(ranks))), tuple(ranks)))
        first += len(ranks)
    return collate_comparisons(comparisons, PAD)


def scored_alone(model):
    return torch.stack([model(torch.tensor([ids]))[0, -1] for ids in SEQUENCES])


@pytest.mark.parametrize("pad_id", [PAD, END, 5])
@pytest.mark.parametrize("extra", [0, 10])
def test_score_is_read_at_the_last_real_token(make_scalar_model, pad_id, extra):
    model = make_scalar_model()
    tokens, lengths = pad_right(SEQUENCES, pad_id)
    tokens = torch.cat([tokens, torch.full((len(tokens), extra), pad_id)], dim=1)
    scores = last_token_scores(model, tokens, lengths)
    torch.testing.assert_close(scores, scored_alone(model), atol=1e-5, rtol=1e-5)
    order = torch.tensor([3, 0, 4, 2, 1])
    torch.testing.assert_close(last_token_scores(model, tokens[order], lengths[order]), scores[order], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_score_sequences_keeps_the_order_and_the_mode(make_scalar_model, batch_size):
    model = make_scalar_model(dropout=0.5).train()
    scores = score_sequences(model, SEQUENCES, PAD, batch_size)
    assert model.training
    torch.testing.assert_close(scores, scored_alone(model.eval()), atol=1e-5, rtol=1e-5)


# -log sigmoid(d) for d = 1, 2 and -1
D1, D2, D_MINUS_1 = 0.3132617, 0.1269280, 1.3132617


def test_loss_by_hand():
    batch = ranked([0, 1, 2], [0, 1])
    scores = torch.tensor([2.0, 1.0, 0.0, 0.0, 1.0])
    # prompt 0: pairs differ by 2 - 1, 2 - 0, 1 - 0; prompt 1: by 0 - 1. Mean over pairs, then over the two prompts:
    expected = ((D1 + D2 + D1) / 3 + D_MINUS_1) / 2  # 0.7822; one mean over all four pairs would give 0.5167
    assert pairwise_loss(scores, batch).item() == pytest.approx(expected, abs=1e-5)


def test_order_of_rows_does_not_matter():
    batch, scores = ranked([0, 1, 2], [0, 1]), torch.tensor([2.0, 1.0, 0.0, 0.0, 1.0])
    order = torch.tensor([4, 2, 0, 3, 1])
    mixed = RankedBatch(batch.tokens[order], batch.lengths[order], batch.prompt_index[order], batch.ranks[order])
    assert pairwise_loss(scores[order], mixed).item() == pytest.approx(pairwise_loss(scores, batch).item(), abs=1e-6)


def test_pairs_of_one_prompt_only_and_none_of_ties():
    mask = pair_mask(ranked([1, 0, 1], [0, 0]))  # two answers share the second place; the second prompt is one tie
    assert mask.nonzero().tolist() == [[1, 0], [1, 2]]


def test_identical_answers_make_no_pair():
    comparison = EncodedComparison(([3, 4, END], [3, 4, END], [3, END]), (0, 1, 2))  # a careless labeler ranked them
    mask = pair_mask(collate_comparisons([comparison], PAD))
    assert mask.nonzero().tolist() == [[0, 2], [1, 2]]


def test_answers_that_differ_by_a_pad_id_are_not_identical():
    mask = pair_mask(collate_comparisons([EncodedComparison(([3, 4], [3, 4, PAD]), (0, 1))], PAD))
    assert mask.nonzero().tolist() == [[0, 1]]


def test_prompts_without_a_pair_do_not_count():
    scores = torch.tensor([5.0, 5.0, 0.0, 1.0], requires_grad=True)
    loss = pairwise_loss(scores, ranked([0, 0], [0, 1]))
    assert loss.item() == pytest.approx(D_MINUS_1, abs=1e-5)  # not half of it
    alone = pairwise_loss(scores[:2], ranked([0, 0]))
    assert alone.item() == 0
    alone.backward()
    assert scores.grad.tolist() == [0, 0, 0, 0]


def test_extreme_scores_stay_finite():
    scores = torch.tensor([-1e4, 1e4], requires_grad=True)
    loss = pairwise_loss(scores, ranked([0, 1]))
    assert loss.item() == pytest.approx(2e4)  # log of sigmoid would be -inf
    loss.backward()
    assert scores.grad.tolist() == [-1, 1]
    assert pairwise_loss(-scores, ranked([0, 1])).item() == 0


def test_gradient_raises_the_better_answer():
    scores = torch.zeros(3, requires_grad=True)
    pairwise_loss(scores, ranked([1, 0, 2])).backward()
    # sigmoid(0) = 1/2 a pair, over 3 pairs: the best wins 2 pairs, the worst loses 2, the middle one of each
    torch.testing.assert_close(scores.grad, torch.tensor([0.0, -1 / 3, 1 / 3]))


def test_each_answer_goes_through_the_model_once(make_scalar_model):
    model, rows = make_scalar_model(), []
    model.backbone.blocks[0].register_forward_hook(lambda _, args, __: rows.append(len(args[0])))
    batch = ranked([0, 1, 2, 3], [0, 1])
    loss, metrics = reward_loss(model, batch)
    assert rows == [6]  # not 2 * (6 + 1) for the pairs
    assert loss.item() == pytest.approx(pairwise_loss(last_token_scores(model, batch.tokens, batch.lengths), batch).item())
    assert set(metrics) == {"loss", "accuracy"}


def test_accuracy_by_hand():
    scores = torch.tensor([2.0, 3.0, 3.0, 1.0, 0.0])
    # pairs (2, 3) wrong, (2, 3) wrong, (3, 3) equal counts half, (1, 0) right: 1.5 of 4
    assert pair_accuracy(scores, ranked([0, 1, 2], [0, 1])) == (pytest.approx(1.5 / 4), 4)
    accuracy, n_pairs = pair_accuracy(scores[:2], ranked([0, 0]))
    assert math.isnan(accuracy) and n_pairs == 0


def test_centering_moves_every_score_alike(make_scalar_model):
    model = make_scalar_model()
    examples = [Example(ids, 1) for ids in SEQUENCES]
    before = score_sequences(model, SEQUENCES, PAD)
    assert center_on_demonstrations(model, examples, PAD) == pytest.approx(before.mean().item(), abs=1e-6)
    after = score_sequences(model, SEQUENCES, PAD)
    assert after.mean().item() == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(before - after, before.mean().expand(5), atol=1e-6, rtol=0)


def toy_comparisons():
    """Better answers have a 5 where worse ones have a 6, among other tokens; some are ties."""
    generator = torch.Generator().manual_seed(0)
    comparisons = []
    for _ in range(24):
        rest = torch.randint(7, 12, (4,), generator=generator).tolist()
        comparisons.append(EncodedComparison(([2, *rest, 6, END], [2, rest[0], 5, rest[1], END], [2, 5, *rest, END]), (1, 0, 0)))
    return comparisons


def new_reward_model(dropout=0.0):
    torch.manual_seed(5)
    return ScalarModel(GPT(GPTConfig(vocab_size=12, context_length=12, d_model=16, n_layers=1, n_heads=2, dropout=dropout)))


def test_learns_a_toy_preference():
    model, comparisons, run = new_reward_model(), toy_comparisons(), TrainingRun(None, show_progress=False)
    config = RewardConfig(epochs=5, batch_size=4, optim=OptimConfig(learning_rate=1e-2))
    train_reward_model(model, comparisons, config, pad_id=PAD, seed=0, run=run)
    assert len(run.history) == 30
    assert run.history[0]["loss"] > 0.3
    assert run.history[-1]["loss"] < 0.02 and run.history[-1]["accuracy"] == 1
    better, worse = score_sequences(model, [[2, 11, 5, 10, END], [2, 11, 6, 10, END]], PAD)  # not in the set
    assert better > worse


@pytest.mark.parametrize("in_order", [True, False])
def test_comparisons_are_shuffled_or_learnt_in_their_order(in_order, monkeypatch):
    seen, comparisons = [], toy_comparisons()
    monkeypatch.setattr(reward_module, "count_pairs", lambda batch: seen.append(batch.tokens) or (2, 3))
    config = RewardConfig(epochs=1, batch_size=2, in_order=in_order)
    train_reward_model(new_reward_model(), comparisons, config, pad_id=PAD, seed=0, run=TrainingRun(None, show_progress=False))
    given = [collate_comparisons(comparisons[i : i + 2], PAD).tokens for i in range(0, 24, 2)]
    assert all(map(torch.equal, seen, given)) == in_order


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_stopped_at_any_step_and_resumed_is_bit_identical(assert_resumes, dropout):
    def train(run):
        model = new_reward_model(dropout)
        config = RewardConfig(epochs=0.7, batch_size=4, eval_every=2)
        train_reward_model(model, toy_comparisons(), config, pad_id=PAD, seed=1, run=run,
                           evaluate=lambda m: {"mean": score_sequences(m, SEQUENCES, PAD).mean().item()})  # fmt: skip
        return [model]

    assert_resumes(train, total=4)  # 0.7 * 24 / 4 = 4.2


def test_messages(make_scalar_model):
    with pytest.raises(ValueError, match=r"text_coef is -1, expected 0 or more"):
        RewardConfig(text_coef=-1)
    with pytest.raises(ValueError, match=r"epochs -1 must be > 0"):
        RewardConfig(epochs=-1)
    with pytest.raises(ValueError, match="no comparisons to learn from"):
        train_reward_model(make_scalar_model(), [], RewardConfig(), pad_id=PAD, seed=0, run=TrainingRun(None))


def test_micro_batches_add_up_to_their_batch(make_scalar_model):
    model, comparisons = make_scalar_model(), [
        EncodedComparison(([2, 5, END], [2, 6, END], [2, 7, 8, END]), (0, 1, 2)),
        EncodedComparison(([3, 5, END], [3, 6, END]), (1, 0)),
        EncodedComparison(([4, 5, END], [4, 6, END]), (0, 0)),  # a tie: no pair, and no prompt that counts
    ]
    found = []
    for parts in ([comparisons], [comparisons[:1], comparisons[1:]]):
        model.zero_grad()
        n_prompts, n_pairs = count_pairs(collate_comparisons(comparisons, PAD))
        assert (n_prompts, n_pairs) == (2, 4)
        results = [reward_loss(model, collate_comparisons(part, PAD), n_prompts=n_prompts, n_pairs=n_pairs) for part in parts]
        sum(loss for loss, _ in results).backward()
        numbers = torch.tensor([[metrics["loss"], metrics["accuracy"]] for _, metrics in results]).sum(0)
        found.append([numbers, *(p.grad.clone() for p in model.parameters())])
    alone = reward_loss(model, collate_comparisons(comparisons, PAD))[1]  # counted by itself
    assert found[0][0].tolist() == pytest.approx([alone["loss"], alone["accuracy"]], rel=1e-5)
    for whole, parts in zip(*found, strict=True):
        torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-4)


def test_the_best_answers_cross_entropy_is_added_with_its_weight(make_scalar_model):
    model = make_scalar_model()
    batch = ranked([1, 0, 0], [0, 1])
    alone, _ = reward_loss(model, batch)
    both, metrics = reward_loss(model, batch, text_coef=0.5)
    logits, best = model.backbone(batch.tokens), [1, 2, 3]
    losses = [F.cross_entropy(logits[i, t], batch.tokens[i, t + 1]) for i in best for t in range(int(batch.lengths[i]) - 1)]
    expected = sum(losses) / len(losses)
    assert metrics["text_loss"] == pytest.approx(expected.item(), rel=1e-5)
    assert both.item() == pytest.approx((alone + 0.5 * expected).item(), rel=1e-5)
    assert metrics["loss"] == pytest.approx(alone.item())


def test_micro_batches_of_the_best_answers_add_up_to_their_batch():
    comparisons, model = toy_comparisons()[:4], new_reward_model()
    whole = collate_comparisons(comparisons, PAD)
    n_prompts, n_text = count_pairs(whole)[0], int(text_mask(whole).sum())
    parts = [collate_comparisons(part, PAD) for part in (comparisons[:1], comparisons[1:])]
    losses = [reward_loss(model, part, n_prompts=n_prompts, text_coef=2.0, n_text=n_text)[0] for part in parts]
    assert sum(losses).item() == pytest.approx(reward_loss(model, whole, text_coef=2.0)[0].item(), rel=1e-5)


def test_dropout_is_on_while_training():
    model, modes = new_reward_model(dropout=0.5).eval(), []
    model.backbone.blocks[0].register_forward_hook(lambda module, *_: modes.append(module.training))
    config = RewardConfig(epochs=1, batch_size=24)
    train_reward_model(model, toy_comparisons(), config, pad_id=PAD, seed=0, run=TrainingRun(None, show_progress=False))
    assert set(modes) == {True}
