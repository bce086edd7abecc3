"""All turns of the assistant are learnt, and nothing else; history is cut between exchanges; arms are equal.

Proves: the mask marks each answer with its end token, in the places of the tokens that `encode_prompt` gives; a dialogue of one
exchange is a demonstration; the loss is the one by hand; each dialogue is read once in training, a step takes of each source its
share, and the loss falls; what is kept fits, begins with the user and is the longest that fits; the first exchange stays where
it can; both arms of the study learn the same answers.
"""

import pytest
import torch

from rlhf_lite.course.lesson_15 import chat_study, dialogue_training
from rlhf_lite.course.lesson_15.dialogue_training import (
    EncodedDialogue,
    as_dialogue,
    collate_dialogues,
    encode_dialogue,
    train_dialogues,
)
from rlhf_lite.course.lesson_15.exercises_dialogues import dialogue_loss
from rlhf_lite.course.lesson_15.history import keep_first_and_last, keep_last, n_tokens
from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.records import Demonstration, collate_examples, encode_demonstrations
from rlhf_lite.sft import sft_loss
from rlhf_lite.tokenizer import Tokenizer

TALK = [
    {"role": "user", "content": "Hello, I am Eva."}, {"role": "assistant", "content": "Hello Eva."},
    {"role": "user", "content": "Who are you?"}, {"role": "assistant", "content": "I do not know."},
    {"role": "user", "content": "Good bye."}, {"role": "assistant", "content": "Good bye, Eva."},
]  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train([message["content"] for message in TALK], 300)


def tiny(tokenizer, context_length=128):
    torch.manual_seed(0)
    return GPT(
        GPTConfig(vocab_size=tokenizer.vocab_size, context_length=context_length, d_model=16, n_layers=1, n_heads=2, d_ff=32)
    )


def test_the_mask_marks_every_answer_with_its_end_and_nothing_else(tokenizer):
    encoded = encode_dialogue(TALK, tokenizer)
    assert len(encoded.ids) == len(encoded.mask) and encoded.n_answers == 3
    learnt = [i for i, m in zip(encoded.ids, encoded.mask, strict=True) if m]
    assert tokenizer.decode_with_special(learnt) == " Hello Eva.<|end|> I do not know.<|end|> Good bye, Eva.<|end|>"
    read = tokenizer.decode([i for i, m in zip(encoded.ids, encoded.mask, strict=True) if not m])
    assert "I am Eva" in read and "I do not know" not in read and read.count("Assistant:") == 3
    assert encoded.ids[: len(tokenizer.encode_prompt(TALK[:5]))] == tokenizer.encode_prompt(TALK[:5])


def test_a_dialogue_of_one_exchange_is_a_demonstration(tokenizer):
    demonstration = Demonstration("Hello, I am Eva.", "Hello Eva.")
    (example,), _ = encode_demonstrations([demonstration], tokenizer, 128)
    encoded = encode_dialogue(as_dialogue(demonstration), tokenizer)
    assert encoded.ids == example.ids and encoded.n_answers == 1
    ours, theirs = collate_dialogues([encoded], tokenizer.pad_id), collate_examples([example], tokenizer.pad_id)
    assert torch.equal(ours.response_mask, theirs.response_mask)
    assert as_dialogue(Demonstration(TALK[:3], "No.")) == [*TALK[:3], {"role": "assistant", "content": "No."}]


def test_a_dialogue_must_end_with_the_assistant(tokenizer):
    for messages in (TALK[:5], []):
        with pytest.raises(ValueError, match="ends with a message of the assistant"):
            encode_dialogue(messages, tokenizer)


def test_padding_is_not_learnt_and_the_loss_is_the_readers(tokenizer):
    batch = collate_dialogues([encode_dialogue(TALK, tokenizer), encode_dialogue(TALK[:2], tokenizer)], tokenizer.pad_id)
    assert batch.tokens.shape == batch.response_mask.shape
    assert not batch.response_mask[batch.tokens == tokenizer.pad_id].any()
    model = tiny(tokenizer)
    log_probs = model(batch.tokens)[:, :-1].log_softmax(-1).gather(-1, batch.tokens[:, 1:, None]).squeeze(-1)
    torch.testing.assert_close(sft_loss(model, batch)[0], dialogue_loss(log_probs, batch.response_mask))


