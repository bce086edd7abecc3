"""The dashboard trains as `train_ppo` does, its sliders act on the next iteration, and it obeys its buttons while it trains.

Proves: without a slider moved, the log equals `train_ppo`'s number for number; a moved slider is used from the next
iteration on, kept, and drawn; clicks come in between the parts of an iteration; text of models shows as it is.
"""

import asyncio
from dataclasses import replace

import pytest

from rlhf_lite.checkpoint import TrainingRun
from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_12 import dashboard as dashboard_module
from rlhf_lite.course.lesson_12.dashboard import Dashboard, draw_dashboard, newest_answers_html, recorded_run, show_dashboard
from rlhf_lite.course.lesson_12.live_ppo import KNOBS, LIVE, Change, LivePPO, changes_in_words
from rlhf_lite.gpt import copy_gpt, copy_scalar
from rlhf_lite.optim import OptimConfig
from rlhf_lite.ppo import train_ppo
from rlhf_lite.rollout import reward_model_score
from rlhf_lite.tinyworld.evaluation import Models
from rlhf_lite.tokenizer import Tokenizer

CONFIG = replace(LIVE, iterations=3, episodes=4, minibatch_size=2, max_new_tokens=6,
                 optim=OptimConfig(learning_rate=1e-2, final_fraction=1.0, weight_decay=0.0))  # so that ratios are clipped


@pytest.fixture(scope="module", autouse=True)
def few_prompts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rlhf_lite.course.lesson_12.live_ppo.HELD_OUT_PROMPTS", 3)
        yield


@pytest.fixture
def models(make_gpt, make_scalar_model):
    tokenizer = Tokenizer.train(["a b c"], 258)
    return Models(tokenizer, {"sft": make_gpt(vocab_size=258, context_length=320)},
                  make_scalar_model(vocab_size=258, context_length=320))  # fmt: skip


@pytest.fixture
def live(models):
    return LivePPO(models, CONFIG)


def test_its_log_is_that_of_train_ppo(models, live):
    live.advance(3)
    run, policy = TrainingRun(None, show_progress=False), copy_gpt(models.policies["sft"])
    train_ppo(policy, copy_scalar(models.reward_model), reward_model_score(models.reward_model), live.prompts, CONFIG,
              end_id=models.tokenizer.end_id, pad_id=models.tokenizer.pad_id, seed=0, run=run)  # fmt: skip
    for ours, theirs in zip(live.history, run.history, strict=True):
        assert ours | {"step": theirs["step"]} == theirs | {"gold": ours["gold"]}


def test_the_models_given_are_left_as_they_are_and_a_restart_repeats_the_run(models, live):
    before = {name: tensor.clone() for name, tensor in models.policies["sft"].state_dict().items()}
    live.advance(2)
    first = live.history
    live.restart()
    assert live.history == [] and len(live.answers) == 1
    live.advance(2)
    assert live.history == first
    assert all((before[name] == tensor).all() for name, tensor in models.policies["sft"].state_dict().items())


@pytest.mark.parametrize("key", KNOBS)
def test_each_knob_acts_on_the_next_iteration_and_is_kept(models, live, key):
    knob = KNOBS[key]
    live.advance(1)
    for value in (knob.values[-1], knob.values[0]):
        live.wanted = knob.put(live.wanted, value)
    live.advance(1)
    assert live.changes == [Change(1, key, knob.of(CONFIG), knob.values[0])]  # where it passed through does not count
    unmoved = LivePPO(models, CONFIG)
    unmoved.advance(2)
    assert live.history[0] == unmoved.history[0]
    assert live.history[1] != unmoved.history[1]


def test_the_learning_rate_reaches_the_optimizer(live):
    live.wanted = KNOBS["learning_rate"].put(live.wanted, 2e-3)
    live.advance(1)
    # every group of parameters has it; the value model's rate is its own: step 4 of a warm-up of 10
    assert [group["lr"] for group in live.updater.optimizers["policy"].param_groups] == pytest.approx([2e-3] * 2)
    assert [group["lr"] for group in live.updater.optimizers["value"].param_groups] == pytest.approx([4e-4 * 0.4] * 2)


def test_changes_are_told_in_words():
    changes = [Change(5, "kl_coef", 0.05, 0.0), Change(7, "learning_rate", 2e-4, 1e-3)]
    assert changes_in_words(changes) == (
        "[1] before iteration 6: KL coefficient 0.05 → 0; [2] before iteration 8: learning rate 0.0002 → 0.001"
    )


def history_of(n):
    return [{key: float(i) for key in dashboard_module.PPO_PANELS} for i in range(n)]


def test_the_figure_has_a_panel_a_number_and_a_line_where_a_slider_was_moved():
    figure, alt = draw_dashboard(history_of(4), [Change(2, "kl_coef", 0.05, 0.0)], history_of(3))
    assert len(figure.axes) == 6
    for axes in figure.axes:
        moved, earlier, curve = axes.lines
        assert list(moved.get_xdata()) == [2.5, 2.5]
        assert list(curve.get_xdata()) == [1, 2, 3, 4] and list(curve.get_ydata()) == [0, 1, 2, 3]
        assert list(earlier.get_ydata()) == [0, 1, 2]
    assert "KL coefficient 0.05 → 0" in alt and "clip fraction 0.00 to 3.00 (2.00)" in alt
    assert draw_dashboard([])[1] == "No iteration is done yet."


