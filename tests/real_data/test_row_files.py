"""What users' files may look like, and what is said about a row that is wrong.

Proves: every row shape becomes the same three dataclasses whatever the file's format; ranks keep order and ties only;
hh-rlhf dialogues are split at the last answer; each kind of bad row is refused with file, line, reason and a right
row, or skipped and listed; no message quotes a row's text.
"""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rlhf_lite.real_data.layouts import COMPARISON_EXAMPLE, DEMONSTRATION_EXAMPLE, PROMPT_EXAMPLE
from rlhf_lite.real_data.row_files import read_comparisons, read_demonstrations, read_prompts, read_text
from rlhf_lite.records import Comparison, Demonstration, Prompt
from rlhf_lite.tokenizer import Tokenizer

HH_FILE = Path(__file__).resolve().parents[3] / "shared" / "real" / "hh_harmless_500.jsonl.gz"
USER = {"role": "user", "content": "Hi"}
ASSISTANT = {"role": "assistant", "content": "Hello."}


@pytest.fixture
def write(tmp_path):
    """Write rows (objects, or raw lines) as JSON lines and return the path."""

    def write_rows(*rows, name="rows.jsonl"):
        lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
        content = b"\n".join(lines) + b"\n"
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write_rows


def ranked(ranking, responses=("a", "b", "c")):
    return {"prompt": "p", "responses": list(responses), "ranking": ranking}


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.jsonl.gz", "rows.json.gz", "ROWS.JSONL"])
def test_demonstrations_of_both_shapes_in_every_json_file(write, name):
    path = write(
        {"prompt": "p", "response": " r\n", "user_id": 7},
        {"messages": [{**USER, "name": "x"}, ASSISTANT], "prompt": "ignored", "response": None},
        {"prompt": [USER, ASSISTANT, USER], "response": "r", "messages": None},
        {"messages": [{"role": "system", "content": "s"}, USER, ASSISTANT, USER, {**ASSISTANT, "content": "last"}]},
        name=name,
    )
    assert read_demonstrations(path).items == [
        Demonstration("p", " r\n"),
        Demonstration([USER], "Hello."),
        Demonstration([USER, ASSISTANT, USER], "r"),
        Demonstration([{"role": "system", "content": "s"}, USER, ASSISTANT, USER], "last"),
    ]


@pytest.mark.parametrize(
    ("ranking", "ranks"),
    [
        ([1, 2, 3], (0, 1, 2)),
        ([0, 1, 2], (0, 1, 2)),
        ([3, 1, 2], (2, 0, 1)),
        ([5, -1, 5], (1, 0, 1)),  # ties, and gaps that mean nothing
        ([2.0, 1.5, 10], (1, 0, 2)),  # 10 comes after 2: numbers, not texts, are compared
    ],
)
def test_only_the_order_of_a_ranking_counts(write, ranking, ranks):
    assert read_comparisons(write(ranked(ranking))).items == [Comparison("p", ("a", "b", "c"), ranks)]


def test_pairs_of_dialogues_are_split_at_the_last_answer(write):
    start = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Human: or\nAssistant: ?\n\nAssistant:"
    path = write({"chosen": start + " Good.", "rejected": start + " Bad.\n\nVery bad."})
    prompt = [USER, ASSISTANT, {"role": "user", "content": "Human: or\nAssistant: ?"}]
    assert read_comparisons(path).items == [Comparison(prompt, ("Good.", "Bad.\n\nVery bad."), (0, 1))]


def test_prompts_as_text_and_messages(write):
    assert read_prompts(write({"prompt": "p", "user": "ann"}, {"prompt": [USER]})).items == [
        Prompt("p"),
        Prompt([USER]),
    ]


