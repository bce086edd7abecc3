"""Figures say in words what they show: every token of every stage, and where each tokenizer ends."""

from rlhf_lite.bpe import BytePairEncoder
from rlhf_lite.course.figures import as_png
from rlhf_lite.course.lesson_02.figures import draw_budgets, draw_cuts, letters_wide, name_of
from rlhf_lite.course.lesson_02.tokenizer_study import MERGES, Reading


def test_cuts_show_every_token_of_every_stage(recwarn):
    encoder = BytePairEncoder.train(["at at at the the"], 260)
    figure, alt = draw_cuts(encoder, "at 汤$", (0, 1, 4))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[:7] == ["a", "t", "·", "<E6>", "<B1>", "<A4>", r"\$"]
    assert "bytes: 7 tokens: a | t | · | <E6>" in alt and "1 merges: 6 tokens: at | ·" in alt
    as_png(figure)
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_a_chinese_character_is_two_letters_wide():
    assert letters_wide("ab") == 2 and letters_wide("汤") == 2


def test_budgets_draw_each_tokenizer_by_text_and_by_computation():
    def run(seed):
        return [
            Reading(merges=merges, steps=128 * n, bytes_read=1_000_000 * n, tokens_read=1, flops=(4 - place) * 1e12 * n,
                    nats_per_token=1.0, bits_per_byte=(4 - place) / n + 0.1 * seed)
            for place, merges in enumerate(MERGES) for n in (1, 2)
        ]  # fmt: skip

    figure, alt = draw_budgets([run(0), run(1)])
    text, computation = figure.axes
    assert [line.get_label() for line in text.lines] == [name_of(merges) for merges in MERGES]
    assert [list(line.get_xdata()) for line in text.lines] == [[1, 2]] * 4
    assert [list(line.get_xdata()) for line in computation.lines] == [[4, 8], [3, 6], [2, 4], [1, 2]]
    assert [round(float(y), 3) for y in text.lines[0].get_ydata()] == [4.05, 2.05]
    assert "mean of 2 seeds, up to 2.0 megabytes" in alt and "bytes from 4.05 to 2.05 with 8.0 × 10¹² FLOPs" in alt
