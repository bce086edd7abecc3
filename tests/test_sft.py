"""Fine-tuning teaches the answers and nothing else: the mask holds the answer with its end token and no prompt.

Proves besides: the mask comes from one tokenisation of prompt and answer; a micro-batch's gradients add up; a toy set is
learnt by heart, the stop included; a stopped run goes on bit for bit.
"""

from dataclasses import replace

import pytest
import torch

from rlhf_lite.checkpoint import TrainingRun
from rlhf_lite.data import window_batch
from rlhf_lite.generate import generate
from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.likelihood import language_model_loss, next_token_log_probs
from rlhf_lite.optim import OptimConfig
from rlhf_lite.records import Demonstration, Example, collate_examples, encode_demonstrations
from rlhf_lite.sft import SFTConfig, sft_loss, train_sft
from rlhf_lite.tokenizer import Tokenizer

PAD, END = 0, 1
EXAMPLES = [
    Example([3, 4, 5, 6, END], prompt_length=3),
    Example([7, 8, 9, END], prompt_length=1),
    Example([PAD, END, PAD, 5, 5, 2, END], prompt_length=3),  # pad and end ids in the prompt
]


def log_prob(model, ids, t):
    """Score token t of one sequence, read alone."""
    return model(torch.tensor([ids]))[0, t - 1].log_softmax(-1)[ids[t]]


def test_loss_is_the_mean_over_answer_tokens_with_their_ends(make_gpt):
    model = make_gpt()
    loss, metrics = sft_loss(model, collate_examples(EXAMPLES, PAD))
    places = [(0, 3), (0, 4), (1, 1), (1, 2), (1, 3), (2, 3), (2, 4), (2, 5), (2, 6)]
    expected = -sum(log_prob(model, EXAMPLES[row].ids, t) for row, t in places) / 9
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    assert metrics == {"loss": loss.item()}


def test_loss_does_not_change_with_padding_or_order(make_gpt):
    model = make_gpt()
    loss = sft_loss(model, collate_examples(EXAMPLES, PAD))[0].item()
    assert sft_loss(model, collate_examples(EXAMPLES, pad_id=9))[0].item() == pytest.approx(loss, abs=1e-5)
    assert sft_loss(model, collate_examples(EXAMPLES[::-1], PAD))[0].item() == pytest.approx(loss, abs=1e-5)


def test_mask_comes_from_one_tokenisation_and_keeps_the_end_token(make_gpt):
    texts = ["User: what is red?\nAssistant: a rose is red."] * 5
    tokenizer = Tokenizer.train(texts, 300)
    [example], dropped = encode_demonstrations([Demonstration(prompt="what is red?", response="a rose is red.")], tokenizer, 99)
    assert dropped == 0
    batch = collate_examples([example, Example([5] * 60, 2)], tokenizer.pad_id)
    whole = tokenizer.encode("User: what is red?\nAssistant: a rose is red.")
    assert example.ids == [*whole, tokenizer.end_id]  # cut into tokens once, not prompt and answer apart
    learnt = batch.tokens[0][batch.response_mask[0]].tolist()
    assert learnt[-1] == tokenizer.end_id and learnt.count(tokenizer.end_id) == 1
    assert tokenizer.decode(learnt) == " a rose is red."
    # what the loss sees: only positions from the last prompt token to the one before the end get a gradient
    model = make_gpt(vocab_size=tokenizer.vocab_size, context_length=64)
    seen = []
    model.final_norm.register_forward_hook(lambda *parts: (parts[-1].retain_grad(), seen.append(parts[-1]))[0])
    sft_loss(model, collate_examples([example], tokenizer.pad_id))[0].backward()
    learnt_from = seen[0].grad[0].abs().sum(-1).nonzero().flatten().tolist()
    assert learnt_from == list(range(example.prompt_length - 1, len(example.ids) - 1))


def gradients(model):
    found = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    return found


def test_micro_batches_give_the_gradient_of_the_batch(make_gpt):
    model = make_gpt()
    sft_loss(model, collate_examples(EXAMPLES, PAD))[0].backward()
    whole = gradients(model)
    for part in (EXAMPLES[:2], EXAMPLES[2:]):  # 5 and 4 answer tokens, and of another width than the batch
        sft_loss(model, collate_examples(part, PAD), n_valid=9)[0].backward()
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(gradient, whole[name], atol=1e-6, rtol=1e-4)


def test_learns_a_toy_set_by_heart_and_stops():
    model = GPT(GPTConfig(vocab_size=10, context_length=12, d_model=32, n_layers=1, n_heads=2))
    config = SFTConfig(epochs=60, batch_size=2, optim=OptimConfig(learning_rate=1e-2))
    run = TrainingRun(None, show_progress=False)
    train_sft(model, EXAMPLES, config, pad_id=PAD, seed=0, run=run)
    assert len(run.history) == 90 and run.history[-1]["loss"] < 0.02
    prompts = [each.ids[: each.prompt_length] for each in EXAMPLES]
    answers = generate(model, prompts, max_new_tokens=5, end_id=END, pad_id=PAD, temperature=0)
    assert answers.responses() == [each.ids[each.prompt_length :] for each in EXAMPLES]
    assert answers.finished.all()


