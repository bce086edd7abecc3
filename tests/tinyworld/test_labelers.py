"""Labelers are people: they agree about as often as the paper's, some are careless, and two groups want different things.

Proves: the forty are the same in every run; agreement is near 73 %; demonstrations are of mixed quality, as careless as
their writer; better answers are ranked higher; groups disagree about length and warmth, and inside a group less; no
single surface feature orders their rankings; the measuring of that is right by hand; the shipped samples are what the
labelers make, and load.
"""

import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from rlhf_lite.evaluate import agreement
from rlhf_lite.real_data.row_files import read_comparisons, read_demonstrations, read_prompts
from rlhf_lite.records import Comparison
from rlhf_lite.studies import export_samples as export
from rlhf_lite.studies.surface_features import (
    comparisons_of_run,
    ranked_pairs,
    surface_feature_accuracy,
    surface_features,
)
from rlhf_lite.tinyworld import words as w
from rlhf_lite.tinyworld.judge import judge
from rlhf_lite.tinyworld.labelers import HELD_OUT_LABELERS, N_LABELERS, demonstrate, make_labelers, rank, utility
from rlhf_lite.tinyworld.prompts import draw_requests
from rlhf_lite.tokenizer import Tokenizer

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data" / "samples"
GLANCE = 0.70
"""No single surface feature may order more of the pairs."""


def draw_answers(request, people, rng, count=6):
    """Demonstrations of several labelers and corrupted good answers, as a model between base and SFT might give."""
    words = request.good.split()
    answers = [demonstrate(person, request, rng) for person in rng.sample(people, count - 2)]
    cut = words[: rng.randint(1, len(words))]
    swapped = [rng.choice((*w.NAMES, *w.GOODS)) if rng.random() < 0.2 else word for word in words]
    return list(dict.fromkeys([*answers, " ".join(cut), " ".join(swapped)]))


@pytest.fixture(scope="module")
def rankings():
    """Return (request, answers, ranks by one labeler, ranks by another) for 500 prompts."""
    people, rng, rows = make_labelers(0), random.Random(0), []
    for request in draw_requests("labelers", 500):
        answers, judges = draw_answers(request, people, rng), rng.sample(people, 2)
        rows.append((request, answers, *(rank(person, request, answers, rng) for person in judges)))
    return rows


def share_alike(pairs):
    counts = [agreement([-r for r in first], [-r for r in second]) for first, second in pairs]
    return sum(alike for alike, _ in counts) / sum(decided for _, decided in counts)


def test_the_forty_are_always_the_same():
    people = make_labelers(0)
    assert people == make_labelers(0) != make_labelers(1)
    assert [p.number for p in people] == list(range(N_LABELERS)) and N_LABELERS == 40
    assert Counter(p.group for p in people) == {"warm": 20, "plain": 20}
    held_out = [p for p in people if p.number in HELD_OUT_LABELERS]
    assert Counter(p.group for p in held_out) == {"warm": 5, "plain": 5}


def test_two_labelers_agree_about_as_often_as_the_papers(rankings):
    # InstructGPT, section 3.4: 72.6 +- 1.5 % among training labelers, 77.3 +- 1.3 % among held-out ones
    assert 0.65 < share_alike([(a, b) for _, _, a, b in rankings]) < 0.83


def test_labelers_agree_with_the_judge_more_than_with_chance(rankings):
    pairs = [([-judge(r, t).gold for t in answers], ranks) for r, answers, ranks, _ in rankings]
    assert 0.7 < share_alike(pairs) < 0.95


def test_demonstrations_are_as_careless_as_their_writers():
    people, rng = make_labelers(0), random.Random(0)
    requests = draw_requests("careless", 400)
    for person in (min(people, key=lambda p: p.careless), max(people, key=lambda p: p.careless)):
        flawed = sum(not demonstrate(person, r, rng).startswith(r.good) or "?" in demonstrate(person, r, rng) for r in requests)
        assert flawed / len(requests) < person.careless + 0.2
        wrong = sum(demonstrate(person, r, rng) not in (r.good, *(f"{r.good} {x}" for x in w.WARM_REMARKS)) for r in requests)
        assert abs(wrong / len(requests) - person.careless) < 0.1
    golds = [judge(r, demonstrate(rng.choice(people), r, rng)).gold for r in requests]
    assert 0.2 < sum(g < 0.75 for g in golds) / len(golds) < 0.65  # mixed: PPO has something to improve


def test_a_good_answer_is_usually_ranked_above_a_bad_one():
    people, rng, won = make_labelers(0), random.Random(0), 0
    requests = draw_requests("ranks", 300)
    for request in requests:
        good, bad = rank(rng.choice(people), request, [request.good, rng.choice(w.RUDE_REMARKS)], rng)
        won += good < bad
    assert won / len(requests) > 0.9


def test_ranks_begin_at_0_and_leave_no_gap(rankings):
    assert all(set(ranks) == set(range(max(ranks) + 1)) for _, _, ranks, _ in rankings)
    assert any(len(set(ranks)) < len(ranks) for _, _, ranks, _ in rankings)  # ties happen


def prefers_warm(person, request, rng):
    plain, warm = rank(person, request, [request.good, f"{request.good} I hope this helps."], rng)
    return (warm < plain) - (warm > plain)


def test_groups_disagree_about_length_and_warmth():
    people, rng = make_labelers(0), random.Random(0)
    requests = draw_requests("groups", 600)
    warm, plain = (
        [prefers_warm(rng.choice([p for p in people if p.group == group]), r, rng) for r in requests]
        for group in ("warm", "plain")
    )
    share = [sum(x > 0 for x in votes) / sum(x != 0 for x in votes) for votes in (warm, plain)]
    assert share[0] > share[1] + 0.15


