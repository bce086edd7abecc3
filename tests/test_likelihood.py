"""Log-probabilities speak of the token that came next; losses, entropy and KL agree with hand-worked small cases.

Proves besides: the shift by one token is not redone in another module, and the KL estimators have the right sign, since
their average under the policy is the exact KL of two small distributions.
"""

import ast
import math
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import rlhf_lite
from rlhf_lite.engine import Engine, EngineConfig
from rlhf_lite.generate import generate
from rlhf_lite.likelihood import (
    entropy,
    exact_kl,
    k1,
    k3,
    language_model_loss,
    masked_log_probs,
    next_token_log_probs,
)

LN2 = math.log(2)
# With V = 2 and logits (0, ln 3), the probabilities are 1/4 and 3/4; (0, 0) gives 1/2 and 1/2.
LOGITS = torch.tensor([[[0.0, math.log(3)], [0.0, 0.0], [math.log(3), 0.0]]])  # the last position speaks of no token here
P, Q = torch.tensor([0.5, 0.5]), torch.tensor([0.9, 0.1])
KL_PQ = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)  # 0.5108; the other way round it is 0.3681


def test_log_probs_by_hand():
    # position 0 speaks of token 1, which is 1: ln 3/4; position 1 of token 2, which is 0: ln 1/2
    log_probs = next_token_log_probs(LOGITS, torch.tensor([[0, 1, 0]]))
    torch.testing.assert_close(log_probs, torch.tensor([[math.log(0.75), math.log(0.5)]]))


def test_first_token_and_last_logits_do_not_matter():
    tokens = torch.tensor([[0, 1, 0]])
    changed = LOGITS.clone()
    changed[:, -1] = 77
    assert torch.equal(next_token_log_probs(LOGITS, tokens), next_token_log_probs(changed, torch.tensor([[1, 1, 0]])))


def test_temperature_divides_the_logits():
    # temperature 1/2 turns odds 3 : 1 into 9 : 1
    log_probs = next_token_log_probs(LOGITS, torch.tensor([[0, 1, 0]]), temperature=0.5)
    torch.testing.assert_close(log_probs, torch.tensor([[math.log(0.9), math.log(0.5)]]))


def test_log_probs_against_log_softmax_and_in_float32():
    logits, tokens = torch.randn(3, 7, 11, dtype=torch.bfloat16), torch.randint(11, (3, 7), dtype=torch.int32)
    log_probs = next_token_log_probs(logits, tokens, 1.7)
    assert log_probs.dtype == torch.float32
    reference = F.log_softmax(logits.double() / 1.7, -1)
    for b in range(3):
        for t in range(6):
            assert log_probs[b, t].item() == pytest.approx(reference[b, t, tokens[b, t + 1]].item(), abs=1e-5)


def test_masked_log_probs_are_those_of_the_whole_output_and_so_are_their_gradients(make_gpt):
    tokens, mask = torch.randint(11, (3, 7)), torch.rand(3, 6) > 0.5
    found = []
    for masked in (True, False):
        model = make_gpt()
        if masked:
            log_probs, logits = masked_log_probs(model, tokens, mask, 1.7)
            assert not log_probs[~mask].any()
            torch.testing.assert_close(logits, model(tokens)[:, :-1][mask])
        else:
            log_probs = next_token_log_probs(model(tokens), tokens, 1.7).masked_fill(~mask, 0.0)
        (log_probs * torch.arange(6.0)).sum().backward()
        found.append([log_probs, *(p.grad for p in model.parameters())])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)
    with pytest.raises(ValueError, match="expected \\(3, 6\\): one entry less"):
        masked_log_probs(make_gpt(), tokens, torch.ones(3, 7, dtype=torch.bool))
    with pytest.raises(ValueError, match="temperature is 0"):
        masked_log_probs(make_gpt(), tokens, mask, 0.0)


