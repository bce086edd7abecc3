"""Public data sets become this library's own files.

Proves: local files in the hub's formats are read row by row, and every kind of bad row is left out and counted; TL;DR's posts
and articles get their prompts; documents are cut where the file says; whatever fails or is killed, what a folder held stays.
"""

import gzip
import json
from pathlib import Path

import pytest

from rlhf_lite.real_data import hub_datasets
from rlhf_lite.real_data.hub_datasets import SOURCES, comparison_row, fetch, file_rows, hub_rows
from rlhf_lite.real_data.row_files import read_comparisons, read_demonstrations, read_prompts, read_text

HH = Path(__file__).parents[3] / "shared" / "real" / "hh_harmless_500.jsonl.gz"
SHAKESPEARE = HH.with_name("tinyshakespeare.txt")
needs_real = pytest.mark.skipif(not HH.exists(), reason="the real data is not beside the repository")
TLDR = {
    "info": {"id": "t3_x", "subreddit": "tea", "title": "Too hot", "post": "I burnt\n my tongue.", "site": None},
    "summaries": [{"text": " Tongue hurts.", "policy": "sup1"}, {"text": " Burnt my tongue on tea.", "policy": "ref"}],
    "choice": 1, "worker": "w", "split": "train",
}  # fmt: skip


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def cut_gzip(path):
    path.write_bytes(gzip.compress(b'{"text": "abc"}\n' * 9)[:-9])
    return path


def dialogue(answer):
    return f"\n\nHuman: Name a color.\n\nAssistant: {answer}"