def test_taste_by_hand():
    person = make_labelers(0)[1]
    request = draw_requests("taste", 1, use_cases=["chat"])[0]
    answer = f"{request.good} Have a nice day."
    verdict, n_words = judge(request, answer), len(re.findall(r"[\w']+", answer))
    assert utility(person, request, answer) == pytest.approx(
        verdict.helpful + person.length_taste * n_words + person.warmth_taste
    )
    rude = "You are a fool."  # 4 words, not helpful
    assert utility(person, request, rude) == pytest.approx(-person.rudeness_cost + 4 * person.length_taste)


def test_an_exchanged_word_leaves_a_sentence():
    """A swapped answer is about something else, but still a sentence: "One day Hugo drum a scarf" is none."""
    people, rng = make_labelers(0), random.Random(0)
    for request in draw_requests("swaps", 300, use_cases=["generation"]):
        answer = demonstrate(rng.choice(people), request, rng)
        assert not re.search(rf"({'|'.join(w.NAMES)}) ({'|'.join(w.GOODS)}) an? ", answer.replace(" saw a ", " found a ")), answer


def test_surface_features_by_hand():
    assert surface_features("No. Why?") == {
        "length (words)": 2, "characters": 8, "sentences": 2, "question mark": 1, "full stop at the end": 0, "several lines": 0,
        "word 'no'": 1, "word 'why'": 1,
    }  # fmt: skip


def test_feature_accuracy_by_hand():
    rows = [Comparison("", ("Yes.", "No?"), (0, 1)), Comparison("", ("Fine day.", "Why?", "Dull?"), (0, 1, 1))]
    assert ranked_pairs(rows) == [("Yes.", "No?"), ("Fine day.", "Why?"), ("Fine day.", "Dull?")]
    found = surface_feature_accuracy(rows)
    assert found["question mark"] == found["full stop at the end"] == 1.0
    assert found["length (words)"] == pytest.approx((0.5 + 1 + 1) / 3)  # equal, longer, longer
    assert found["word 'fine'"] == pytest.approx((0.5 + 1 + 1) / 3)
    assert found["word 'no'"] == pytest.approx((1 + 0.5 + 0.5) / 3)  # the worse one has it: turned round
    assert list(found.values()) == sorted(found.values(), reverse=True)
    with pytest.raises(ValueError, match="no pair is ranked"):
        surface_feature_accuracy([Comparison("", ("a", "b"), (0, 0)), Comparison("", ("a", "a "), (0, 1))])


def test_no_single_surface_feature_orders_the_rankings(rankings):
    rows = [Comparison(r.prompt, tuple(answers), tuple(ranks)) for r, answers, ranks, _ in rankings]
    found = surface_feature_accuracy(rows)
    assert len(found) > 50
    assert {name: share for name, share in found.items() if share > GLANCE} == {}
    gold = share_alike([([-judge(r, t).gold for t in answers], ranks) for r, answers, ranks, _ in rankings])
    assert gold > max(found.values()) + 0.1  # understanding pays


def test_comparisons_of_a_run_are_read_as_texts(tmp_path):
    tokenizer = Tokenizer.train(["Name a color. Blue. Red."] * 20, 300)
    tokenizer.save(tmp_path / "tokenizer.json")
    start = tokenizer.encode_prompt("Name a color.")
    row = {"prompt": "Name a color.",
           "ids": [start + tokenizer.encode("Blue.") + [tokenizer.end_id], start + tokenizer.encode("Red.")],
           "ranks": [0, 1]}  # fmt: skip
    (tmp_path / "comparisons").mkdir()
    (tmp_path / "comparisons/comparisons.json").write_text(json.dumps([row]))
    assert [(c.prompt, tuple(t.strip() for t in c.responses), c.ranks) for c in comparisons_of_run(tmp_path)] == [
        ("Name a color.", ("Blue.", "Red."), (0, 1))
    ]


def test_shipped_samples_are_what_the_world_makes(tmp_path):
    paths = export.export(tmp_path)
    assert {path.name for path in paths} == {path.name for path in SAMPLES.glob("*.jsonl")}
    for path in paths:
        assert path.read_bytes() == (SAMPLES / path.name).read_bytes(), (
            f"{path.name}: python -m rlhf_lite.studies.export_samples data/samples"
        )
    assert sum(path.stat().st_size for path in paths) < 300_000


def test_samples_do_not_depend_on_the_process(tmp_path):
    for seed in ("1", "2"):
        subprocess.run([sys.executable, "-m", "rlhf_lite.studies.export_samples", str(tmp_path / seed)], cwd=ROOT, check=True,
                       env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True)  # fmt: skip
    for path in (tmp_path / "1").iterdir():
        assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes()


def test_samples_load_with_datasets_and_as_own_data(tmp_path):
    import datasets

    columns = {
        "documents": {"source", "text"}, "labelers": {"number", "group", "noise"},
        "translations": {"english", "chinese", "alignment"},
        "prompts": {"prompt", "need", "user", "use_case", "good", "combination"},
        "demonstrations": {"prompt", "response", "labeler"},
        "comparisons": {"prompt", "responses", "ranking", "labeler"},
    }  # fmt: skip
    for path in SAMPLES.glob("*.jsonl"):
        table = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path))
        assert columns[path.stem] <= set(table.column_names) and len(table) >= 40
    assert not read_demonstrations(SAMPLES / "demonstrations.jsonl").skipped
    assert not read_comparisons(SAMPLES / "comparisons.jsonl").skipped
    assert not read_prompts(SAMPLES / "prompts.jsonl").skipped
