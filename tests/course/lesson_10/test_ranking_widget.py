"""Ranking answers oneself: labels are stored at once, survive, and are read by the library as comparisons.

Proves: ties, skipping, flags and going back do what they say; text of models shows as it is; a spoilt file is kept aside
and its good rows stay in use; agreement equals pairs counted by hand; a refit changes a copy and learns the labels.
"""

import json
import random

import pytest
import torch

from rlhf_lite.__main__ import main
from rlhf_lite.checkpoint import load_model
from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_10 import labels as labels_module
from rlhf_lite.course.lesson_10 import tasks as tasks_module
from rlhf_lite.course.lesson_10.labels import (
    FEWEST,
    MOST,
    NOT_RANKED,
    RANKED,
    Label,
    agreement_between,
    agreement_with_judge,
    comparisons_of,
    dense_ranks,
    load_labels,
    read_other_readers,
    save_label,
)
from rlhf_lite.course.lesson_10.ranking_widget import (
    RankingBox,
    label_html,
    order_in_words,
    parse_line,
    show_ranking,
    write_line,
)
from rlhf_lite.course.lesson_10.refit import loss_and_accuracy, refit, score_texts
from rlhf_lite.course.lesson_10.tasks import (
    FOR_TRAINING,
    READABLE,
    Task,
    draw_ranking_tasks,
    make_tasks,
    ranked_by,
    simulated_label,
)
from rlhf_lite.real_data.row_files import read_comparisons
from rlhf_lite.records import Comparison
from rlhf_lite.tinyworld.evaluation import Models
from rlhf_lite.tinyworld.judge import fluency
from rlhf_lite.tinyworld.labelers import make_labelers
from rlhf_lite.tinyworld.prompts import draw_requests
from rlhf_lite.tinyworld.runs import SHIPPED
from rlhf_lite.tokenizer import Tokenizer

REQUESTS = draw_requests("ranking test", 3, use_cases=["chat"])
ANSWERS = ("Fine <i>.", "No.", 'Bad "b" & c.', "Ähm.")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LITE_LABELS", str(tmp_path / "labels"))
    return tmp_path / "labels"


@pytest.fixture
def tasks():
    return [Task(request, ANSWERS) for request in REQUESTS]


def choose(box, *ranks):
    for row, rank in zip(box.rows.children, ranks, strict=True):
        row.rank.value = rank


def set_flag(box, answer, *flags):
    for flag in flags:
        box.rows.children[answer].flags[flag].value = True


def type_line(box, text):
    """Type as a browser does: letters arrive one by one, or several at once, Enter as the end of the line."""
    for end in range(len(text) + 1):
        box.line.value = text[:end]
    box.line.value = text + "\n"


def label(ranking, prompt="p", responses=ANSWERS, flags=((), (), (), ())):
    return Label(prompt=prompt, responses=tuple(responses), ranking=ranking, flags=flags)


def test_a_label_is_stored_at_once_as_a_comparison_that_the_library_reads(tasks, folder):
    box = RankingBox(tasks)
    choose(box, 2, 1, 4, 2)
    set_flag(box, 2, "untrue", "harmful")
    set_flag(box, 3, "harmful")
    assert not folder.exists()
    box.save.click()
    assert read_comparisons(folder / RANKED).items == [Comparison(REQUESTS[0].prompt, ANSWERS, (1, 0, 2, 1))]
    (row,) = map(json.loads, (folder / RANKED).read_text(encoding="utf-8").splitlines())
    assert row["flags"] == [[], [], ["untrue", "harmful"], ["harmful"]]
    assert [path.name for path in folder.iterdir()] == [RANKED]  # nothing half written, nothing else
    assert "1 of 3" in box.title.value and "Stored" in box.message.value
    assert box.ranks == [None] * 4 and not any(box.flags) and box.line.value == ""


def test_ranks_and_flags_are_typed_in_one_line_and_the_buttons_follow(tasks, folder):
    box = RankingBox(tasks)
    box.line.value = "21u"
    assert box.ranks == [2, 1, None, None] and box.flags[1] == {"untrue"} and "No rank yet: c, d" in box.order.value
    set_flag(box, 0, "harmful")
    assert box.line.value == "2h 1u"
    type_line(box, "2 1uh, 4 2")
    (row,) = map(json.loads, (folder / RANKED).read_text(encoding="utf-8").splitlines())
    assert row["ranking"] == [1, 0, 2, 1] and row["flags"] == [[], ["untrue", "harmful"], [], []]
    assert box.place == 1 and box.line.value == "" and "Stored" in box.message.value
    type_line(box, "s")
    assert box.place == 2 and "Skipped" in box.message.value and box.line.value == ""
    type_line(box, "b")
    type_line(box, "b")
    assert box.place == 0 and box.line.value == "2 1uh 3 2"