@pytest.mark.slow
def test_compiled_is_the_same_and_sampling_compiles_nothing(make_gpt):
    from torch._dynamo.utils import counters

    tokens, mask = torch.randint(11, (3, 7)), torch.rand(3, 6) > 0.5
    torch._dynamo.reset()
    counters.clear()
    found, graphs = [], []
    for compiled in (False, True):
        engine = Engine(EngineConfig(device="cpu", compile=compiled))
        model = engine.prepare(make_gpt())
        log_probs, logits = masked_log_probs(model, tokens, mask, 1.7)
        loss = language_model_loss(model(tokens), tokens) - log_probs.sum()
        loss.backward()
        graphs.append(counters["stats"]["unique_graphs"])
        with engine.unsharded(model):
            drawn = generate(model, [[3, 4], [5]], max_new_tokens=6, end_id=1, pad_id=0, temperature=0)
        assert counters["stats"]["unique_graphs"] == graphs[-1]  # a cache grows at every token
        found.append([loss, log_probs, logits, drawn.tokens.float(), *(p.grad for p in model.parameters())])
    assert graphs[0] == 0 < graphs[1]
    for plain, compiled in zip(*found, strict=True):
        torch.testing.assert_close(compiled, plain, atol=1e-4, rtol=1e-4)


def test_language_model_loss_by_hand():
    tokens = torch.tensor([[0, 1, 0]])
    assert language_model_loss(LOGITS, tokens).item() == pytest.approx(-(math.log(0.75) + math.log(0.5)) / 2)
    only_last = torch.tensor([[True, False, True]])  # the first token is never predicted, whatever its mask says
    assert language_model_loss(LOGITS, tokens, only_last).item() == pytest.approx(LN2)
    only_middle = torch.tensor([[False, True, False]])
    assert language_model_loss(LOGITS, tokens, only_middle).item() == pytest.approx(-math.log(0.75))


def test_loss_ignores_what_is_masked_even_nan():
    logits = torch.cat([LOGITS, torch.full((1, 2, 2), float("nan"))], dim=1)
    mask = torch.tensor([[False, True, True, False, False]])
    loss = language_model_loss(logits, torch.tensor([[0, 1, 0, 0, 0]]), mask)
    assert loss.item() == pytest.approx(-(math.log(0.75) + math.log(0.5)) / 2)


@pytest.mark.parametrize("masked", [True, False])
def test_micro_batches_give_the_gradient_of_the_batch(masked):
    logits, tokens = torch.randn(4, 6, 5), torch.randint(5, (4, 6))
    mask = torch.arange(6) < torch.tensor([2, 6, 3, 4])[:, None] if masked else None
    n_valid = 1 + 5 + 2 + 3 if masked else 4 * 5  # the first token is not predicted
    whole = logits.clone().requires_grad_()
    language_model_loss(whole, tokens, mask).backward()
    parts = logits.clone().requires_grad_()
    for rows in (slice(0, 1), slice(1, 4)):
        language_model_loss(parts[rows], tokens[rows], None if mask is None else mask[rows], n_valid=n_valid).backward()
    torch.testing.assert_close(parts.grad, whole.grad)


def test_entropy_by_hand():
    entropies = entropy(LOGITS)
    assert entropies.shape == (1, 3)
    assert entropies[0, 1].item() == pytest.approx(LN2)
    assert entropies[0, 0].item() == pytest.approx(0.25 * math.log(4) + 0.75 * math.log(4 / 3))
    assert entropy(LOGITS, temperature=0.5)[0, 0].item() == pytest.approx(0.1 * math.log(10) + 0.9 * math.log(10 / 9))


def test_exact_kl_by_hand():
    assert exact_kl(P.log(), Q.log()).item() == pytest.approx(KL_PQ, abs=1e-6)
    assert exact_kl(P.log() + 3, P.log()).item() == pytest.approx(0, abs=1e-6)  # logits are free up to a constant