def test_a_tldr_row_by_hand():
    row = comparison_row(TLDR)
    assert row["prompt"] == "SUBREDDIT: r/tea\n\nTITLE: Too hot\n\nPOST: I burnt\n my tongue.\n\nTL;DR:"
    assert row["responses"] == ["Tongue hurts.", "Burnt my tongue on tea."] and row["ranking"] == [1, 0]
    columns = {key: [summary[key] for summary in TLDR["summaries"]] for key in ("text", "policy")}
    assert comparison_row(TLDR | {"summaries": columns}) == row, "lists a column, as parquet gives them"
    assert comparison_row({"chosen": "a", "rejected": "b"}) == {"chosen": "a", "rejected": "b"}


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".parquet"])
def test_comparisons_become_three_files(tmp_path, suffix):
    rows = [
        {"chosen": dialogue("Blue."), "rejected": dialogue("A dog.")},
        {"chosen": dialogue("Red."), "rejected": dialogue("Seven.")},
        {"chosen": dialogue("Blue."), "rejected": "\n\nHuman: Another question.\n\nAssistant: Two."},  # not the same prompt
    ]
    path = jsonl(tmp_path / "rows.jsonl", rows)
    if suffix == ".jsonl.gz":
        (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    if suffix == ".parquet":
        import datasets

        datasets.Dataset.from_list(rows).to_parquet(tmp_path / "rows.parquet")
    about = fetch("hh-rlhf", tmp_path / "out", 100, file=tmp_path / f"rows{suffix}", held_out_file=path)
    assert about["train"] == {"comparisons": 2, "prompts": 1, "left out": 1}
    for folder in (tmp_path / "out", tmp_path / "out" / "held_out"):
        comparisons = read_comparisons(folder / "comparisons.jsonl").items
        assert [each.responses for each in comparisons] == [("Blue.", "A dog."), ("Red.", "Seven.")]
        assert [each.ranks for each in comparisons] == [(0, 1), (0, 1)]
        demonstrations = read_demonstrations(folder / "demonstrations.jsonl").items
        assert [each.response for each in demonstrations] == ["Blue.", "Red."]
        (prompt,) = read_prompts(folder / "prompts.jsonl").items
        assert prompt.prompt == [{"role": "user", "content": "Name a color."}] == demonstrations[0].prompt
    assert json.loads((tmp_path / "out" / "about.json").read_text()) == about


def test_summaries_and_their_count(tmp_path):
    about = fetch("tldr", tmp_path / "out", 3, file=jsonl(tmp_path / "rows.jsonl", [TLDR] * 5))
    assert about["train"]["comparisons"] == 3 and not (tmp_path / "out" / "held_out").exists()
    assert read_demonstrations(tmp_path / "out" / "demonstrations.jsonl").items[0].response == "Burnt my tongue on tea."


def test_held_out_rows_are_a_tenth_as_many(tmp_path):
    rows = jsonl(tmp_path / "rows.jsonl", [TLDR] * 50)
    for count, tenth in ((30, 3), (5, 1)):
        about = fetch("tldr", tmp_path / "out", count, file=rows, held_out_file=rows)
        assert (about["train"]["comparisons"], about["held_out"]["comparisons"]) == (count, tenth)


@pytest.mark.parametrize("key", ["text", "story"])
def test_text_is_written_document_by_document(tmp_path, key):
    rows = jsonl(tmp_path / "rows.jsonl", [{key: " One day. \n"}, {key: "The end."}])
    assert fetch("tinystories", tmp_path / "out", 9, file=rows)["train"] == {"documents": 2, "characters": 16, "left out": 0}
    assert read_text(tmp_path / "out" / "text.txt") == "One day.\n\nThe end.\n\n"


def test_only_what_is_asked_for_is_read(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "first"}\n' + '{"text": "next"}\n' * 100_000, encoding="utf-8")
    assert next(file_rows(path))["text"] == "first"


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda folder: fetch("imdb", folder, 1), "choose among hh-rlhf, tldr"),
        (lambda folder: fetch("tldr", folder, 0), "count is 0"),
        (lambda folder: fetch("tldr", folder, 1, file=folder / "none.jsonl"), "no file at"),
        (lambda folder: fetch("tldr", folder, 1, file=jsonl(folder / "x.jsonl", [{"a": "b"}])), "x.jsonl: all 1 rows are bad"),
        (
            lambda folder: fetch("fineweb-edu", folder, 1, file=jsonl(folder / "x.jsonl", [{"a": 1}])),
            "text, story, content, got a",
        ),
        (lambda folder: fetch("tldr", folder, 1, file=jsonl(folder / "x.jsonl", [])), "x.jsonl: there are no rows"),
        (lambda folder: fetch("tinystories", folder, 1, file=jsonl(folder / "x.txt", [])), "x.txt: there are no rows"),
        (lambda folder: fetch("tldr", folder, 1, file=jsonl(folder / "x.csv", [])), "its name must end with .jsonl"),
        (
            lambda folder: fetch("hh-rlhf", folder, 99, file=cut_gzip(folder / "x.jsonl.gz")),
            "x.jsonl.gz is not a whole gzip file",
        ),
        (
            lambda folder: fetch("tinystories", folder, 99, file=cut_gzip(folder / "x.txt.gz")),
            "x.txt.gz is not a whole gzip file",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path, call, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        call(tmp_path)


def test_without_a_network_the_message_says_what_to_do(monkeypatch, tmp_path):
    import datasets

    def unreachable(*args, **kwargs):
        raise ConnectionError("Couldn't reach the hub")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(ValueError, match=r"Anthropic/hh-rlhf, split 'train' .*give a local file"):
        fetch("hh-rlhf", tmp_path, 1)


def test_names_on_the_hub_are_asked_for_in_streams(monkeypatch, tmp_path):
    import datasets

    asked, rows = [], datasets.Dataset.from_list([TLDR]).to_iterable_dataset()
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **more: asked.append((args, more)) or rows)
    fetch("tldr", tmp_path, 20)
    hub = SOURCES["tldr"].hub
    assert asked == [((hub, "comparisons"), {"split": split, "streaming": True}) for split in ("train", "validation")]


