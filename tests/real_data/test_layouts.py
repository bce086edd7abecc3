"""The layouts that people have become this library's records, and no row is misread.

Proves: every layout of TRL, OpenAI's parts, Alpaca's, hh-rlhf's and full-hh-rlhf's gives the record written beside it, from a
JSON array as from JSON lines; a dialogue that comes as one text never enters the template a second time; rows that mean
more than is read (labels, contexts, tools, other prompts) are refused; known layouts are named, with a row to write.
"""

import json

import pytest

from rlhf_lite.real_data.row_files import read_comparisons, read_demonstrations, read_prompts
from rlhf_lite.records import Comparison, Demonstration, Prompt
from rlhf_lite.tokenizer import Tokenizer

USER, BLUE = {"role": "user", "content": "Name a color."}, {"role": "assistant", "content": "Blue."}
DOG, SYSTEM = {"role": "assistant", "content": "A dog."}, {"role": "system", "content": "Be kind."}
NEXT = {"role": "user", "content": "Another."}
HH = "\n\nHuman: Name a color.\n\nAssistant:"
PARTS = [{"type": "text", "text": "Name "}, {"type": "text", "text": "a color."}]


@pytest.fixture
def write(tmp_path):
    """Write rows as JSON lines, or a value as it is, and return the path."""

    def write_rows(*rows, name="rows.jsonl", text=None):
        path = tmp_path / name
        path.write_text(text if text is not None else "".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write_rows


DEMONSTRATIONS = [
    ({"prompt": "Name a color.", "completion": " Blue."}, ("Name a color.", " Blue.")),
    ({"prompt": [USER], "completion": [BLUE]}, ([USER], "Blue.")),
    ({"prompt": [SYSTEM, USER], "completion": [BLUE]}, ([SYSTEM, USER], "Blue.")),
    ({"prompt": "Name a color.", "completion": [BLUE]}, ("Name a color.", "Blue.")),
    ({"prompt": [USER], "response": "Blue."}, ([USER], "Blue.")),
    ({"prompt": [{**USER, "type": "human"}], "response": "Blue."}, ([USER], "Blue.")),
    ({"messages": [SYSTEM, USER, BLUE]}, ([SYSTEM, USER], "Blue.")),
    ({"messages": [USER, BLUE, NEXT, DOG], "prompt": "Name a color.", "prompt_id": "x"}, ([USER, BLUE, NEXT], "A dog.")),
    ({"messages": [{"role": "user", "content": PARTS}, BLUE]}, ([USER], "Blue.")),
    ({"prompt": PARTS, "response": [{"type": "text", "text": "Blue."}]}, ("Name a color.", "Blue.")),
    ({"instruction": "Name a color.", "output": "Blue."}, ("Name a color.", "Blue.")),
    ({"instruction": "Name it.", "input": "sky", "output": "Blue."}, ("Name it.\nsky", "Blue.")),
    ({"instruction": "Name it.", "input": "", "output": "Blue.", "history": [], "system": ""}, ("Name it.", "Blue.")),
    ({"instruction": "Name it.", "context": "", "response": "Blue.", "category": "qa"}, ("Name it.", "Blue.")),
    ({"system": "Be kind.", "prompt": "Name a color.", "response": "Blue."}, ([SYSTEM, USER], "Blue.")),
    ({"system": "Be kind.", "messages": [SYSTEM, USER, BLUE]}, ([SYSTEM, USER], "Blue.")),
    ({"prompt": HH, "response": " Blue."}, ([USER], " Blue.")),
    ({"prompt": HH, "response": f"{HH} Blue."}, ([USER], "Blue.")),
    ({"prompt": "Human: Name a color.\n\nAssistant:", "response": "Blue."}, ([USER], "Blue.")),
    ({"prompt": f"{HH} Blue.\n\nHuman: Another.\n\nAssistant:", "response": "Red."}, ([USER, BLUE, NEXT], "Red.")),
    ({"prompt": "User: Name a color.\nAssistant:", "response": "Blue."}, ([USER], "Blue.")),
    (
        {"prompt": "Write a script.", "response": "User: Hi\nAssistant: Hello."},
        ("Write a script.", "User: Hi\nAssistant: Hello."),
    ),
    ({"prompt": "User: who is that?", "response": "You."}, ("User: who is that?", "You.")),
    ({"prompt": "Tell me about\n\nHuman: rights", "response": "No."}, ("Tell me about\n\nHuman: rights", "No.")),
]


@pytest.mark.parametrize(("row", "expected"), DEMONSTRATIONS)
def test_demonstrations(write, row, expected):
    assert read_demonstrations(write(row)).items == [Demonstration(*expected)]


PAIR = ("Blue.", "A dog.")
COMPARISONS = [
    ({"prompt": "Name a color.", "chosen": "Blue.", "rejected": "A dog."}, "Name a color."),
    ({"prompt": [USER], "chosen": [BLUE], "rejected": [DOG]}, [USER]),  # TRL, explicit
    ({"chosen": [USER, BLUE], "rejected": [USER, DOG]}, [USER]),  # TRL, implicit
    ({"chosen": [SYSTEM, USER, BLUE, NEXT, BLUE], "rejected": [SYSTEM, USER, BLUE, NEXT, DOG]}, [SYSTEM, USER, BLUE, NEXT]),
    ({"prompt": "Name a color.", "chosen": [USER, BLUE], "rejected": [USER, DOG], "score_chosen": 9.0, "score_rejected": 1.0,
      "messages": [USER, BLUE]}, [USER]),  # UltraFeedback
    ({"prompt": [USER], "chosen": [USER, BLUE], "rejected": [USER, DOG]}, [USER]),
    ({"prompt": [USER, BLUE, NEXT], "chosen": [BLUE], "rejected": [DOG]}, [USER, BLUE, NEXT]),
    ({"prompt": HH, "response": " Blue.", "chosen": "Blue.", "rejected": "A dog."}, [USER]),  # Dahoas/full-hh-rlhf
    ({"prompt": HH, "chosen": f"{HH} Blue.", "rejected": f"{HH} A dog."}, [USER]),
    ({"chosen": f"{HH} Blue.", "rejected": f"{HH} A dog."}, [USER]),  # hh-rlhf
    ({"instruction": "Name it.", "input": "sky", "output": "x", "chosen": "Blue.", "rejected": "A dog."}, "Name it.\nsky"),
    ({"system": "Be kind.", "prompt": "Name a color.", "chosen": "Blue.", "rejected": "A dog."}, [SYSTEM, USER]),
    ({"prompt": [USER], "responses": [[BLUE], [DOG]], "ranking": [1, 2]}, [USER]),
]  # fmt: skip


@pytest.mark.parametrize(("row", "prompt"), COMPARISONS)
def test_comparisons(write, row, prompt):
    assert read_comparisons(write(row)).items == [Comparison(prompt, PAIR, (0, 1))]


@pytest.mark.parametrize(
    ("row", "prompt"),
    [
        ({"prompt": HH}, [USER]),
        ({"prompt": "\n\nHuman: Name a color."}, [USER]),
        ({"prompt": "System: Be kind.\nUser: Name a color.\nAssistant: Blue.<|end|>\nUser: Another.\nAssistant:"},
         [SYSTEM, USER, BLUE, NEXT]),
        ({"prompt": "User: Name a color.\nAssistant: Blue.<|endoftext|>\nUser: Another.\nAssistant:"}, [USER, BLUE, NEXT]),
        ({"prompt": "Human: Name a color.\nAssistant:"}, [USER]),
        ({"messages": [USER, BLUE, NEXT]}, [USER, BLUE, NEXT]),
        ({"messages": [USER, BLUE], "prompt": "Name a color."}, "Name a color."),
        ({"instruction": "Name it.", "input": "sky"}, "Name it.\nsky"),
        ({"system": "Be kind.", "prompt": [USER]}, [SYSTEM, USER]),
    ],
)  # fmt: skip
def test_prompts(write, row, prompt):
    assert read_prompts(write(row)).items == [Prompt(prompt)]


@pytest.mark.parametrize("messages", [[USER], [SYSTEM, USER], [USER, BLUE, NEXT], [{**USER, "content": "a\nAssistant: b"}]])
def test_the_librarys_own_template_as_a_prompt_gives_the_same_tokens(write, messages):
    tokenizer = Tokenizer.train(["a"], 258)
    (read,) = read_prompts(write({"prompt": tokenizer.render(messages)})).items
    assert tokenizer.encode_prompt(read.prompt) == tokenizer.encode_prompt(messages)


MISREAD = [
    (read_prompts, {"prompt": f"{HH} SECRET"}, "last message of the dialogue in \"prompt\" must have the role 'user'"),
    (read_prompts, {"prompt": "\n\nHuman: SECRET\n\nHuman: b\n\nAssistant:"}, 'message 2 of the dialogue in "prompt" must have'),
    (
        read_prompts,
        {"prompt": [{**USER, "content": HH}]},
        'message 1 of "prompt" holds a whole dialogue; write each of its turns',
    ),
    (read_prompts, {"prompt": f"SECRET{HH}"}, '"prompt" holds a dialogue that does not begin with a speaker'),
    (read_prompts, {"messages": [{**USER, "content": f"SECRET{HH}"}]}, 'message 1 of "messages" holds a whole dialogue'),
    (read_demonstrations, {"prompt": "p", "response": "\n\nHuman: SECRET"}, 'last message of "response" must have the role'),
    (
        read_demonstrations,
        {"prompt": "SECRET", "completion": "b", "label": False},
        'its label says whether.* TRL\'s KTO: write {"prompt"',
    ),
    (read_demonstrations, {"prompt": "SECRET", "completion": "b", "label": 0}, "its label says whether"),
    (read_demonstrations, {"messages": [USER, BLUE], "label": True}, "its label says whether"),
    (
        read_demonstrations,
        {"instruction": "SECRET", "context": "c", "response": "b"},
        '"context" and "history" are not read.* of Dolly: write',
    ),
    (
        read_demonstrations,
        {"instruction": "a", "history": [["SECRET", "b"]], "output": "b"},
        '"context" and "history" are not read',
    ),
    (
        read_demonstrations,
        {"messages": [{**USER, "content": [{"type": "image"}, *PARTS]}, BLUE]},
        "has a part of another type than text",
    ),
    (read_demonstrations, {"messages": [USER, {**BLUE, "tool_calls": [{"id": 1}]}]}, 'message 2 of "messages" calls a tool'),
    (
        read_demonstrations,
        {"messages": [USER, {"role": "tool", "content": "SECRET"}]},
        'message 2 of "messages" must have the role',
    ),
    (read_demonstrations, {"messages": [SYSTEM, USER, BLUE], "system": "SECRET"}, '"system" differs from the system message'),
    (
        read_comparisons,
        {"chosen": [USER, BLUE], "rejected": [NEXT, DOG]},
        '"chosen" and "rejected" differ before the last answer',
    ),
    (read_comparisons, {"chosen": [USER, BLUE], "rejected": [DOG]}, '"chosen" and "rejected" differ before the last answer'),
    (read_comparisons, {"chosen": [BLUE], "rejected": [DOG]}, 'no key "prompt", and "chosen" is no dialogue'),
    (
        read_comparisons,
        {"prompt": "SECRET", "chosen": [USER, BLUE], "rejected": [USER, DOG]},
        'none of the user\'s messages in "chosen"',
    ),
    (
        read_comparisons,
        {"prompt": [NEXT], "chosen": [USER, BLUE], "rejected": [USER, DOG]},
        'begins with other messages than "prompt"',
    ),
    (
        read_comparisons,
        {"prompt": HH, "chosen": "\n\nHuman: SECRET\n\nAssistant: b", "rejected": "\n\nHuman: SECRET\n\nAssistant: c"},
        'begins with other messages than "prompt"',
    ),
]


@pytest.mark.parametrize(("read", "row", "message"), MISREAD)
def test_what_would_be_misread_is_refused(write, read, row, message):
    with pytest.raises(ValueError, match=f"line 1: .*{message}") as refused:
        read(write(row))
    assert "SECRET" not in str(refused.value) and "a right row: {" in str(refused.value)


VALUES = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
KNOWN = [
    (read_demonstrations, {"conversations": VALUES}, "ShareGPT"),
    (read_comparisons, {"conversations": VALUES[:1], "chosen": VALUES[1], "rejected": VALUES[1]}, "LLaMA-Factory's preferences"),
    (read_comparisons, {"history": "a", "human_ref_A": "b", "human_ref_B": "c", "labels": 1}, "Stanford's SHP"),
    (read_comparisons, {"prompt": "a", "response": "b", "helpfulness": 3, "correctness": 4}, "HelpSteer"),
    (
        read_comparisons,
        {"prompt": "a", "response_1": "b", "response_2": "c", "preference_strength": 1},
        "HelpSteer's preferences",
    ),
    (read_comparisons, {"prompt": "a", "response_0": "b", "response_1": "c", "better_response_id": 0}, "PKU-SafeRLHF"),
    (read_comparisons, {"question": {"full_text": "a"}, "answer_0": "b", "answer_1": "c", "score_0": 1, "score_1": -1}, "WebGPT"),
    (
        read_comparisons,
        {"message_id": "a", "parent_id": None, "message_tree_id": "a", "text": "b", "role": "prompter"},
        "Open Assistant",
    ),
    (read_demonstrations, {"message_id": "a", "message_tree_id": "a", "text": "b", "role": "prompter"}, "Open Assistant"),
    (read_comparisons, {"instruction": "a", "output_1": "b", "output_2": "c", "preference": 1}, "Alpaca Farm"),
    (read_comparisons, {"instruction": "a", "completions": [{"response": "b"}]}, "UltraFeedback before"),
    (read_comparisons, {"prompt": "a", "completion": "b", "label": True}, "TRL's KTO"),
    (read_demonstrations, {"conversations": VALUES, "tools": "[]"}, "glaive"),
    (read_demonstrations, {"system": "a", "chat": "USER: b"}, "glaive"),
    (read_demonstrations, {"system_prompt": "a", "question": "b", "response": "c"}, "OpenOrca"),
    (read_demonstrations, USER, "a dialogue as a bare list"),
]


@pytest.mark.parametrize(("read", "row", "name"), KNOWN)
def test_other_layouts_are_named_with_a_row_to_write(write, read, row, name):
    with pytest.raises(ValueError, match=rf"line 1: .*this is the layout of [^:]*{name}.*: write {{"):
        read(write(row))


def test_a_dialogue_per_line_without_a_key_is_named(write):
    with pytest.raises(ValueError, match=r'line 1: .*a dialogue as a bare list: write {"messages"'):
        read_demonstrations(write([USER, BLUE], [USER, DOG]))
    with pytest.raises(ValueError, match=r'line 2: expected one JSON object per line, got list: write {"messages"'):
        read_demonstrations(write({"messages": [USER, BLUE]}, [USER, DOG]))


ROWS = [{"prompt": f"{n}\n[", "response": "]", "tags": [[n]]} for n in range(3)]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=4),
        "\ufeff \n[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n\n",
        json.dumps(ROWS, indent="\t").replace("\n", "\r\n"),
    ],
)
@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
def test_a_json_array_is_read_as_json_lines_are(write, text, name):
    assert read_demonstrations(write(text=text, name=name)) == read_demonstrations(write(*ROWS))