@pytest.mark.parametrize("estimator", [k1, k3])
def test_estimators_average_to_the_exact_kl(estimator):
    # each token of the policy's two, weighted by the policy's own probability: the expectation without sampling
    average = (P * estimator(P.log(), Q.log())).sum()
    assert average.item() == pytest.approx(KL_PQ, abs=1e-6)
    assert (Q * estimator(Q.log(), P.log())).sum().item() == pytest.approx(exact_kl(Q.log(), P.log()).item(), abs=1e-6)


def test_estimators_token_by_token():
    # the first token is likelier under the reference: k1 = ln(5/9) < 0, k3 = 9/5 - 1 + ln(5/9)
    torch.testing.assert_close(k1(P.log(), Q.log()), torch.tensor([math.log(5 / 9), math.log(5)]))
    torch.testing.assert_close(k3(P.log(), Q.log()), torch.tensor([0.8 + math.log(5 / 9), 0.2 - 1 + math.log(5)]))
    assert (k3(torch.randn(100), torch.randn(100)) >= 0).all()


def test_messages():
    with pytest.raises(ValueError, match=r"\(1, 3, 2\) do not belong to tokens of shape \(1, 4\)"):
        next_token_log_probs(LOGITS, torch.zeros(1, 4, dtype=torch.long))
    with pytest.raises(ValueError, match="temperature is 0, expected more than 0"):
        next_token_log_probs(LOGITS, torch.zeros(1, 3, dtype=torch.long), temperature=0)


STAGES = ("generate", "pretrain", "sft", "reward", "rollout", "ppo", "evaluate")
# Tensors with an entry a token are brought to (B, T - 1) by these and no other slices: masks drop the first token, which is
# never predicted; what is read before a token is drawn (values, entropy) drops the last position.
ALIGNMENTS = (r"\w+\.response_mask\[:, 1:\]", r"value_model\(tokens\)\[:, :-1\]", r"logits\[:, :-1\]")


def _shifts(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.slice).strip("()").replace(" ", "").startswith((":,1:", ":,:-1")):
            yield ast.unparse(node)


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_shifts_or_normalises_on_its_own(stage):
    tree = ast.parse((Path(rlhf_lite.__file__).parent / f"{stage}.py").read_text(encoding="utf-8"))
    assert not [shift for shift in _shifts(tree) if not any(re.fullmatch(known, shift) for known in ALIGNMENTS)]
    called = {node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    assert not called & {"log_softmax", "cross_entropy", "nll_loss", "roll"}  # log-probs come from likelihood alone


def test_the_search_for_shifts_finds_them():
    found = _shifts(ast.parse("a = x[:, 1:] + y[:, :-1]; b = z[:, 1:5, 0]; c = w[1:]; d = v[:, 2:]"))
    assert set(found) == {"x[:, 1:]", "y[:, :-1]", "z[:, 1:5, 0]"}


def test_a_text_of_one_token_has_no_log_prob(make_gpt):
    log_probs, logits = masked_log_probs(make_gpt(), torch.tensor([[3]]), torch.zeros(1, 0, dtype=torch.bool))
    assert log_probs.shape == (1, 0) and logits.shape == (0, 11)


def test_masked_log_probs_leave_the_output_layer_in_float32_whatever_the_model_computes_in(make_gpt):
    model, tokens = make_gpt(), torch.randint(11, (3, 7))
    mask = torch.ones(3, 6, dtype=torch.bool)
    with torch.no_grad():
        model.final_norm.bias[0] += 100.0
        model.token_embedding.weight[:, 0] = -1.0  # logits near -100, where bfloat16 knows steps of 0.5 only
        with torch.autocast("cpu", torch.bfloat16):
            log_probs, logits = masked_log_probs(model, tokens, mask, 0.7)
            hidden = model.hidden(tokens)
    exact = next_token_log_probs(hidden.double() @ model.token_embedding.weight.double().T, tokens, 0.7)
    assert logits.dtype == log_probs.dtype == torch.float32
    torch.testing.assert_close(log_probs, exact.float(), atol=1e-3, rtol=1e-4)
