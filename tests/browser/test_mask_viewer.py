"""The mask viewer acts in a browser: tokens by keyboard, masks by mouse, a demonstration of one's own by typing."""

import pytest

CELL = """
import torch
from rlhf_lite.course.lesson_09.mask_viewer import mask_viewer
from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.tokenizer import Tokenizer

torch.manual_seed(0)
tokenizer = Tokenizer.train(["User: Hi\\nAssistant: Hello."], 270)
model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, context_length=100, d_model=16, n_layers=1, n_heads=2)).eval()
mask_viewer({"base": model}, tokenizer, "Hi", "Hello.")
"""


@pytest.fixture
def viewer(open_notebook):
    notebook = open_notebook(CELL)
    notebook.wait_for_text("belongs to the answer")
    return notebook


def test_tokens_by_keyboard(viewer):
    handle = viewer.page.locator(".noUi-handle").first
    handle.focus()
    viewer.page.keyboard.press("ArrowLeft")
    viewer.wait_for_text("belongs to the prompt. It is read and does not count.")
    viewer.page.keyboard.press("ArrowRight")
    viewer.wait_for_text("belongs to the answer. It counts.")
    viewer.page.keyboard.press("End")
    viewer.wait_for_text("It teaches the model to stop.")


def test_masks_by_mouse(viewer):
    viewer.page.locator("button", has_text="one too late").click()
    viewer.wait_for_text("belongs to the answer. It is read and does not count.")


def test_a_demonstration_of_one_s_own_shows_as_it_is(viewer):
    prompt = viewer.page.locator(".widget-text input").first
    prompt.fill("<u>x</u>")
    prompt.press("Tab")
    viewer.page.locator(".widget-html span", has_text="<").first.wait_for()
    assert viewer.page.locator(".jp-OutputArea u").count() == 0, "the reader's text became HTML"
