"""Heads: where they look is what the model used, pointing right is counted by hand, and a head cut off adds nothing.

Proves: the words and weights belong together; the share of words that point right equals a count word by word; cutting a
head changes what its slice wrote and nothing else; the widget follows its sliders and its text box, and shows text as text.
"""

import pytest
import torch

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_04.heads import (
    ALL,
    Looks,
    draw_all_heads,
    head_box,
    head_picker,
    look,
    pointing_right,
    weights_html,
    without_heads,
)
from rlhf_lite.course.translation.translators import build_translator, translation_task


@pytest.fixture(scope="module")
def task():
    return translation_task(0, 60, 20)


@pytest.fixture(scope="module")
def model(task):
    return build_translator("transformer", task).eval()


@pytest.fixture
def three():
    weights = torch.tensor([[[[0.7, 0.3], [0.2, 0.8]], [[0.1, 0.9], [0.4, 0.6]]]])  # 1 block, 2 heads, 2 rows, 2 words
    return Looks(["<b>", "Jerry"], ["汤姆"], weights)


def test_a_head_is_chosen_by_number_and_all_is_their_mean(three):
    assert three.of(1, 2).tolist() == three.weights[0, 1].tolist()
    torch.testing.assert_close(three.of(1, ALL), torch.tensor([[0.4, 0.6], [0.3, 0.7]]))


def test_looks_have_a_row_for_each_word_written_and_the_end(task, model):
    looks = look(model, task, task.train[1].english)
    assert list(looks.english) == task.train[1].english.split()
    assert looks.weights.shape == (2, 4, len(looks.chinese) + 1, len(looks.english))
    torch.testing.assert_close(looks.weights.sum(-1), torch.ones(looks.weights.shape[:-1]))
    with pytest.raises(ValueError, match="elephant"):
        look(model, task, "Tom chases an elephant")


def test_pointing_right_is_a_count_word_by_word(task, model):
    hits, linked = torch.zeros(2, 4), 0
    for pair in task.held_out:
        batch = task.batch([pair])
        looks = model.cross_attention(batch.source, batch.source_mask, batch.target)[0].argmax(-1)
        for i in {i for i, _ in pair.alignment}:
            linked += 1
            for block in range(2):
                for head in range(4):
                    hits[block, head] += (i, looks[block, head, i].item()) in pair.alignment
    torch.testing.assert_close(pointing_right(model, task, task.held_out), hits / linked)


def test_a_head_cut_off_adds_nothing_and_the_others_stay(task, model):
    cut, batch = without_heads(model, 2, [3]), task.batch(task.held_out[:4])
    x, memory = torch.randn(1, 5, 64), torch.randn(1, 6, 64)
    attention, before = cut.decoder[1].cross_attention, model.decoder[1].cross_attention
    query, key, value = before.heads(x, memory)
    mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    mixed[:, 2] = 0
    expected = before.output(mixed.transpose(1, 2).flatten(2))
    torch.testing.assert_close(attention(x, memory), expected, atol=1e-5, rtol=1e-5)
    changed = {name for (name, p), q in zip(model.named_parameters(), cut.parameters(), strict=True) if not torch.equal(p, q)}
    assert changed == {"decoder.1.cross_attention.output.weight"}
    same = without_heads(model, 1, [])
    torch.testing.assert_close(
        same(batch.source, batch.source_mask, batch.target), model(batch.source, batch.source_mask, batch.target)
    )


def test_the_table_shows_words_as_text_and_marks_the_largest(three):
    page = weights_html(three, three.of(1, 1))
    assert "&lt;b&gt;" in page and "<b>0.70</b>" in page and "<b>0.30</b>" not in page
    assert "Tāngmǔ 汤姆" in page and "(end)" in page


def test_the_figure_holds_every_head(task, model):
    figure, alt = draw_all_heads(look(model, task, task.train[1].english))
    assert len([axes for axes in figure.axes if axes.axison]) == 9
    assert "block 2, head 4" in alt and "mean of all heads" in alt


def test_the_box_follows_sliders_and_text(task, model):
    typed, block, head, shown = head_box(model, task, task.train[1].english).children
    pages = [shown.value]
    block.value = 2
    pages.append(shown.value)
    head.value = 1
    pages.append(shown.value)
    typed.value = task.train[2].english
    pages.append(shown.value)
    assert len(set(pages)) == 4
    typed.value = "<i>x</i>"
    assert "&lt;i&gt;" in shown.value and "<i>" not in shown.value
    typed.value = ""
    assert "empty" in shown.value


def test_the_picker_leaves_a_figure_where_nothing_runs(task, model, monkeypatch):
    shown = []
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "display", lambda data, **options: shown.append((data, options)))
    monkeypatch.setattr(static_fallback, "show_words", shown.append)
    head_picker(model, task, task.train[1].english)
    (data, options), alt = shown
    assert data["image/png"] and data["text/plain"] == alt == options["metadata"]["image/png"]["alt"]
