"""Answers judged one by one are stored a row per prompt, and read back; the small model is ten times smaller.

Proves: rows hold the judge's score and the words of every answer, in the order of the prompts; what is written is read; the seed
is that of the manifest or of the run; the small preset differs from the course's in width and keeps its vocabulary.
"""

import json

import pytest

from rlhf_lite.gpt import TINY
from rlhf_lite.studies.judged_answers import as_rows, held_out_prompts, load_judged, seed_of, write_rows
from rlhf_lite.studies.small_aligned import small_preset
from rlhf_lite.tinyworld.judge import judge
from rlhf_lite.tinyworld.prompts import draw_requests, is_held_out


def test_rows_follow_the_prompts():
    requests = draw_requests("rows", 4)
    texts = [request.good for request in requests[:3]] + ["No idea."]
    rows = as_rows(requests, {"sft": texts})["sft"]
    assert rows["gold"] == pytest.approx([judge(r, text).gold for r, text in zip(requests, texts, strict=True)], abs=1e-3)
    assert rows["words"] == [len(text.split()) for text in texts] and rows["gold"][0] > 0.8 > rows["gold"][3]


def test_prompts_are_held_out_and_the_same_every_time():
    requests = held_out_prompts()
    assert len(requests) == 300 and all(is_held_out(r.use_case, r.combination) for r in requests)
    assert [r.prompt for r in requests[:5]] == [r.prompt for r in held_out_prompts()[:5]]


def test_what_is_written_is_read(tmp_path):
    found = {"seed": 3, "prompts": 2, "answers": {"sft": {"gold": [0.5, 1.0], "words": [3, 4]}}}
    write_rows(tmp_path / "seed-3.json", found)
    assert load_judged(tmp_path) == [found]
    with pytest.raises(FileNotFoundError, match="README"):
        load_judged(tmp_path / "nothing")


def test_the_seed_is_that_of_the_manifest_or_the_run(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"seed": 4}), encoding="utf-8")
    assert seed_of(tmp_path) == 4
    (tmp_path / "manifest.json").write_text(json.dumps({"seed": 5}), encoding="utf-8")
    assert seed_of(tmp_path) == 5


def test_the_small_model_is_ten_times_smaller_and_reads_the_same_tokens():
    small = small_preset().model
    assert 10 < TINY.n_parameters / small.n_parameters < 11 and small.vocab_size == TINY.vocab_size
    assert small_preset().ppo_ptx.ptx_coef > 0