def test_rows_of_the_hub_come_shuffled_and_of_all_parts_in_turn(monkeypatch):
    import datasets

    parts = SOURCES["hh-rlhf"].parts
    sizes = dict(zip(parts, (100, 40, 100, 100), strict=True))

    def load(hub, config, *, data_dir, split, streaming):
        assert hub == "Anthropic/hh-rlhf" and split == "test" and streaming
        rows = [{"part": data_dir, "row": row} for row in range(sizes[data_dir])]
        return datasets.Dataset.from_list(rows).to_iterable_dataset()

    monkeypatch.setattr(datasets, "load_dataset", load)
    found = list(hub_rows("Anthropic/hh-rlhf", config=None, split="test", parts=parts))
    assert len(found) == sum(sizes.values())
    assert [row["part"] for row in found[:8]] == [*parts, *parts]  # the first 160 have as many of each
    assert {row["part"] for row in found[160:]} == {parts[0], *parts[2:]}
    rows = [row["row"] for row in found if row["part"] == parts[0]]
    assert rows != sorted(rows) == list(range(100))
    assert found == list(hub_rows("Anthropic/hh-rlhf", config=None, split="test", parts=parts))


ARTICLE = TLDR | {"info": {"id": "a", "title": "T", "article": "Boats sank.", "post": None, "subreddit": None}}


@pytest.mark.parametrize("info", [ARTICLE["info"], {"id": "a", "title": "T", "article": "Boats sank."}])
def test_an_article_of_a_news_site_has_its_own_prompt(tmp_path, info):
    fetch("tldr", tmp_path / "out", 9, file=jsonl(tmp_path / "rows.jsonl", [TLDR | {"info": info}]))
    assert read_prompts(tmp_path / "out" / "prompts.jsonl").items[0].prompt == "Article:\nBoats sank.\n\nTL;DR:"


def without(key):
    return TLDR | {"info": {name: value for name, value in TLDR["info"].items() if name != key}}


BAD_TLDR = [
    without("subreddit"), without("title"), without("post"), TLDR | {"info": None}, TLDR | {"info": "x"}, TLDR | {"choice": None},
    TLDR | {"choice": 5}, TLDR | {"summaries": [{"text": "a"}, {"text": None}]}, TLDR | {"summaries": [None, {"text": "a"}]},
    TLDR | {"summaries": None}, TLDR | {"summaries": {"text": None}}, TLDR | {"summaries": [{"text": "a"}]}, {}, [], "x",
    TLDR | {"info": TLDR["info"] | {"subreddit": None}}, TLDR | {"info": TLDR["info"] | {"post": 3}},
]  # fmt: skip


@pytest.mark.parametrize(
    "bad", [*(json.dumps(row).encode() for row in BAD_TLDR), b'{"a', b"\xff", b'{"info": "\\ud83d"}', b"7" * 5000]
)
def test_a_bad_row_is_left_out_and_counted(tmp_path, bad):
    good = json.dumps(TLDR).encode()
    (tmp_path / "rows.jsonl").write_bytes(b"\n".join([good, bad, good]))
    assert fetch("tldr", tmp_path / "out", 9, file=tmp_path / "rows.jsonl")["train"] == {
        "comparisons": 2, "prompts": 1, "left out": 1,
    }  # fmt: skip
    assert "None" not in (tmp_path / "out" / "comparisons.jsonl").read_text()


@pytest.mark.parametrize(
    "bad", [b"{}", b'{"text": null}', b'{"text": 3}', b'{"text": " "}', b'{"text": "\\ud83d"}', b"[1]", b"{"]
)
def test_a_bad_row_of_text_is_left_out_and_counted(tmp_path, bad):
    (tmp_path / "rows.jsonl").write_bytes(b'{"text": "One."}\n' + bad + b'\n{"text": "Two."}\n')
    assert fetch("fineweb-edu", tmp_path / "out", 9, file=tmp_path / "rows.jsonl")["train"]["left out"] == 1
    assert read_text(tmp_path / "out" / "text.txt") == "One.\n\nTwo.\n\n"


