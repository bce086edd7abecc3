"""Sampling is what it says: the batched sampler with its cache gives the tokens of a plain loop, one prompt at a time.

Proves besides: masks come from lengths, so prompts may hold pad and end ids and answers may hold sampled pad ids; an
answer ends at its first end token; distributions agree with values by hand and draws with the distributions.
"""

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from rlhf_lite.data import seeded_generator
from rlhf_lite.generate import draw, generate, next_token_probs

PAD, END = 0, 1
PROMPTS = [[3, 1, 4, 1, 5], [9, 2], [6, 5, 3, 5], [PAD, 7, PAD, 8, 9, END], [END], [PAD]]
LOGITS = torch.tensor([[0.4, 0.3, 0.2, 0.1]]).log()


def plain_loop(model, prompts, uniforms, **sampling):
    """Sample the slow way: no cache, no batch, no padding."""
    answers = []
    for prompt, row in zip(prompts, uniforms, strict=True):
        tokens = list(prompt)
        for uniform in row:
            probs = next_token_probs(model(torch.tensor([tokens]))[:, -1], **sampling)
            tokens.append(draw(probs, uniform[None]).item())
            if tokens[-1] == END:
                break
        answers.append(tokens[len(prompt) :])
    return answers


SAMPLINGS = [
    {"temperature": 0.0},
    {"temperature": 1.0},
    {"temperature": 2.5},
    {"temperature": 1.5, "top_k": 4},
    {"temperature": 2.0, "top_p": 0.8},
]


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cache_and_batch_give_the_tokens_of_a_plain_loop(make_gpt, sampling, seed):
    model = make_gpt(seed, std=0.4)
    uniforms = torch.rand(len(PROMPTS), 12, generator=seeded_generator(seed))
    ours = generate(model, PROMPTS, max_new_tokens=12, end_id=END, pad_id=PAD, generator=seeded_generator(seed), **sampling)
    assert ours.responses() == plain_loop(model, PROMPTS, uniforms, **sampling)


@pytest.mark.parametrize("prompts", [PROMPTS * 5, [[3, 1, 4], [9, 2, 6], [END, 5, 3]] * 10], ids=["padded", "equally long"])
def test_rows_that_end_one_after_another_leave_the_others_as_they_were(make_gpt, prompts):
    model = make_gpt(1, std=0.4)
    uniforms = torch.rand(len(prompts), 14, generator=seeded_generator(1))
    ours = generate(model, prompts, max_new_tokens=14, end_id=END, pad_id=PAD, temperature=1.5, uniforms=uniforms)
    assert ours.responses() == plain_loop(model, prompts, uniforms, temperature=1.5)
    assert len(set(ours.lengths.tolist())) > 3  # so rows left more than once
    gone_first = ours.lengths.argsort()[:5].tolist()
    assert gone_first != sorted(gone_first)  # and others took their places, out of order


def test_answers_can_be_learned_from(make_gpt):
    model = make_gpt(0)
    answers = generate(model, PROMPTS, max_new_tokens=3, end_id=END, pad_id=PAD, generator=seeded_generator(0))
    loss = model(answers.tokens).logsumexp(-1)[answers.tokens != PAD].sum()
    loss.backward()  # PyTorch refuses tensors of its inference mode here
    assert model.token_embedding.weight.grad.abs().sum() > 0


def test_under_autocast_weights_are_converted_once_not_at_every_token(make_gpt):
    def conversions(n_tokens):
        with profile(activities=[ProfilerActivity.CPU]) as profiled, torch.autocast("cpu", torch.bfloat16):
            generate(model, [[3, 1, 4]], max_new_tokens=n_tokens, end_id=-1, pad_id=PAD)
        return sum(event.count for event in profiled.key_averages() if event.key == "aten::_to_copy")

    model = make_gpt(0)
    n_weights = sum(1 for name, _ in model.blocks.named_parameters() if "norm" not in name)
    assert conversions(5) - conversions(4) < n_weights  # what is left are activations


def sample(model, prompts, max_new_tokens, temperature=1.0):
    sampling = {"max_new_tokens": max_new_tokens, "temperature": temperature, "generator": seeded_generator(0)}
    return generate(model, prompts, end_id=END, pad_id=PAD, **sampling)


def sample_many(model):
    return sample(model, PROMPTS * 8, 10, temperature=2.0)


def test_masks_come_from_lengths(make_gpt):
    answers = sample_many(make_gpt())
    assert (answers.tokens[answers.response_mask] == PAD).any()  # a sampled pad id is a token like any other
    for row, prompt in enumerate(PROMPTS * 8):
        response = answers.responses()[row]
        n_prompt, n_all = len(prompt), len(prompt) + len(response)
        assert answers.tokens[row].tolist()[:n_all] == prompt + response
        assert answers.tokens[row, n_all:].eq(PAD).all()
        expected = [n_prompt <= t < n_all for t in range(answers.tokens.shape[1])]
        assert answers.response_mask[row].tolist() == expected


def test_an_answer_ends_with_its_first_end_token(make_gpt):
    answers = sample_many(make_gpt())
    finished = 0
    for row, response in enumerate(answers.responses()):
        assert END not in response[:-1]
        assert answers.finished[row].item() == (response[-1] == END)
        assert response[-1] == END or len(response) == 10
        finished += response[-1] == END
    assert 0 < finished < len(PROMPTS) * 8  # both kinds were seen
    last = answers.lengths - 1
    assert answers.response_mask.gather(1, last[:, None]).all()  # the end token is inside the mask