BAD_FOR_ALL = [
    (b"{'prompt': 'SECRET'}", "not JSON (Expecting property name enclosed in double quotes, column 2)"),
    (b"[", "not JSON"),
    (b'["SECRET"]', "expected one JSON object per line, got list"),
    (b'{"prompt": "\xff"}', "not UTF-8 (byte 12 of the line)"),
    (b'{"prompt": "SECRET", "id": ' + b"7" * 5000 + b"}", "not JSON (a number of too many digits)"),
    (b'{"prompt": "SECRET", "id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not JSON (nested too deeply)"),
]
BAD_PROMPTS = [
    ({"text": "SECRET"}, "no key \"prompt\"; the keys with a value are ['text']"),
    ({"prompt": None, "x": 1}, "no key \"prompt\"; the keys with a value are ['x']"),
    ({"prompt": 3}, '"prompt" must be a text, got int'),
    ({"prompt": " \n"}, '"prompt" is empty'),
    ({"prompt": []}, "the last message of \"prompt\" must have the role 'user'"),
    ({"prompt": ["SECRET"]}, '"prompt" must be a list of messages with role and content'),
    ({"prompt": [USER, ASSISTANT]}, "the last message of \"prompt\" must have the role 'user'"),
    ({"prompt": [USER, USER]}, "message 2 of \"prompt\" must have the role 'assistant'"),
    ({"prompt": [ASSISTANT, USER]}, "message 1 of \"prompt\" must have the role 'user'"),
    ({"prompt": [{"role": "SECRET", "content": "user"}]}, "message 1 of \"prompt\" must have the role 'user'"),
    ({"prompt": [{"role": "user"}]}, 'the content of message 1 of "prompt" must be a text, got NoneType'),
    (b'{"prompt": "SECRET \\ud800"}', '"prompt" holds half of a surrogate pair'),
]
BAD_DEMONSTRATIONS = [
    ({"prompt": "SECRET"}, 'no key "response"'),
    ({"prompt": "p", "response": ""}, '"response" is empty'),
    ({"prompt": "p", "response": ["SECRET"]}, '"response" must be a list of messages'),
    ({"prompt": "p", "response": 3}, '"response" must be a text, got int'),
    ({"messages": [USER]}, "the last message of \"messages\" must have the role 'assistant'"),
    ({"messages": [ASSISTANT]}, "message 1 of \"messages\" must have the role 'user'"),
    (
        {"messages": [{"role": "system", "content": "s"}, ASSISTANT]},
        "message 2 of \"messages\" must have the role 'user'",
    ),
    ({"messages": "SECRET"}, '"messages" must be a list of messages'),
]
BAD_COMPARISONS = [
    (ranked([1, 2]), '"ranking" has 2 numbers for 3 responses'),
    (ranked([1], ["SECRET"]), '"responses" must be a list of at least 2 texts'),
    (ranked([1, 2], ["SECRET", ""]), 'number 2 of "responses" is empty'),
    (ranked([1, 1, 1]), "nothing is ranked"),
    (ranked([1, 2, 3], ["SECRET", "SECRET", "SECRET "]), "nothing is ranked"),
    (ranked([1, "2", 3]), '"ranking" must be a list of numbers'),
    (ranked([1, True, 3]), '"ranking" must be a list of numbers'),
    (ranked([1, float("nan"), 3]), '"ranking" must be a list of numbers'),
    (ranked([1, float("inf"), 3]), '"ranking" must be a list of numbers'),
    (ranked(1), '"ranking" must be a list of numbers'),
    ({"prompt": "p", "responses": ["a", "b"]}, 'no key "ranking"'),
    ({"prompt": "p", "chosen": "SECRET"}, 'no key "rejected"'),
    ({"prompt": "p", "chosen": "SECRET", "rejected": "SECRET"}, "nothing is ranked"),
    ({"chosen": "SECRET", "rejected": "b"}, 'no key "prompt", and "chosen" is no dialogue that begins with "\\n\\nHuman:"'),
    ({"chosen": "\n\nHuman: SECRET", "rejected": "b"}, "the last message of \"chosen\" must have the role 'assistant'"),
    (
        {"chosen": "\n\nHuman: SECRET\n\nAssistant: b", "rejected": "\n\nHuman: c\n\nAssistant: d"},
        '"chosen" and "rejected" differ before the last answer',
    ),
    (
        {"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant:"},
        'the content of message 2 of "rejected" is empty',
    ),
]
PACKED = gzip.compress(b'{"prompt": "p"}', mtime=0)
GOOD = {"prompt": "p", "response": "r", "chosen": "a", "rejected": "b"}  # right for all three readers
READERS = [
    (read_prompts, PROMPT_EXAMPLE, BAD_FOR_ALL + BAD_PROMPTS),
    (read_demonstrations, DEMONSTRATION_EXAMPLE, BAD_FOR_ALL + BAD_PROMPTS + BAD_DEMONSTRATIONS),
    (read_comparisons, COMPARISON_EXAMPLE, BAD_FOR_ALL + BAD_COMPARISONS),
]


@pytest.mark.parametrize(
    ("read", "example", "bad", "reason"),
    [
        pytest.param(read, example, *case, id=f"{read.__name__}-{number}")
        for read, example, cases in READERS
        for number, case in enumerate(cases)
    ],
)
def test_a_bad_row_stops_with_its_line_or_is_skipped(write, read, example, bad, reason):
    path = write(GOOD, b"", bad, GOOD)  # the blank line is no row, yet it counts: the bad row stands on line 3
    with pytest.raises(ValueError) as stopped:
        read(path)
    message = str(stopped.value)
    assert message.startswith(f"{path}, line 3: ") and reason in message
    assert example in message and "skip_bad_rows=True" in message
    assert "SECRET" not in message

    rows = read(path, skip_bad_rows=True)
    assert len(rows.items) == 2 and len(rows.skipped) == 1
    assert rows.skipped[0].startswith(f"{path}, line 3: ") and reason in rows.skipped[0]


@pytest.mark.parametrize(
    ("read", "example"),
    [
        (read_demonstrations, DEMONSTRATION_EXAMPLE),
        (read_comparisons, COMPARISON_EXAMPLE),
        (read_prompts, PROMPT_EXAMPLE),
    ],
)
def test_the_right_row_of_the_message_is_right(write, read, example):
    assert len(read(write(example.encode())).items) == 1


def test_parquet_gives_the_same_rows(tmp_path, write):
    import datasets

    rows = [ranked([2, 1, 2]), {"prompt": "p", "responses": ["a", "b"], "ranking": [1, 1]}, ranked([1, 2, 3])]
    datasets.Dataset.from_list(rows).to_parquet(tmp_path / "rows.parquet")
    from_lines, from_parquet = (read_comparisons(path, skip_bad_rows=True) for path in (write(*rows), tmp_path / "rows.parquet"))
    assert from_parquet.items == from_lines.items and len(from_parquet.items) == 2
    with pytest.raises(ValueError, match="rows.parquet, row 2: nothing is ranked"):
        read_comparisons(tmp_path / "rows.parquet")


def test_columns_that_nobody_asked_for_may_hold_anything(tmp_path):
    table = pa.table({
        "messages": [[{**USER, "image": None}, {**ASSISTANT, "image": None}]],
        "map": pa.array([[("a", 1)]], type=pa.map_(pa.string(), pa.int64())),
        "day": pa.array([10**18], type=pa.timestamp("us")),  # the year 33658, which Python's dates do not have
        "picture": [b"\x00"], "score": [float("nan")],
    })  # fmt: skip
    features = {"info": {"features": {"picture": {"_type": "Hologram"}}}}  # of a version of `datasets` to come
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(features)}), tmp_path / "rows.parquet")
    assert read_demonstrations(tmp_path / "rows.parquet").items == [Demonstration([USER], "Hello.")]