def test_a_bad_row_of_an_array_is_named_by_its_line_and_skipped(write):
    path = write(text="[\n" + ",\n".join(map(json.dumps, [ROWS[0], {"prompt": "a"}, ROWS[1]])) + "]", name="rows.json")
    with pytest.raises(ValueError, match='rows.json, line 3: no key "response"(?s:.*)--skip-bad-rows'):
        read_demonstrations(path)
    rows = read_demonstrations(path, skip_bad_rows=True)
    assert (len(rows.items), len(rows.skipped)) == (2, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "has no rows"),
        ("[\n", "line 2: not JSON .* the rest of this array is lost"),
        (json.dumps(ROWS)[:-3], "line 1: not JSON .* the rest of this array is lost"),
        (
            '[{"prompt": "a", "response": "b"},\n{"prompt" "SECRET"},\n{"prompt": "a", "response": "b"}]',
            "line 2: not JSON .*the rest",
        ),
        ('[{"prompt": "a", "response": "b"}]\n[{"prompt": "a", "response": "b"}]', "line 1: not JSON .more after the end"),
        ('[{"prompt": "a", "response": "b"},\n{"id": ' + "7" * 5000 + "}]", "line 2: not JSON .a number of too many digits"),
        ("[\n" * 9 + "[" * 100_000, "line 2: not JSON .nested too deeply"),
    ],
)
def test_a_damaged_array_is_refused_without_advice_that_loses_rows(write, text, message):
    path = write(text=text, name="rows.json")
    for skip in (False, True):
        with pytest.raises(ValueError, match=message) as refused:
            read_demonstrations(path, skip_bad_rows=skip)
        assert "skip-bad-rows" not in str(refused.value) and "SECRET" not in str(refused.value)
