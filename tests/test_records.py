"""Rows become padded batches: demonstrations, comparisons and prompts, from text to token ids.

Proves: values by hand with a tokenizer whose tokens are letters; masks and lengths are right where pad and end ids stand inside
a prompt; rows that do not fit are dropped whole, and counted, never cut.
"""

import pytest

from rlhf_lite import records
from rlhf_lite.records import Comparison, Demonstration, Prompt
from rlhf_lite.tokenizer import Tokenizer

PAD, END = 0, 1


class Letters:
    """A tokenizer whose tokens are letters, a = 2, b = 3, ..., and which has no template: values can be read off."""

    pad_id, end_id = PAD, END

    def encode(self, text):
        return [ord(letter) - ord("a") + 2 for letter in text]

    encode_prompt = encode

    def encode_example(self, prompt, response):
        return [*self.encode(prompt + response), END], len(prompt)


def test_demonstrations_by_hand():
    rows = [Demonstration("ab", "c"), Demonstration("a", "bcde"), Demonstration("a", "bcd")]
    examples, n_dropped = records.encode_demonstrations(rows, Letters(), context_length=5)
    assert n_dropped == 1  # a b c d e END: six tokens; a b c d END are five and stay
    assert examples == [records.Example([2, 3, 4, END], 2), records.Example([2, 3, 4, 5, END], 1)]
    batch = records.collate_examples(examples, PAD)
    assert batch.tokens.tolist() == [[2, 3, 4, END, PAD], [2, 3, 4, 5, END]]
    assert batch.response_mask.int().tolist() == [[0, 0, 1, 1, 0], [0, 1, 1, 1, 1]]  # the end token is trained on


def test_masks_follow_lengths_where_ids_mislead():
    """An earlier answer puts end tokens into the prompt: a mask made by looking for them would start or stop there."""
    tokenizer = Tokenizer.train(["a"], 258)
    assert (tokenizer.pad_id, tokenizer.end_id) == (PAD, END)
    messages = [{"role": role, "content": "hi"} for role in ("user", "assistant", "user")]
    rows = [Demonstration(messages, "yes"), Demonstration("a" * 80, "no")]
    examples, _ = records.encode_demonstrations(rows, tokenizer, context_length=200)
    examples.append(records.Example([PAD, END, PAD, PAD, 9, END], prompt_length=3))
    batch = records.collate_examples(examples, tokenizer.pad_id)
    assert END in batch.tokens[0][~batch.response_mask[0]]
    responses = [row[mask].tolist() for row, mask in zip(batch.tokens, batch.response_mask, strict=True)]
    assert responses == [[*tokenizer.encode(" yes"), END], [*tokenizer.encode(" no"), END], [PAD, 9, END]]


def test_comparisons_by_hand():
    rows = [
        Comparison("a", ("b", "cd", "e"), (1, 0, 1)),
        Comparison("ab", ("c", "def"), (0, 1)),
        Comparison("a", ("bc", "c"), (1, 0)),
    ]
    encoded, n_dropped = records.encode_comparisons(rows, Letters(), context_length=4)
    assert n_dropped == 1  # a b d e f END is too long, and its whole comparison goes
    assert encoded[1] == records.EncodedComparison(([2, 3, 4, END], [2, 4, END]), (1, 0))
    batch = records.collate_comparisons(encoded, PAD)
    assert batch.tokens.tolist() == [[2, 3, 1, 0], [2, 4, 5, 1], [2, 6, 1, 0], [2, 3, 4, 1], [2, 4, 1, 0]]
    assert batch.lengths.tolist() == [3, 4, 3, 4, 3]
    assert batch.prompt_index.tolist() == [0, 0, 0, 1, 1]
    assert batch.ranks.tolist() == [1, 0, 1, 1, 0]


def test_prompts_of_every_kind():
    tokenizer = Tokenizer.train(["a"], 258)
    prompts = [Prompt("hi"), "hi", [{"role": "user", "content": "hi"}], "x" * 100]
    ids, n_dropped = records.encode_prompts(prompts, tokenizer, max_prompt_length=40)
    assert ids == [tokenizer.encode_prompt("hi")] * 3 and n_dropped == 1


@pytest.mark.parametrize(
    ("encode", "rows", "message"),
    [
        (records.encode_demonstrations, [Demonstration("a", "bc")], "none of the 1 demonstrations fits in 3 tokens"),
        (records.encode_comparisons, [Comparison("a", ("bc", "b"), (0, 1))], "none of the 1 comparisons fits in 3 tokens"),
        (records.encode_prompts, ["abcd"], "none of the 1 prompts fits in 3 tokens; the shortest has 4"),
        (records.encode_prompts, [], "none of the 0 prompts fits in 3 tokens"),
    ],
)
def test_nothing_left_is_an_error(encode, rows, message):
    with pytest.raises(ValueError, match=message):
        encode(rows, Letters(), 3)