def test_two_columns_of_one_name_are_refused(tmp_path):
    pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * 2, names=["prompt", "prompt"]), tmp_path / "rows.parquet")
    with pytest.raises(ValueError, match="rows.parquet is no whole parquet file .two columns have the same name"):
        read_prompts(tmp_path / "rows.parquet")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.jsonl", b"", "has no rows"),
        ("rows.jsonl", b"\n \n", "has no rows"),
        ("rows.csv", b"prompt\n", "must end with .jsonl, .json, .jsonl.gz, .json.gz or .parquet"),
        ("rows.jsonl.gz", b'{"prompt": "p"}', "not a whole gzip file"),
        ("rows.jsonl.gz", PACKED[:-9], "not a whole gzip file"),
        ("rows.jsonl.gz", PACKED[:10] + b"\xff" * 9, "not a whole gzip file"),
        ("rows.parquet", b"PAR1", "is no whole parquet file"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_prompts(tmp_path / name)


def test_a_missing_file_and_a_file_of_bad_rows(tmp_path, write):
    with pytest.raises(FileNotFoundError, match="no file at .*gone.jsonl"):
        read_prompts(tmp_path / "gone.jsonl")
    with pytest.raises(ValueError, match='all 2 rows are bad; the first: .*line 1: "prompt" is empty'):
        read_prompts(write({"prompt": ""}, {}), skip_bad_rows=True)


def test_the_mark_of_windows_editors_is_no_part_of_the_text(tmp_path, write):
    assert read_prompts(write(b'\xef\xbb\xbf{"prompt": "p"}')).items == [Prompt("p")]
    (tmp_path / "text.txt").write_bytes("\ufeffé\r\nb\n".encode())
    assert read_text(tmp_path / "text.txt") == "é\nb\n"


def test_text_plain_and_packed(tmp_path):
    (tmp_path / "text.gz").write_bytes(gzip.compress("Grüße\n\nx".encode()))
    assert read_text(tmp_path / "text.gz") == "Grüße\n\nx"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        ("é\nabc".encode() + b"\xff", r"byte 6 \(0xff\) is not UTF-8"),
        ("ab".encode("utf-16-le"), r"byte 1 \(0x00\) is not UTF-8 text"),
        ("a".encode("utf-32-be"), "byte 0 .*save the file as UTF-8"),
        ("a\n".encode("utf-16"), r"byte 0 \(0xff\) is not UTF-8"),
    ],
)
def test_text_that_cannot_be_read(tmp_path, content, message):
    (tmp_path / "text.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_text(tmp_path / "text.txt")
    with pytest.raises(FileNotFoundError, match="no file at"):
        read_text(tmp_path / "gone.txt")


@pytest.mark.skipif(not HH_FILE.exists(), reason=f"needs {HH_FILE.name} in ../shared/real beside the repository")
def test_real_dialogues_of_hh_rlhf():
    with pytest.raises(ValueError, match='line 87: the content of message 4 of "chosen" is empty'):
        read_comparisons(HH_FILE)
    rows = read_comparisons(HH_FILE, skip_bad_rows=True)
    assert (len(rows.items), len(rows.skipped)) == (499, 1)
    tokenizer = Tokenizer.train(["a"], 258)
    for row in rows.items:  # a failing assert must not print the texts, so only truth values are compared
        whole = all(not ("\n\nHuman:" in text or "\n\nAssistant:" in text) for text in row.responses)
        assert whole and row.ranks == (0, 1) and len(tokenizer.encode_prompt(row.prompt)) > 0