def test_answers_show_as_text_the_first_and_the_newest():
    page = newest_answers_html("<b>?", ["<i>a", "b", "c", "d", "", "f"])
    assert "&lt;b&gt;?" in page and "&lt;i&gt;a" in page and "<i>" not in page
    assert [name for name in ("before (SFT)", *(f"after iteration {i}<" for i in range(1, 6))) if name in page] == [
        "before (SFT)", "after iteration 3<", "after iteration 4<", "after iteration 5<",
    ]  # fmt: skip
    assert "(nothing)" in page


async def until(condition):
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


def play(live, script):
    """Run a script of clicks on a dashboard in an event loop; return the dashboard."""
    async def run():
        board = Dashboard(live)
        await script(board)
        await until(lambda: board._task is None)
        return board

    return asyncio.run(run())


def test_step_does_one_iteration_and_start_all_that_are_left(live):
    async def script(board):
        assert not board.buttons["Start"].disabled and board.buttons["Pause"].disabled
        board.buttons["Step"].click()
        await until(lambda: live.done == 1 and board._task is None)
        board.buttons["Start"].click()
        await until(lambda: board._task is not None)
        assert board.buttons["Start"].disabled and not board.buttons["Pause"].disabled

    board = play(live, script)
    assert live.done == 3
    assert board.buttons["Start"].disabled and board.buttons["Step"].disabled and board.buttons["Pause"].disabled
    assert "3 iterations done" in board.status.value and "iteration 1 to 3" in board.picture.value
    board.buttons["Start"].click()  # a disabled button cannot be pressed by hand, but by a program


def test_pause_ends_after_the_iteration_and_a_slider_moved_meanwhile_acts_on_the_next(live):
    async def script(board):
        board.buttons["Start"].click()
        await until(lambda: "Iteration 1: " in board.status.value)
        board.sliders["kl_coef"].value = 0.5
        board.buttons["Pause"].click()
        await until(lambda: board._task is None)
        assert live.done == 1 and live.changes == [] and "Paused" in board.status.value
        board.buttons["Step"].click()
        await until(lambda: live.done == 2)

    board = play(live, script)
    assert live.changes == [Change(1, "kl_coef", 0.05, 0.5)]
    assert "before iteration 2: KL coefficient 0.05 → 0.5" in board.moved.value


def test_reset_in_the_middle_begins_again_and_keeps_the_last_run_to_compare(live):
    async def script(board):
        board.buttons["Step"].click()
        await until(lambda: live.done == 1 and board._task is None)
        board.buttons["Start"].click()
        await until(lambda: "Iteration 2: " in board.status.value)
        board.sliders["ratio_clip"].value = 0.05
        board.buttons["Reset"].click()
        await until(lambda: live.done == 0 and board._task is None)
        assert len(board.earlier) == 1 and "Back at the SFT model" in board.status.value
        board.buttons["Step"].click()
        await until(lambda: live.done == 1)

    play(live, script)
    assert live.changes == [] and live.updater.config.ratio_clip == 0.05


def test_an_error_in_training_is_said_and_the_dashboard_can_be_reset(live, monkeypatch):
    async def script(board):
        board.buttons["Start"].click()
        await until(lambda: "FloatingPointError: <no>" in board.status.value.replace("&lt;", "<").replace("&gt;", ">"))
        assert "<no>" not in board.status.value
        monkeypatch.undo()
        board.buttons["Reset"].click()
        await until(lambda: "Back at" in board.status.value)
        board.buttons["Step"].click()
        await until(lambda: live.done == 1)

    def fail(*_):
        raise FloatingPointError("<no>")

    monkeypatch.setattr("rlhf_lite.ppo.PPOUpdater.update", fail)
    play(live, script)


def test_starting_one_dashboard_pauses_the_other(models, live):
    other = LivePPO(models, replace(CONFIG, iterations=50))

    async def script(board):
        second = Dashboard(other)
        second.buttons["Start"].click()
        await until(lambda: "Iteration 1: " in second.status.value)
        board.buttons["Start"].click()
        await until(lambda: second._task is None)

    play(live, script)
    assert other.done < 50 and live.done == 3


def test_the_cell_trains_first_and_its_static_fallback_is_a_recorded_run(models, monkeypatch):
    shown = []
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append(data))

    async def cell():
        return show_dashboard(models, iterations=2, config=CONFIG)

    assert asyncio.run(cell()).done == 2
    (data,) = shown
    history, changes, _, _ = recorded_run()
    assert set(data) == {static_fallback.WIDGET_VIEW, "image/png", "text/plain"} and len(history) >= 20 and len(changes) == 2
    assert data["text/plain"].startswith("A recorded run. Curves of PPO")