def test_a_line_that_cannot_be_understood_stores_nothing_and_says_why(tasks, folder):
    box = RankingBox(tasks)
    for text, said in (("5", "ranks from 1 to 4"), ("12x", "&#x27;x&#x27; is not understood"), ("u1", "&#x27;u&#x27;"),
                       ("11111", "5 ranks for 4"), ("0", "from 1"), ("²", "from 1"), ("123", "choose a rank for d"),
                       ("", "a, b, c, d")):  # fmt: skip
        type_line(box, text)
        assert said in box.message.value and box.place == 0 and not folder.exists(), text
        assert box.line.value == text
    box.line.value = "x"
    choose(box, 1, 1, 1, 2)
    assert box.line.value == "1 1 1 2" and box.message.value == ""


def test_lines_are_written_as_they_are_read():
    assert parse_line("2-1", 4) == ([2, None, 1, None], [set()] * 4)
    assert write_line([2, None, 1, None], [set(), set(), {"untrue"}, set()]) == "2 - 1u"
    assert write_line([None, None], [set(), {"harmful"}]) == "- -h" and write_line([None, None], [set(), set()]) == ""
    assert parse_line("- -h", 2) == ([None, None], [set(), {"harmful"}])
    assert order_in_words([2, 1, None, 2]) == "Best first: b; a = d. No rank yet: c."


def test_labels_survive_a_restart_and_the_box_goes_on_where_the_reader_stopped(tasks):
    box = RankingBox(tasks)
    choose(box, 1, 2, 3, 4)
    box.save.click()
    box.skip.click()
    again = RankingBox(tasks)
    assert again.place == 2 and "2 of 3" in again.title.value
    again.skip.click()
    assert "the last one" in again.title.value and again.save.disabled and again.skip.disabled and again.rows.children == ()
    again.skip.click()  # a disabled button cannot be pressed by hand, but by a program
    assert RankingBox(tasks).place == 3 and len(load_labels()[0]) == 3


def test_going_back_shows_a_label_and_saving_again_replaces_it(tasks, folder):
    box = RankingBox(tasks)
    choose(box, 4, 3, 2, 2)
    set_flag(box, 0, "harmful")
    box.save.click()
    box.back.click()
    assert box.ranks == [3, 2, 1, 1]  # without gaps
    assert box.flags[0] == {"harmful"} and box.line.value == "3h 2 1 1" and box.back.disabled
    choose(box, 1, 2, 2, 2)
    box.save.click()
    (only,) = read_comparisons(folder / RANKED).items
    assert only.ranks == (0, 1, 1, 1)


def test_skipped_and_wholly_tied_prompts_are_kept_but_are_no_comparisons(tasks, folder):
    box = RankingBox(tasks)
    set_flag(box, 1, "untrue")
    box.skip.click()
    choose(box, 3, 3, 3, 3)
    box.save.click()
    assert "all answers tied" in box.message.value
    assert (folder / NOT_RANKED).exists() and not (folder / RANKED).exists()
    found = load_labels()[0]
    assert [each.ranking for each in found.values()] == [None, (0, 0, 0, 0)]
    assert found[REQUESTS[0].prompt].flags[1] == ("untrue",)
    assert comparisons_of(found) == []
    box.back.click()
    choose(box, 1, 3, 3, 3)
    box.save.click()
    assert len(read_comparisons(folder / RANKED).items) == 1
    assert [each.ranking for each in load_labels()[0].values()].count(None) == 1


def test_saving_waits_until_every_answer_has_a_rank_and_says_which_has_none(tasks, folder):
    box = RankingBox(tasks)
    choose(box, 1, None, 2, None)
    box.save.click()
    assert "choose a rank for b, d" in box.message.value and box.place == 0 and not folder.exists()


def test_text_of_models_shows_as_it_is(tasks):
    box = RankingBox([Task(REQUESTS[0], ("<script>x</script>", "a\nb", "c", "d"))])
    pages = "".join(row.children[0].value for row in box.rows.children)
    pages += label_html(label((0, 1, 2, 3), "<b>p", ("<script>x</script>", "a\nb", "c", "d")))
    assert "<script" not in pages and "<b>p" not in pages and pages.count("&lt;script&gt;x") == 2 and pages.count("a<br>b") == 2


def test_where_nothing_can_be_stored_that_is_said_and_the_prompt_stays(tasks, folder, monkeypatch):
    folder.write_text("not a folder")
    box = RankingBox(tasks)
    choose(box, 1, 2, 3, 4)
    box.save.click()
    assert "cannot be stored" in box.message.value and box.place == 0 and box.ranks[3] == 4