def test_training_reads_each_once_and_of_each_source_its_share(tokenizer, monkeypatch):
    seen = []

    def collate(chosen, pad_id):
        seen.append([each.ids[0] for each in chosen])
        return collate_dialogues(chosen, pad_id)

    monkeypatch.setattr(dialogue_training, "collate_dialogues", collate)
    first = [EncodedDialogue([n, 7, 8], [False, True, True]) for n in range(10, 16)]
    second = [EncodedDialogue([n, 7, 9], [False, True, True]) for n in range(20, 29)]
    losses = train_dialogues(tiny(tokenizer), [first, second], steps=3, pad_id=0, seed=1, show_progress=False)
    assert [len(step) for step in seen] == [5, 5, 5] and all(sum(n < 20 for n in step) == 2 for step in seen)
    assert sorted(n for step in seen for n in step) == [*range(10, 16), *range(20, 29)]
    assert len(losses) == 3


def test_it_learns(tokenizer):
    model, talk = tiny(tokenizer), encode_dialogue(TALK, tokenizer)
    losses = train_dialogues(
        model, [[talk] * 120], steps=60, pad_id=tokenizer.pad_id, seed=0, learning_rate=1e-2, show_progress=False
    )
    assert losses[-1] < 0.3 * losses[0] and not model.training


def test_too_few_dialogues_are_refused(tokenizer):
    with pytest.raises(ValueError, match="5 steps, but a source has 3 dialogues"):
        train_dialogues(tiny(tokenizer), [[encode_dialogue(TALK, tokenizer)] * 3], steps=5, pad_id=0, seed=0)


LONG = TALK * 3 + [{"role": "user", "content": "Who are you?"}]


@pytest.mark.parametrize("room", [25, 60, 100, 10_000])
def test_what_is_kept_is_the_longest_end_that_fits(tokenizer, room):
    kept = keep_last(LONG, tokenizer, room)
    assert kept == LONG[-len(kept) :] and kept[0]["role"] == "user" and n_tokens(kept, tokenizer) <= room
    assert len(kept) == len(LONG) or n_tokens(LONG[-len(kept) - 2 :], tokenizer) > room


def test_exactly_full_is_kept(tokenizer):
    assert keep_last(LONG, tokenizer, n_tokens(LONG, tokenizer)) == LONG
    assert keep_last(LONG, tokenizer, n_tokens(LONG, tokenizer) - 1) == LONG[2:]


def test_a_message_that_is_too_long_is_said_to_be(tokenizer):
    with pytest.raises(ValueError, match="the last message has .* room for 5"):
        keep_last(LONG, tokenizer, 5)


def test_the_first_exchange_stays_where_it_can(tokenizer):
    kept = keep_first_and_last(LONG, tokenizer, 90)
    assert kept[:2] == LONG[:2] and kept[2:] == LONG[-len(kept) + 2 :] and n_tokens(kept, tokenizer) <= 90
    assert 3 < len(kept) < len(LONG)
    assert keep_first_and_last(LONG, tokenizer, 10_000) == LONG
    only_last = n_tokens(LONG[-1:], tokenizer)
    assert keep_first_and_last(LONG, tokenizer, only_last) == LONG[-1:]


def test_both_arms_learn_the_same_answers_as_often():
    tokenizer = Tokenizer.load(chat_study.course_folder() / "data/checkpoints/tokenizer.json")
    mixed, alone = (chat_study.sources_of(arm, tokenizer, "test", 2) for arm in ("mixed", "alone"))

    def answers(source):
        text = [tokenizer.decode_with_special([i if m else tokenizer.pad_id for i, m in zip(each.ids, each.mask, strict=True)])
                for each in source]  # fmt: skip
        return sorted(part for each in text for part in each.replace("<|pad|>", "|").split("|") if part.strip("<>end|"))

    assert [len(each) for each in mixed] == [16, 48] and [len(each) for each in alone] == [48, 48]
    assert answers(mixed[0]) == answers(alone[0]) and mixed[1] == alone[1]
    assert all(each.n_answers == 3 for each in mixed[0]) and all(each.n_answers == 1 for each in alone[0])
    (only,) = chat_study.sources_of("dialogues", tokenizer, "test", 2)
    assert sum(each.n_answers for each in only) == sum(each.n_answers for source in mixed for each in source)
