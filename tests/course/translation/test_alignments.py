"""Chinese can be followed without reading it: every word has its pinyin, and figures say in words what they show.

Proves: the table covers every word that the corpus can write; alt texts name the word looked at most; many panels fit.
"""

import pytest
import torch

from rlhf_lite.course.figures import as_png
from rlhf_lite.course.translation.alignments import draw_alignment, draw_links
from rlhf_lite.course.translation.pinyin import PINYIN, pinyin
from rlhf_lite.tinyworld.translation import ARTICLE_EXAMPLE, WordVocabulary, sentence_pairs


def test_every_chinese_word_has_its_pinyin():
    vocabulary = WordVocabulary(pair.chinese for pair in sentence_pairs(0, 4000))
    assert set(vocabulary.words[4:]) == PINYIN.keys()
    assert pinyin("汤姆 追逐 杰瑞 x") == "Tāngmǔ zhuīzhú Jiéruì x"


def test_links_are_told(recwarn):
    figure, alt = draw_links(ARTICLE_EXAMPLE)
    as_png(figure)
    assert "Lines: Tāngmǔ translates Tom; zhuīzhú translates chase; Jiéruì translates Jerry." in alt
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


@pytest.mark.parametrize("n_panels, n_axes", [(1, 1), (3, 3), (8, 9)])
def test_weights_are_drawn_and_told(n_panels, n_axes, recwarn):
    weights = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.0, 0.3, 0.7], [0.4, 0.3, 0.3]])
    panels = {f"head {n}": weights for n in range(n_panels)}
    figure, alt = draw_alignment(["Tom", "chase", "Jerry"], ["汤姆", "追逐", "杰瑞"], panels)
    as_png(figure)
    assert len(figure.axes) == n_axes
    assert alt.count("Tāngmǔ at Tom 0.70, zhuīzhú at chase 0.80, Jiéruì at Jerry 0.70, (end) at Tom 0.40") == n_panels
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]