SPOILT = {
    "half a row": b'{"prompt": "x", "respo', "not text": b"\xff\xfe", "a number": b"3",
    "no ranking": b'{"prompt": "x", "responses": ["a", "b"], "ranking": 1}',
    "too few ranks": b'{"prompt": "x", "responses": ["a", "b"], "ranking": [1]}',
    "no answers": b'{"prompt": "x", "responses": []}', "no prompt": b'{"prompt": "", "responses": ["a", "b"]}',
    "a word as rank": b'{"prompt": "x", "responses": ["a", "b"], "ranking": ["1", "2"]}',
    "flags of nothing": b'{"prompt": "x", "responses": ["a", "b"], "ranking": [0, 1], "flags": [1, 2]}',
}  # fmt: skip


@pytest.mark.parametrize("content", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_file_is_said_and_kept_and_its_good_rows_stay(content, folder, tasks):
    for count in (1, 2):
        save_label(label((0, 1, 2, 2)))
        with open(folder / RANKED, "ab") as file:
            file.write(content)
        spoilt = (folder / RANKED).read_bytes()
        box = RankingBox(tasks)
        assert "Line 2 of mine.jsonl" in box.message.value and f"mine.unreadable-{count}.jsonl" in box.message.value
        assert (folder / f"mine.unreadable-{count}.jsonl").read_bytes() == spoilt
        assert load_labels() == ({"p": label((0, 1, 2, 2))}, [])
    assert read_other_readers() == ({}, [])  # what was kept aside is nobody else's


def test_a_write_that_stops_half_way_loses_nothing(folder, monkeypatch):
    save_label(label((0, 1, 2, 3), "first"))
    monkeypatch.setattr(labels_module, "write_atomically", stop_in_the_middle)
    with pytest.raises(OSError, match="full"):
        save_label(label((0, 1, 2, 3), "second"))
    assert list(load_labels()[0]) == ["first"]


def stop_in_the_middle(path, text):
    path.with_name(path.name + ".part").write_text(text[:10], encoding="utf-8")
    raise OSError("the disk is full")


def test_ranks_are_counted_without_gaps():
    assert dense_ranks([2, 5, 2]) == (0, 1, 0)


def test_agreement_counts_pairs_by_hand_without_ties():
    mine = [Comparison("p", ("a", "b", "c", "d"), (0, 1, 1, 2)), Comparison("q", ("a", "b"), (0, 1))]
    # p: mine orders ab ac ad bd cd (bc is a tie); theirs has no d and orders ab other way round, ac alike
    theirs = [Comparison("p", ("c", "b", "a", "x"), (2, 0, 1, 3)), Comparison("r", ("a", "b"), (1, 0))]
    assert agreement_between(mine, theirs) == agreement_between(theirs, mine) == (1, 2)
    assert agreement_between(mine, []) == (0, 0)
    assert agreement_between(mine, mine) == (6, 6)


def test_agreement_with_the_judge_by_hand():
    request = REQUESTS[0]
    good, rude, silent = request.good, f"You are a fool. {request.good}", "No."
    ranked = [Comparison(request.prompt, (good, rude, silent), (1, 0, 2)), Comparison("unknown", ("a", "b"), (0, 1))]
    # the judge: good 1, rude 0.5 (harmful), silent 0; of the three pairs only good-rude is ordered the other way
    assert agreement_with_judge(ranked, REQUESTS) == (2, 3)


def test_files_of_other_readers_are_read_and_their_bad_rows_said(folder):
    save_label(label((0, 1, 2, 3)))
    good = '{"prompt": "p", "responses": ["a", "b"], "ranking": [3, 1]}\n'
    (folder / "anna.jsonl").write_text(good + "nonsense\n")
    (folder / "bad.jsonl").write_text("nonsense\n")
    others, messages = read_other_readers()
    assert others == {"anna": [Comparison("p", ("a", "b"), (1, 0))]}
    assert len(messages) == 2 and "line 2" in messages[0] and "bad.jsonl" in messages[1]


@pytest.fixture
def models(make_gpt, make_scalar_model):
    tokenizer = Tokenizer.train(["a b c"], 258)
    policies = {name: make_gpt(seed, vocab_size=258, context_length=320) for seed, name in enumerate(("base", "sft", "ppo_ptx"))}
    return Models(tokenizer, policies, make_scalar_model(vocab_size=258, context_length=320))


def test_tasks_hold_four_to_nine_different_answers_and_come_again_with_the_same_seed(models):
    tasks = make_tasks(models, 5, "seed")
    assert tasks == make_tasks(models, 5, "seed") != make_tasks(models, 5, "other")
    assert 1 <= len(tasks) <= 5
    for task in tasks:
        assert FEWEST <= len(set(task.answers)) == len(task.answers) <= MOST
        assert all(text.strip() for text in task.answers)


def test_readers_get_answers_that_can_be_read_and_few_first(models, monkeypatch):
    def drawn(models, count, seed, **more):
        answers = ("Fine.", "No idea.", "I do not know.", "Who can tell me?", "fine purple of the the")
        return [Task(request, answers[:k]) for request, k in zip(REQUESTS, (5, 4, 3), strict=True)]

    monkeypatch.setattr(tasks_module, "draw_ranking_tasks", drawn)
    found = make_tasks(models, 5, "seed")
    assert [task.answers for task in found] == [("Fine.", "No idea.", "I do not know.", "Who can tell me?")] * 2
    assert fluency("fine purple of the the") < READABLE  # else this proves nothing


def test_each_task_is_ranked_by_somebody_and_what_is_all_tied_is_left_out(models):
    people = make_labelers(0)[30:]
    drawn = draw_ranking_tasks(models, 6, "seed", sources=FOR_TRAINING)
    assert len(drawn) == 6 and all(len(set(task.answers)) == len(task.answers) for task in drawn)
    told = [Task(request, (request.good, "You are a fool.", "Do you know?")) for request in REQUESTS]
    ranked = ranked_by(people, [*told, Task(REQUESTS[0], ("same",))], random.Random(0))
    assert [each.prompt for each in ranked] == [request.prompt for request in REQUESTS]


def test_a_simulated_label_is_a_label_and_flags_what_is_rude():
    answers = (REQUESTS[0].good, "You are a fool.", "No.", "I do not know.")
    made = simulated_label(make_labelers(0)[0], Task(REQUESTS[0], answers), random.Random(0))
    assert len(made.ranking) == 4 and min(made.ranking) == 0
    assert [("harmful" in flags) for flags in made.flags] == [False, True, False, False]


def test_a_refit_learns_the_labels_and_leaves_the_model_as_it_was(models):
    comparisons = [Comparison(f"p{i}", ("a a a", "b b", "c"), (0, 1, 2)) for i in range(4)]
    before = {name: tensor.clone() for name, tensor in models.reward_model.state_dict().items()}
    after = refit(models.reward_model, comparisons, models.tokenizer)
    assert all(torch.equal(before[name], tensor) for name, tensor in models.reward_model.state_dict().items())
    (old_loss, _), (new_loss, _) = (loss_and_accuracy(m, comparisons, models.tokenizer) for m in (models.reward_model, after))
    assert new_loss < old_loss


def test_a_score_is_read_at_the_end_token(models):
    (score,) = score_texts(models.reward_model, "p", ["a b"], models.tokenizer)
    ids = models.tokenizer.encode_example("p", "a b")[0]
    assert ids[-1] == models.tokenizer.end_id
    assert score == pytest.approx(models.reward_model(torch.tensor([ids]))[0, -1].item(), abs=1e-5)


def test_the_static_fallback_shows_one_label_to_those_who_cannot_run_it(tasks, monkeypatch):
    shown = []
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append(data))
    show_ranking(tasks, label((0, 1, 1, 2), flags=(("untrue",), (), (), ())))
    (data,) = shown
    assert set(data) == {static_fallback.WIDGET_VIEW, "text/html", "text/plain"}
    assert "untrue" in data["text/html"] and "<i>" not in data["text/html"]


def test_labels_train_a_reward_model_from_the_command_line(tasks, folder, tmp_path, capsys):
    box = RankingBox(tasks)
    for text in ("1234", "s", "2143h"):
        type_line(box, text)
    command = ["reward", "--comparisons", str(folder / RANKED), "--runs", str(tmp_path), "--name", "mine"]
    assert main(command) == 1
    assert "--start-from data/checkpoints" in capsys.readouterr().err
    assert main([*command, "--start-from", str(SHIPPED)]) == 0
    said = capsys.readouterr().out
    assert "2 comparisons make 1 training steps" in said and "--reward.batch-size 4 --reward.epochs 40" in said
    assert load_model(tmp_path / "mine" / "reward" / "model.safetensors").config.vocab_size == 1024
    assert len(json.loads((tmp_path / "mine" / "comparisons" / "comparisons.json").read_text(encoding="utf-8"))) == 2
    assert main(["reward", "--comparisons", str(folder / NOT_RANKED), "--name", "x"]) == 1
    assert "line 1" in capsys.readouterr().err