def test_an_answer_does_not_depend_on_its_neighbours(make_gpt):
    model = make_gpt()
    together = sample(model, PROMPTS, 8).responses()
    others = [*PROMPTS[:-1], [2] * 16]  # another last prompt, more padding for all
    assert sample(model, others, 8).responses()[:-1] == together[:-1]


def test_dropout_is_off_while_sampling_and_training_mode_comes_back(make_gpt):
    model, plain = make_gpt(dropout=0.5).train(), make_gpt()
    assert sample_many(model).responses() == sample_many(plain).responses()
    assert model.training and not plain.training


def test_a_context_may_be_filled_to_the_last_token(make_gpt):
    answers = generate(make_gpt(), [[3] * 4], max_new_tokens=20, end_id=99, pad_id=PAD)  # 24 = the context; 99 never comes
    assert answers.tokens.shape == (1, 24) and not answers.finished.any()


def test_temperature_by_hand():
    # temperature 1/2 squares the probabilities: 0.16, 0.09, 0.04, 0.01 over their sum 0.3
    torch.testing.assert_close(next_token_probs(LOGITS, 0.5), torch.tensor([[16.0, 9, 4, 1]]) / 30)
    assert next_token_probs(LOGITS, 0).tolist() == [[1, 0, 0, 0]]


def test_top_k_by_hand():
    torch.testing.assert_close(next_token_probs(LOGITS, top_k=2), torch.tensor([[4.0, 3, 0, 0]]) / 7)
    torch.testing.assert_close(next_token_probs(LOGITS, top_k=9), LOGITS.exp())
    # after the temperature: 16, 9 of 25
    torch.testing.assert_close(next_token_probs(LOGITS, 0.5, top_k=2), torch.tensor([[16.0, 9, 0, 0]]) / 25)


def test_top_p_1_cuts_nothing():
    logits = 3 * torch.randn(4, 5000, generator=torch.Generator().manual_seed(0))  # the sum passes 1 before the last token
    assert torch.equal(next_token_probs(logits, top_p=1.0), next_token_probs(logits))


@pytest.mark.parametrize(("top_p", "kept"), [(0.05, 1), (0.39, 1), (0.41, 2), (0.69, 2), (0.75, 3), (0.95, 4), (1.0, 4)])
def test_top_p_keeps_the_smallest_set_that_reaches_it(top_p, kept):
    # sums of the most likely: 0.4, 0.7, 0.9, 1
    order = torch.tensor([2, 0, 3, 1])  # not already sorted
    expected = torch.where(torch.arange(4) < kept, LOGITS.exp(), 0)
    expected = expected / expected.sum()
    torch.testing.assert_close(next_token_probs(LOGITS[:, order], top_p=top_p), expected[:, order])


def test_top_p_stops_where_the_sum_is_reached_exactly():
    halves = torch.tensor([[0.5, 0.25, 0.25]]).log()
    assert next_token_probs(halves, top_p=0.5).tolist() == [[1, 0, 0]]  # "at least" 0.5: one token is enough
    assert next_token_probs(halves, top_p=0.75)[0].count_nonzero() == 2


def test_draws_have_the_frequencies_of_the_distribution():
    probs = torch.tensor([0.0, 0.5, 0.0, 0.125, 0.375, 0.0])
    uniforms = (torch.arange(800) + 0.5) / 800  # evenly spread, so that the counts are exact
    drawn = draw(probs.expand(800, -1), uniforms)
    assert drawn.bincount(minlength=6).tolist() == [0, 400, 0, 100, 300, 0]


def test_draws_at_the_edges_have_a_probability():
    probs = torch.tensor([[0.0, 0.3, 0.0, 0.7, 0.0]]).repeat(3, 1)
    assert draw(probs, torch.tensor([0.0, 0.3 + 1e-6, 1 - 2**-24])).tolist() == [1, 3, 3]


def test_sampled_frequencies_follow_the_model(make_gpt):
    model = make_gpt()
    answers = sample(model, [[3, 4]] * 4000, 1, temperature=2.0)
    seen = answers.tokens[:, 2].bincount(minlength=11) / 4000
    expected = next_token_probs(model(torch.tensor([[3, 4]]))[:, -1], 2.0)[0]
    assert expected.max() < 0.6
    three_deviations = 3 * (expected * (1 - expected) / 4000).sqrt() + 1e-3
    assert ((seen - expected).abs() < three_deviations).all()


def test_messages(make_gpt):
    for setting, message in [
        ({"temperature": -1}, "temperature is -1, expected 0"),
        ({"top_k": 0}, "top_k is 0, expected at least 1"),
        ({"top_p": 0.0}, "top_p is 0.0, expected 0 < top_p <= 1"),
        ({"top_p": 1.5}, "top_p is 1.5, expected 0 < top_p <= 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            next_token_probs(LOGITS, **setting)
    fixed = {"end_id": END, "pad_id": PAD}
    with pytest.raises(ValueError, match="at least one prompt"):
        generate(make_gpt(), [], max_new_tokens=1, **fixed)
    with pytest.raises(ValueError, match="at least one token in each"):
        generate(make_gpt(), [[3], []], max_new_tokens=1, **fixed)
    with pytest.raises(ValueError, match="max_new_tokens is 0, expected at least 1"):
        generate(make_gpt(), [[3]], max_new_tokens=0, **fixed)
    with pytest.raises(ValueError, match=r"prompt of 5 tokens and 20 new ones do not fit into context_length 24.*prompt to 4"):
        generate(make_gpt(), [[3] * 5], max_new_tokens=20, **fixed)