def test_prompts_are_not_learnt():
    model = GPT(GPTConfig(vocab_size=10, context_length=12, d_model=32, n_layers=1, n_heads=2))
    examples = [Example([3, 4, 3, 4, 3, 4, 7, END], prompt_length=6)]
    config = SFTConfig(epochs=60, batch_size=1, optim=OptimConfig(learning_rate=1e-2))
    train_sft(model, examples, config, pad_id=PAD, seed=0, run=TrainingRun(None, show_progress=False))
    log_probs = next_token_log_probs(model(torch.tensor([examples[0].ids])), torch.tensor([examples[0].ids]))[0]
    assert log_probs[5:].min() > -0.05  # the answer is certain
    assert log_probs[:5].max() < -1  # the prompt, though easy, is not


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_stopped_at_any_step_and_resumed_is_bit_identical(assert_resumes, dropout):
    def train(run):
        torch.manual_seed(5)
        model = GPT(GPTConfig(vocab_size=10, context_length=12, d_model=16, n_layers=1, n_heads=2, dropout=dropout))
        config = SFTConfig(epochs=3, batch_size=2, eval_every=2)
        # this evaluation samples with the global random numbers, so that they must be restored as well
        sample = {"max_new_tokens": 3, "end_id": END, "pad_id": PAD}
        train_sft(model, EXAMPLES, config, pad_id=PAD, seed=1, run=run,
                  evaluate=lambda m: {"sampled": generate(m, [[3]] * 4, **sample).tokens.sum().item()})  # fmt: skip
        return [model]

    assert_resumes(train, total=4)  # 3 epochs of 3 examples in batches of 2: round(4.5)


def test_messages(make_gpt):
    with pytest.raises(ValueError, match="epochs 0 must be > 0"):
        SFTConfig(epochs=0)
    with pytest.raises(ValueError, match="batch_size 0 >= 1"):
        SFTConfig(batch_size=0)
    with pytest.raises(ValueError, match="no demonstrations to learn from"):
        train_sft(make_gpt(), [], SFTConfig(), pad_id=PAD, seed=0, run=TrainingRun(None))


def test_the_logged_loss_is_the_loss_of_the_batch_with_and_without_prompts(make_gpt):
    examples = [*EXAMPLES, Example([2, 3, END], prompt_length=0)]  # the first token of a text is never predicted
    run, model = TrainingRun(None, show_progress=False), make_gpt()
    expected = sft_loss(model, collate_examples(examples, PAD))[0].item()
    train_sft(model, examples, SFTConfig(epochs=1, batch_size=4), pad_id=PAD, seed=0, run=run)
    assert run.history[0]["loss"] == pytest.approx(expected, rel=1e-5)


def test_dropout_is_on_while_training():
    model, modes = GPT(GPTConfig(vocab_size=10, context_length=12, d_model=16, n_layers=1, n_heads=2, dropout=0.5)).eval(), []
    model.final_norm.register_forward_hook(lambda module, *_: modes.append(module.training))
    train_sft(model, EXAMPLES, SFTConfig(epochs=1, batch_size=3), pad_id=PAD, seed=0, run=TrainingRun(None, show_progress=False))
    assert modes == [True]


def test_pretraining_text_keeps_its_share_of_windows_and_of_the_gradient(make_gpt):
    text, start = torch.arange(10).repeat(8), {}
    config = SFTConfig(epochs=1, batch_size=3, pretraining_share=0.4, pretraining_length=7)
    model = make_gpt()
    sft_loss(model, collate_examples(EXAMPLES, PAD))[0].backward()
    start["answers"] = gradients(model)
    windows = window_batch(text, 0, 2, 7, seed=0)  # 3 demonstrations are 0.6 of the sequences, 2 windows the rest
    language_model_loss(model(windows), windows).backward()
    start["text"] = gradients(model)
    expected = torch.cat([(0.6 * a + 0.4 * b).flatten() for a, b in zip(*(g.values() for g in start.values()), strict=True)])

    model, run = make_gpt(), TrainingRun(None, show_progress=False)
    config = replace(config, optim=OptimConfig(learning_rate=1e-9, max_grad_norm=1e9))
    train_sft(model, EXAMPLES, config, pad_id=PAD, seed=0, run=run, pretraining_tokens=text)
    row = run.history[0]
    assert row["grad_norm"] == pytest.approx(expected.norm().item(), rel=1e-4)
    assert row["pretraining_loss"] == pytest.approx(language_model_loss(make_gpt()(windows), windows).item(), rel=1e-5)


def test_without_pretraining_text_or_share_none_is_mixed_in(make_gpt):
    histories = []
    for share, text in ((0.1, None), (0.0, torch.arange(10).repeat(20)), (0.1, torch.arange(10).repeat(20))):
        run = TrainingRun(None, show_progress=False)
        config = SFTConfig(epochs=2, batch_size=3, pretraining_share=share, pretraining_length=8)
        train_sft(make_gpt(), EXAMPLES, config, pad_id=PAD, seed=0, run=run, pretraining_tokens=text)
        histories.append([row["loss"] for row in run.history])
    assert histories[0] == histories[1] != histories[2]
    with pytest.raises(ValueError, match="pretraining_share is 1, expected 0 to less than 1"):
        SFTConfig(pretraining_share=1)
