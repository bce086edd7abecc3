"""The scoreboard measures what it says.

Proves: blanks are words and never the first; a guess is right where it names the hidden word; writing on appends and ends with
the document; a classifier learns its labels and is tested on other sentences; both models are read at the last token; the
studies' rows hold every measure once per model; what is stored is of equal budgets.
"""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rlhf_lite.course.lesson_07 import fates_study, heads_study, pair, pair_study, scoreboard
from rlhf_lite.course.lesson_07.seed_files import by_measure, measure_missing, read_rows
from rlhf_lite.data import seeded_generator
from rlhf_lite.tinyworld import words as w

STORED = Path(__file__).parents[3] / "data" / "bert_study"


def test_blanks_are_words_and_never_the_first(texts):
    blanks = scoreboard.draw_blanks(texts, 50)
    assert blanks == scoreboard.draw_blanks(texts, 50) and len({place for _, place in blanks}) > 5
    assert all(place > 0 and texts.tokenizer.decode([ids[place]]).strip().isalpha() for ids, place in blanks)
    with pytest.raises(ValueError, match="only 300"):
        scoreboard.draw_blanks(texts, 301)


def test_a_guess_is_right_where_it_names_the_hidden_word(texts):
    blanks = scoreboard.draw_blanks(texts, 40)
    truth = [torch.nn.functional.one_hot(torch.tensor(ids[place]), 1025) for ids, place in blanks]
    given = iter([*truth[:30], *[torch.zeros(1025)] * 10])  # the last ten name token 0, which hides nowhere
    assert scoreboard.share_guessed(lambda ids, place: next(given), blanks) == 0.75


def test_the_four_guesses_look_where_they_say(texts, models):
    bert, gpt = models
    ids, found = texts.tokenizer.encode("Anna met Tom at the park and saw a kite."), scoreboard.guesses(*models, texts)
    torch.testing.assert_close(found["BERT", "both sides"](ids, 4), pair.bert_fills(bert, texts, ids, 4))
    torch.testing.assert_close(found["BERT", "left side"](ids, 4), pair.bert_continues(bert, texts, ids[:4]))
    torch.testing.assert_close(found["GPT", "left side"](ids, 4), pair.gpt_continues(gpt, texts, ids[:4]))
    torch.testing.assert_close(found["GPT", "both sides"](ids, 4), pair.gpt_fills(gpt, texts, ids, 4, texts.vocabulary))


def test_writing_on_appends_until_the_end(texts):
    script = iter([7, 8, 9, texts.tokenizer.end_id, 5])
    seen = []

    def continues(ids):
        seen.append(list(ids))
        return torch.nn.functional.one_hot(torch.tensor(next(script)), 1025).float()

    assert scoreboard.write_on(continues, texts, [3, 4], seeded_generator("x")) == [3, 4, 7, 8, 9]
    assert seen == [[3, 4], [3, 4, 7], [3, 4, 7, 8], [3, 4, 7, 8, 9]]
    endless = scoreboard.write_on(lambda ids: torch.eye(1025)[6], texts, [3], seeded_generator("x"))
    assert endless == [3, *[6] * scoreboard.WRITTEN]


def test_all_at_once_keeps_the_beginning_and_writes_no_special_token(texts, models):
    written = scoreboard.fill_all_at_once(models[0], texts, [3, 4], seeded_generator("x"))
    assert written[:2] == [3, 4] and len(written) <= 2 + scoreboard.WRITTEN
    assert not {texts.tokenizer.end_id, texts.mask_id} & set(written[2:])


def test_fluency_is_high_for_the_worlds_own_texts_and_low_for_noise(texts):
    own = iter([ids for ids in texts.unseen if len(ids) > 2 * scoreboard.BEGINNING][:20])
    assert scoreboard.written_fluency(lambda ids, generator: next(own), texts, count=20) > 0.88
    noise = torch.randint(300, 1000, (16,), generator=seeded_generator("x")).tolist()
    assert scoreboard.written_fluency(lambda ids, generator: [*ids, *noise], texts, count=5) < 0.7


def test_reviews_use_the_sentences_given(texts):
    rows, labels = scoreboard.label_reviews(texts, 1, 6, w.PRAISE[:2], w.BLAME[:2])
    assert labels.tolist() == [0, 1, 0, 1, 0, 1]
    for row, label in zip(rows, labels, strict=True):
        text = texts.tokenizer.decode(row)
        assert all((sentence in text) == (label == 1) for sentence in w.PRAISE[:2])
        assert all((sentence in text) == (label == 0) for sentence in w.BLAME[:2])
        assert text.startswith("Review: ")


def test_what_is_read_off_is_the_end_or_where_the_opinion_is_named(texts, models):
    bert, gpt = models
    ids, end = texts.tokenizer.encode("Review: Anna bought a hat. I love it."), texts.tokenizer.end_id
    assert all(scoreboard.laid_out(model, texts, ids, "end of the review") == [end, *ids, end] for model in models)
    at_stars = scoreboard.laid_out(gpt, texts, ids, "at the stars")
    assert texts.tokenizer.decode(at_stars[1:]) == "Review: Anna bought a hat. I love it.\nStars:"
    assert scoreboard.laid_out(bert, texts, ids, "at the stars") == [*at_stars, texts.mask_id]


