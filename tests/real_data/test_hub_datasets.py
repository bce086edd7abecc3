"""Public data sets become this library's own files: from local files in the hub's formats, row by row, bad rows left out."""

import gzip
import json
from pathlib import Path

import pytest

from rlhf_lite.real_data.hub_datasets import SOURCES, comparison_row, fetch, stream, text_of
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


@pytest.mark.parametrize("key", ["text", "story"])
def test_text_is_written_document_by_document(tmp_path, key):
    rows = jsonl(tmp_path / "rows.jsonl", [{key: " One day. \n"}, {key: "The end."}])
    assert fetch("tinystories", tmp_path / "out", 9, file=rows)["train"] == {"documents": 2, "characters": 16}
    assert read_text(tmp_path / "out" / "text.txt") == "One day.\n\nThe end.\n\n"


def test_only_what_is_asked_for_is_read(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "first"}\n' + '{"text": "next"}\n' * 100_000, encoding="utf-8")
    assert next(iter(stream(path)))["text"] == "first"


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda folder: fetch("imdb", folder, 1), "choose among hh-rlhf, tldr"),
        (lambda folder: fetch("tldr", folder, 0), "count is 0"),
        (lambda folder: fetch("tldr", folder, 1, file=folder / "none.jsonl"), "no file at"),
        (lambda folder: fetch("tldr", folder, 1, file=jsonl(folder / "x.jsonl", [{"a": "b"}])), "all 1 rows are bad"),
        (lambda folder: text_of({"a": 1}), "text, story, content, got a"),
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
    found = list(stream("Anthropic/hh-rlhf", split="test", parts=parts))
    assert len(found) == sum(sizes.values())
    assert [row["part"] for row in found[:8]] == [*parts, *parts]  # the first 160 have as many of each
    assert {row["part"] for row in found[160:]} == {parts[0], *parts[2:]}
    rows = [row["row"] for row in found if row["part"] == parts[0]]
    assert rows != sorted(rows) == list(range(100))
    assert found == list(stream("Anthropic/hh-rlhf", split="test", parts=parts))


@needs_real
def test_real_dialogues(tmp_path):
    about = fetch("hh-rlhf", tmp_path, 1000, file=HH)
    assert about["train"]["comparisons"] + about["train"]["left out"] == 500
    assert about["train"]["comparisons"] > 450


@needs_real
def test_real_text(tmp_path):
    about = fetch("tinystories", tmp_path, 1000, file=SHAKESPEARE)
    assert about["train"]["documents"] == 1000
