"""The blank box acts in a browser: a word is hidden by mouse or keyboard, and each model's guess is shown for that place.

The two models stand in for trained ones, so that their guesses are known: BERT's knows the sentence by heart, GPT's repeats
the word before. Trying every word, GPT's finds those that repeat a neighbour, left or right, equally likely.
"""

import pytest

CELL = """
from types import SimpleNamespace

import torch
from torch.nn.functional import one_hot
from rlhf_lite.course.lesson_07.blank_box import SENTENCE, show_blanks
from rlhf_lite.course.lesson_07.pair import Texts
from rlhf_lite.data import pack_documents
from rlhf_lite.tokenizer import Tokenizer

tokenizer = Tokenizer.train([SENTENCE], 400)
stream = pack_documents([SENTENCE], tokenizer).long()
texts = Texts(tokenizer, stream, torch.tensor([0]), [])
V = tokenizer.vocab_size + 1
by_heart = [tokenizer.end_id, *stream.tolist()]

class Bert:
    def __call__(self, tokens):
        return 20.0 * one_hot(torch.tensor(by_heart)[None, : tokens.shape[1]], V)

class Gpt:
    config = SimpleNamespace(vocab_size=V)

    def __call__(self, tokens):
        return 20.0 * one_hot(tokens, V)

show_blanks(Bert(), Gpt(), texts)
"""
WORDS = "Anna met Tom at the park and saw a kite . Tom liked the kite very much .".split()


@pytest.fixture
def blanks(open_notebook):
    notebook = open_notebook(CELL)
    notebook.page.set_default_timeout(30_000)
    notebook.wait_for_text("the word that stood there")
    return notebook


def labels(blanks):
    return blanks.page.locator("button[title^='Hide word']").all_inner_texts()


def hidden(place, words=WORDS):
    return [*words[:place], "____", *words[place + 1 :]]


def guesses(blanks):
    """Return the likeliest words: BERT's, GPT's from the left side, and two of GPT's when every word is tried."""
    tables = blanks.html("the word that stood there").locator("table")
    best = [blanks.rows(tables.nth(i)) for i in range(tables.count())]
    return [row for rows, count in zip(best, (1, 1, 2), strict=False) for row in sorted(rows[:count])]


def test_words_are_hidden_by_mouse_and_by_keyboard(blanks):
    blanks.expect(lambda: labels(blanks), hidden(9))
    blanks.expect(lambda: guesses(blanks), ["kite ★ 1.00", "a 1.00", ". 0.50", "a 0.50"])
    blanks.page.get_by_title("Hide word 6", exact=True).click()
    blanks.expect(lambda: labels(blanks), hidden(5))
    blanks.expect(lambda: guesses(blanks), ["park ★ 1.00", "the 1.00", "and 0.50", "the 0.50"])
    blanks.focus_and_press(blanks.page.get_by_title("Hide word 6", exact=True), "Tab", "Tab", "Space")
    blanks.expect(lambda: labels(blanks), hidden(7))
    blanks.expect(lambda: guesses(blanks), ["saw ★ 1.00", "and 1.00", "a 0.50", "and 0.50"])


def test_another_sentence_by_keyboard(blanks):
    sentence = blanks.page.get_by_label("sentence")
    sentence.click()
    for text, expected in (("Anna saw a kite.", ["____", "saw", "a", "kite", "."]), (" ", [])):
        blanks.page.keyboard.press("Control+a")
        blanks.page.keyboard.type(text)
        blanks.page.keyboard.press("Enter")
        blanks.expect(lambda: labels(blanks), expected)
    blanks.wait_for_text("Write a sentence first.")
    sentence.fill("<u>x</u>")
    sentence.press("Enter")
    blanks.expect(lambda: labels(blanks), ["____", *"u>x</u>"])
    blanks.page.get_by_title("Hide word 2", exact=True).click()
    blanks.expect(lambda: guesses(blanks)[1], "< 1.00")  # GPT's repeats the sign before
    assert blanks.page.locator(".jp-OutputArea u").count() == 0, "the reader's text became HTML"