@pytest.mark.parametrize("end", ["<|endoftext|>\n", " <|endoftext|> ", ""])
def test_documents_are_cut_where_a_text_file_says(tmp_path, end):
    (tmp_path / "stories.txt").write_text(f"One day.\n\nIt rained.\n<|endoftext|>\nThe end.{end}", encoding="utf-8")
    about = fetch("tinystories", tmp_path / "out", 9, file=tmp_path / "stories.txt")
    assert about["train"]["documents"] == 2 and about["train"]["left out"] == 0
    assert read_text(tmp_path / "out" / "text.txt") == "One day.\n\nIt rained.\n\nThe end.\n\n"


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def first_and_second(tmp_path):
    """Fetch into a folder; return it, what it holds, and how to fetch other rows into it."""
    rows = [jsonl(tmp_path / f"{a}.jsonl", [{"chosen": dialogue(a), "rejected": dialogue("No.")}]) for a in ("Blue.", "Red.")]
    folder = tmp_path / "data" / "hh"
    fetch("hh-rlhf", folder, 9, file=rows[0], held_out_file=rows[0])
    return folder, contents(folder), lambda: fetch("hh-rlhf", folder, 9, file=rows[1], held_out_file=rows[1])


def test_a_fetch_that_fails_leaves_what_was_there(tmp_path):
    folder, before, _ = first_and_second(tmp_path)
    for bad in ([{"a": 1}], []):
        with pytest.raises(ValueError):
            fetch("hh-rlhf", folder, 9, file=jsonl(tmp_path / "bad.jsonl", bad))
        with pytest.raises(ValueError):
            fetch("hh-rlhf", folder, 9, file=tmp_path / "Red..jsonl", held_out_file=jsonl(tmp_path / "bad.jsonl", bad))
        assert contents(folder) == before and [path.name for path in folder.parent.iterdir()] == ["hh"]


@pytest.mark.parametrize("written", range(6))
def test_a_fetch_that_is_killed_between_two_files_leaves_what_was_there(tmp_path, monkeypatch, written):
    folder, before, fetch_again = first_and_second(tmp_path)
    write, calls = hub_datasets.write_rows, []

    def stop(path, rows):
        if len(calls) == written:
            raise KeyboardInterrupt
        calls.append(path)
        write(path, rows)

    monkeypatch.setattr(hub_datasets, "write_rows", stop)
    with pytest.raises(KeyboardInterrupt):
        fetch_again()
    assert contents(folder) == before
    monkeypatch.undo()
    fetch_again()
    assert set(contents(folder)) == set(before) and b"Red." in contents(folder)["held_out/demonstrations.jsonl"]


def test_a_folder_of_old_and_new_files_does_not_call_itself_complete(tmp_path, monkeypatch):
    folder, before, fetch_again = first_and_second(tmp_path)
    replace = hub_datasets.os.replace

    def stop(source, target):
        if target.parent == folder / "held_out":  # some files are new, others old
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(hub_datasets.os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        fetch_again()
    assert "about.json" in before and not (folder / "about.json").exists()


def test_held_out_rows_of_an_earlier_fetch_go_with_it(tmp_path):
    folder, _, _ = first_and_second(tmp_path)
    (folder / "notes.md").write_text("mine")
    fetch("hh-rlhf", folder, 9, file=tmp_path / "Red..jsonl")
    assert set(contents(folder)) == {"about.json", "comparisons.jsonl", "demonstrations.jsonl", "notes.md", "prompts.jsonl"}


@needs_real
def test_real_dialogues(tmp_path):
    about = fetch("hh-rlhf", tmp_path, 1000, file=HH)
    assert about["train"]["comparisons"] + about["train"]["left out"] == 500
    assert about["train"]["comparisons"] > 450


@needs_real
def test_real_text(tmp_path):
    about = fetch("tinystories", tmp_path, 1000, file=SHAKESPEARE)
    assert about["train"]["documents"] == 1000
