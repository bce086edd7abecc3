"""The dashboard in a browser: it trains, pauses and goes on; sliders moved by keyboard and mouse act on the next iteration."""

import re

import pytest

from rlhf_lite.course.lesson_12.dashboard import ROOT

CELL = f"""
from dataclasses import replace

from rlhf_lite.course.lesson_12 import live_ppo
from rlhf_lite.course.lesson_12.dashboard import show_dashboard
from rlhf_lite.tinyworld.evaluation import load_models

live_ppo.HELD_OUT_PROMPTS = 4
config = replace(live_ppo.LIVE, iterations=40, episodes=8, minibatch_size=8, inner_epochs=1, max_new_tokens=8)
live = show_dashboard(load_models({str(ROOT / "data" / "checkpoints")!r}), iterations=1, config=config)
"""
REPORT = "print('asked:', live.updater.config.kl_coef, live.updater.config.temperature, len(live.history))"
SHOWN = re.compile(r"iteration 1 to (\d+)")


@pytest.fixture
def board(open_notebook):
    faults = []
    notebook = open_notebook(CELL, "live = live")
    notebook.page.on("pageerror", lambda error: faults.append(str(error)))
    notebook.page.locator("img[alt^='Curves of PPO, iteration 1 to 1:']").first.wait_for()
    yield notebook
    assert faults == []
    assert notebook.page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0


def button(board, name):
    return board.page.get_by_role("button", name=name, exact=True)


def picture(board):
    return board.page.locator(".widget-html img").first


def iterations_shown(board):
    return int(SHOWN.search(picture(board).get_attribute("alt"))[1])


def wait_until(board, condition):
    """Wait until a condition holds: training takes its time."""
    for _ in range(600):
        if condition():
            return
        board.page.wait_for_timeout(100)
    raise AssertionError(f"it did not happen; the dashboard says {board.page.locator('[role=status]').inner_text()!r}")


def wait_until_paused(board):
    wait_until(board, lambda: button(board, "Start").is_enabled() and button(board, "Pause").is_disabled())


def ask_kernel(board, source):
    """Run a piece of code in the second cell and return what it prints."""
    board.page.evaluate(
        """source => { const notebook = window.jupyterapp.shell.currentWidget.content;
        notebook.activeCellIndex = 1; notebook.activeCell.model.sharedModel.setSource(source); }""", source,
    )  # fmt: skip
    board.command("notebook:run-cell")
    output = board.page.locator(".jp-Cell").nth(1).locator(".jp-OutputArea-output", has_text="asked:")
    output.wait_for()
    return output.inner_text().split()[1:]


def test_start_and_pause_by_mouse_while_other_cells_run(board):
    before = picture(board).get_attribute("src")
    button(board, "Start").click()
    wait_until(board, lambda: iterations_shown(board) >= 3)
    assert button(board, "Start").is_disabled() and picture(board).get_attribute("src") != before
    assert int(ask_kernel(board, REPORT)[2]) >= 3  # answered while training goes on
    count = iterations_shown(board)
    wait_until(board, lambda: iterations_shown(board) > count)
    button(board, "Pause").click()
    wait_until_paused(board)
    count = iterations_shown(board)
    board.page.wait_for_timeout(1500)
    assert iterations_shown(board) == count
    assert int(ask_kernel(board, REPORT)[2]) == count


def test_a_slider_moved_by_keyboard_while_it_trains_acts_on_the_next_iteration(board):
    button(board, "Start").focus()
    board.page.keyboard.press("Space")
    wait_until(board, lambda: iterations_shown(board) >= 2)
    board.page.locator(".noUi-handle").nth(0).focus()
    board.page.keyboard.press("ArrowRight")
    moved = board.page.locator(".widget-html", has_text="KL coefficient 0.05 → 0.1").first
    moved.wait_for()
    acted_on = int(re.search(r"before iteration (\d+)", moved.inner_text())[1])
    button(board, "Pause").focus()
    board.page.keyboard.press("Space")
    wait_until_paused(board)
    assert iterations_shown(board) >= acted_on and "KL coefficient 0.05 → 0.1" in picture(board).get_attribute("alt")
    assert ask_kernel(board, REPORT)[0] == "0.1"


def test_a_slider_moved_by_mouse_then_step_and_reset(board):
    track = board.page.locator(".noUi-target").nth(3)
    box = track.bounding_box()
    board.page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    button(board, "Step").click()
    wait_until(board, lambda: iterations_shown(board) == 2)
    wait_until_paused(board)
    assert "before iteration 2: temperature 1 → 0.5" in picture(board).get_attribute("alt")
    assert ask_kernel(board, REPORT)[1:] == ["0.5", "2"]
    button(board, "Reset").click()
    board.page.get_by_text("Back at the SFT model", exact=False).wait_for()
    assert board.page.locator(".widget-html", has_text="Sliders moved:").count() == 0
    button(board, "Step").click()
    wait_until(board, lambda: "in brackets the last value of the run before" in picture(board).get_attribute("alt"))
    assert ask_kernel(board, REPORT)[1] == "0.5"  # the slider stayed where it was
