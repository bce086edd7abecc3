"""Labels of a room: tasks are dealt out, files merge into one that the library reads, and the report counts what it says.

Proves: common tasks go to all readers and each other one to one reader; a pooled file is what `reward --comparisons` reads;
agreement and accuracy are those counted by hand; a label keeps its reader and time; mistakes with files are said in one line.
"""

import json

import pytest

from rlhf_lite.course.__main__ import main
from rlhf_lite.course.lesson_10 import labels
from rlhf_lite.course.lesson_10.labels import Label, load_labels, save_label
from rlhf_lite.course.lesson_10.pool import lesson_requests, pool, read_readers, report, share_in_words
from rlhf_lite.course.lesson_10.tasks import deal
from rlhf_lite.real_data.row_files import read_comparisons
from rlhf_lite.records import Comparison
from rlhf_lite.tinyworld.judge import judge

REQUEST = lesson_requests()[0]
GOOD, BAD = REQUEST.good, "You are a fool."


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def row(ranking, prompt=REQUEST.prompt, responses=(GOOD, BAD), **more):
    return {"prompt": prompt, "responses": list(responses), "ranking": list(ranking), **more}


@pytest.mark.parametrize("readers", [1, 2, 3, 7])
def test_common_tasks_go_to_all_and_every_other_one_to_one_reader(readers):
    tasks = list(range(23))
    dealt = [deal(tasks, number, readers, common=4) for number in range(1, readers + 1)]
    assert all(each[:4] == tasks[:4] for each in dealt)
    assert sorted(task for each in dealt for task in each[4:]) == tasks[4:]
    sizes = [len(each) for each in dealt]
    assert max(sizes) - min(sizes) <= 1


def test_the_example_of_dealing():
    assert deal(list(range(8)), 2, 3, common=2) == [0, 1, 3, 6]


@pytest.mark.parametrize("number", [0, 4, -1])
def test_a_reader_who_is_not_in_the_room_is_refused(number):
    with pytest.raises(ValueError, match=f"reader {number} of 3: expected a number from 1 to 3"):
        deal([], number, 3)


def test_the_judge_tells_the_two_answers_of_these_tests_apart():
    assert judge(REQUEST, GOOD).gold > judge(REQUEST, BAD).gold


def test_a_pooled_file_is_read_as_comparisons_and_its_report_counts_by_hand(tmp_path):
    ann = write(tmp_path / "ann.jsonl", row((0, 1)), row((0, 1), "only ann", ("x", "y")))
    ben = write(tmp_path / "b.jsonl", row((1, 0), reader="ben"))
    count, text = pool([ann, ben], tmp_path / "out" / "pooled.jsonl")
    rows = read_comparisons(tmp_path / "out" / "pooled.jsonl").items
    assert count == len(rows) == 3 and rows[2] == Comparison(REQUEST.prompt, (GOOD, BAD), (1, 0))
    # the one pair that both ranked, they ordered differently; the judge is with ann
    assert f"| ann | 2 | {share_in_words((0, 1))} | {share_in_words((1, 1))} |" in text
    assert f"| ben | 1 | {share_in_words((0, 1))} | {share_in_words((0, 1))} |" in text
    assert text.endswith(f"that both ranked: {share_in_words((0, 1))}.")


def test_agreement_is_summed_over_all_pairs_of_readers():
    readers = {name: [Comparison("p", ("x", "y"), ranks)] for name, ranks in (("a", (0, 1)), ("b", (0, 1)), ("c", (1, 0)))}
    text = report(readers, [])
    assert "| a | 1 | 1 of 2, 50 %" in text and "| c | 1 | 0 of 2, 0 %" in text and "no pair |" in text
    assert "1 of 3, 33 %" in text.splitlines()[-1]


def test_a_label_keeps_its_reader_and_its_time(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LITE_LABELS", str(tmp_path))
    save_label(Label(prompt="p", responses=("x", "y"), ranking=(0, 1), flags=((), ()), reader="reader 3", at=labels.now()))
    (stored,) = load_labels()[0].values()
    assert stored.reader == "reader 3" and stored.at.startswith("20") and stored.at.endswith("+00:00")
    assert list(read_readers([tmp_path / "mine.jsonl"])) == ["reader 3"]


def test_a_file_given_twice_is_refused(tmp_path):
    ann = write(tmp_path / "ann.jsonl", row((0, 1)))
    with pytest.raises(ValueError, match="ann ranked .* twice"):
        read_readers([ann, ann])


def test_the_command_pools_and_says_what_to_do_next(tmp_path, capsys):
    ann, output = write(tmp_path / "ann.jsonl", row((0, 1))), tmp_path / "pooled.jsonl"
    assert main(["labels", "pool", str(ann), "--output", str(output)]) == 0
    assert f"reward --comparisons {output}" in capsys.readouterr().out.replace("\n", " ")
    assert main(["labels", "pool", str(tmp_path / "none.jsonl")]) == 1
    assert "none.jsonl" in capsys.readouterr().err
    assert main(["labels", "pool", str(write(tmp_path / "empty.jsonl"))]) == 1