def test_both_are_read_at_their_last_token(texts, models):
    rows = [[5, 6, 7], [5, 6], [8, 9, 10]]
    for model in models:
        alone = torch.stack([model.hidden(torch.tensor([row]))[0, -1] for row in rows])
        torch.testing.assert_close(scoreboard.read_off(model, rows), alone)


def test_a_copy_learns_and_the_original_stays(texts, models, monkeypatch):
    monkeypatch.setattr(scoreboard, "HEAD_STEPS", 3)
    for model in models:
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        shares = [scoreboard.classify_by_fine_tuning(model, texts, 0, place) for place in scoreboard.PLACES]
        assert all(0 <= share <= 1 for share in shares)
        assert shares == [scoreboard.classify_by_fine_tuning(model, texts, 0, place) for place in scoreboard.PLACES]
        assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_labels_are_learnt_where_the_test_uses_the_same_sentences(texts, models, monkeypatch):
    monkeypatch.setattr(w, "PRAISE", w.PRAISE[:2] * 2)
    monkeypatch.setattr(w, "BLAME", w.BLAME[:2] * 2)
    monkeypatch.setattr(scoreboard.random.Random, "sample", lambda self, rows, k: list(rows)[:k])
    assert scoreboard.classify_by_fine_tuning(models[0], texts, 0, "end of the review") > 0.9


def test_body_and_head_are_both_trained(texts, models):
    rows, labels = scoreboard.label_reviews(texts, 1, 4, w.PRAISE[:2], w.BLAME[:2])
    body, head = scoreboard.fine_tune(models[1], rows, labels)
    assert not torch.equal(body.blocks[0].attention.query.weight, models[1].blocks[0].attention.query.weight)
    with torch.no_grad():
        assert ((head(scoreboard.read_off(body, rows)).squeeze(1) > 0) == (labels > 0)).all()


@pytest.fixture
def quick(monkeypatch):
    for module in (scoreboard, pair_study, fates_study):
        monkeypatch.setattr(module, "BLANKS", 4, raising=False)
    monkeypatch.setattr(pair_study, "TRIED_BLANKS", 1)
    monkeypatch.setattr(scoreboard, "DRAWS", 1)
    monkeypatch.setattr(scoreboard, "HEAD_STEPS", 1)
    monkeypatch.setattr(pair_study, "written_fluency", lambda *given: 0.5)


def test_the_studies_rows_hold_each_measure_once_per_model(texts, quick):
    small = replace(texts, unseen=texts.unseen[:8])
    found = by_measure([pair_study.measure_pair(0, steps=2, texts=small)])
    assert set(found) == {"loss", "tokens read", "blank, both sides", "blank, left side", "writing"}
    assert all(len(values) == 1 for models in found.values() for values in models.values())
    assert found["tokens read"] == {"BERT": [1536.0], "GPT": [1536.0]}
    fates = by_measure([fates_study.measure_fates(0, steps=2, texts=small)])
    assert set(fates) == {"blank", "a wrong word in view", "the right word in view"}
    assert all(set(values) == set(fates_study.FATES) for values in fates.values())
    heads = by_measure([heads_study.measure_heads(0, steps=2, texts=small)])
    assert set(heads) == set(scoreboard.PLACES)
    assert all(list(models) == ["BERT", "GPT", "BERT, not trained", "GPT, not trained"] for models in heads.values())


def test_fates_differ_in_what_becomes_of_the_same_chosen_words(texts):
    tokens = texts.batch(0, 0)
    mixed, chosen = fates_study.hidden_batch(tokens, texts, "80/10/10", seeded_generator("x"))
    blank, same = fates_study.hidden_batch(tokens, texts, "blanks only", seeded_generator("x"))
    assert torch.equal(chosen, same) and (blank[chosen] == texts.mask_id).all() and not (mixed[chosen] == texts.mask_id).all()
    assert torch.equal(blank[~chosen], tokens[~chosen])


def test_a_copy_machine_names_the_word_in_view(texts):
    class Copies(torch.nn.Module):
        def forward(self, tokens):
            return torch.nn.functional.one_hot(tokens, 1025).float()

    assert fates_study.share_in_view(Copies(), texts, replace=False, count=10) == 1
    assert fates_study.share_in_view(Copies(), texts, replace=True, count=10) == 0


def test_a_seed_is_measured_once_and_read_back(tmp_path, monkeypatch):
    asked = []

    def measure(seed):
        asked.append(seed)
        return [{"measure": "m", "model": "a", "value": seed + 0.123456}]

    measure_missing("pair", measure, [str(tmp_path), "0", "1"])
    measure_missing("pair", measure, [str(tmp_path), "1", "2"])
    assert asked == [0, 1, 2] and by_measure(read_rows(tmp_path, "pair")) == {"m": {"a": [0.1235, 1.1235, 2.1235]}}
    with pytest.raises(FileNotFoundError, match="few_shot"):
        read_rows(tmp_path, "shots")


def test_stored_budgets_are_equal():
    board = by_measure(read_rows(STORED, "pair"))
    assert board["tokens read"]["BERT"] == board["tokens read"]["GPT"]
    assert set(board["tokens read"]["BERT"]) == {float(pair.STEPS * pair.BATCH_SIZE * pair.LENGTH)}
