"""Each fault changes in the real code what it says and nothing else, the library is whole again afterwards, and each is found.

Proves: what a rollout holds with each fault, against the sound one from the same random numbers; that checks before the first
update find every fault; that stored runs are there, whole, and drawn; that the shipped edits fit the library's text.
"""

import json
from dataclasses import replace

import pytest
import torch

from rlhf_lite import ppo, rollout
from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_12 import wrong_runs
from rlhf_lite.course.lesson_12.injected_faults import COOL, FAULTS, SOUND, Edit, Fault, injected
from rlhf_lite.course.lesson_12.sanity_checks import CHECKS, failed, mask_from_text, run_sanity_checks, sanity_checks_html
from rlhf_lite.course.lesson_12.wrong_runs import (
    CHECKPOINTS,
    CONFIG,
    KEPT,
    OVERVIEW,
    PANELS,
    RUNS,
    SEEDS,
    columns,
    draw_own_run,
    draw_run,
    draw_runs,
    file_of,
    runs_box,
    show_wrong_runs,
    stored_runs,
    train_with,
)
from rlhf_lite.data import seeded_generator
from rlhf_lite.gpt import copy_gpt, copy_scalar
from rlhf_lite.likelihood import entropy, k1
from rlhf_lite.ppo import PPOConfig
from rlhf_lite.tinyworld.evaluation import load_models

PROMPTS = [[3, 4], [5, 6, 7], [2], [8, 9, 3, 2]] * 2
END, PAD = 6, 0


@pytest.fixture
def roll(make_gpt, make_scalar_model):
    """Collect a rollout of a small policy with a fault, each time from the same random numbers."""
    def collect(fault):
        policy = copy_gpt(make_gpt(), dropout=fault.dropout)
        policy.train(fault.dropout > 0)
        config = PPOConfig(episodes=8, minibatch_size=8, max_new_tokens=8)
        with injected(fault):
            return rollout.collect_rollout(
                policy, make_gpt(1), make_scalar_model(2), lambda tokens, mask: mask.sum(1).float(), PROMPTS, config,
                end_id=END, pad_id=PAD, generator=seeded_generator("wrong runs"),
            )  # fmt: skip

    return collect


def test_the_sound_code_is_the_library_s(roll, make_gpt, make_scalar_model):
    sound = roll(SOUND)
    assert len({int(row.sum()) for row in sound.mask}) > 1  # rows of several lengths: there is padding to be wrong about
    with injected(SOUND):
        assert ppo.check_first_minibatch({"max_log_ratio": 7.0}) is None
    with pytest.raises(RuntimeError, match="by 7 nats"):
        ppo.check_first_minibatch({"max_log_ratio": 7.0, "ratio": 1.0, "clip_fraction": 0.0})


def test_the_mask_lies_one_place_too_late(roll):
    sound, wrong = roll(SOUND), roll(FAULTS["mask off by one"])
    assert torch.equal(wrong.tokens, sound.tokens)
    assert torch.equal(wrong.mask[:, 1:], sound.mask[:, :-1]) and not wrong.mask[:, 0].any()
    short = int(sound.mask.sum(1).argmin())
    assert wrong.tokens[short, 1:][wrong.mask[short]][-1] == PAD
    assert wrong.rewards[short].nonzero().max() == sound.rewards[short].nonzero().max() + 1


def test_without_kl_the_rewards_are_the_score_alone(roll):
    sound, wrong = roll(SOUND), roll(FAULTS["KL off"])
    assert torch.equal(wrong.rewards.sum(1), sound.scores)
    penalty = 0.05 * k1(sound.old_log_probs, sound.ref_log_probs).masked_fill(~sound.mask, 0)
    torch.testing.assert_close(wrong.rewards - penalty, sound.rewards)
    assert penalty.abs().max() > 0


def test_dropout_changes_log_probs_and_not_the_answers(roll):
    sound, wrong = roll(SOUND), roll(FAULTS["dropout on"])
    assert torch.equal(wrong.tokens, sound.tokens) and torch.equal(wrong.ref_log_probs, sound.ref_log_probs)
    assert not torch.allclose(wrong.old_log_probs, sound.old_log_probs, atol=1e-2)
    assert not torch.equal(wrong.old_log_probs, roll(FAULTS["dropout on"]).old_log_probs)  # each pass another one


def test_the_reward_lies_on_padding(roll):
    sound, wrong = roll(SOUND), roll(FAULTS["reward on padding"])
    scores_at_the_end = (wrong.rewards - sound.rewards)[:, -1]
    padded = ~sound.mask[:, -1]
    assert padded.any() and torch.equal(scores_at_the_end[padded], sound.scores[padded])
    torch.testing.assert_close(wrong.rewards.sum(1), sound.rewards.sum(1))  # so the sum over the whole row finds nothing,
    assert torch.equal(sound.scores, wrong.scores)
    with pytest.raises(RuntimeError, match="rewards from scores by"):  # but the library's check, over sampled tokens, does
        ppo.check_first_rollout(replace(wrong, ref_log_probs=wrong.old_log_probs), 0.05)


def test_without_whitening_only_the_scale_of_advantages_differs(roll):
    sound, wrong = roll(SOUND), roll(FAULTS["no whitening"])
    assert torch.equal(wrong.returns, sound.returns)
    kept = wrong.advantages[wrong.mask]
    deviation = kept.std(unbiased=False)
    torch.testing.assert_close((kept - kept.mean()) / deviation, sound.advantages[sound.mask], atol=1e-4, rtol=1e-4)
    assert abs(deviation - 1) > 0.05


def test_answers_are_cooler_than_the_log_probs_say(roll, monkeypatch):
    seen, real = [], rollout.generate
    monkeypatch.setattr(rollout, "generate", lambda *args, **more: seen.append(more["temperature"]) or real(*args, **more))
    roll(SOUND)
    roll(FAULTS["wrong temperature"])
    assert seen == [1.0, COOL]


@pytest.mark.parametrize("name", FAULTS)
def test_edits_show_a_line_and_are_undone_after_the_block(name):
    functions = rollout.collect_rollout, rollout.token_rewards, ppo.train_ppo, ppo.check_first_rollout
    for edit in FAULTS[name].edits:
        before, after = edit.lines()
        assert before != after and edit.after in after
    with pytest.raises(KeyError), injected(FAULTS[name]):
        assert ppo.collect_rollout is rollout.collect_rollout  # replaced wherever it is known
        raise KeyError
    assert functions == (rollout.collect_rollout, rollout.token_rewards, ppo.train_ppo, ppo.check_first_rollout)


def test_an_edit_that_no_longer_fits_is_said():
    gone = Fault(name="gone", what="", edits=(Edit(function=rollout.token_rewards, before="no such words", after=""),))
    with pytest.raises(ValueError, match="'no such words' stands 0 times in token_rewards"), injected(gone):
        pass


def test_the_mask_is_read_from_the_text_alone():
    tokens = torch.tensor([[5, 1, 6, 7, 1, 1], [5, 6, 7, 8, 9, 9], [5, 1, 1, 0, 0, 0]])  # 1 is the end token, in prompts too
    assert mask_from_text(tokens, [2, 3, 2], 1, 9).int().tolist() == [[0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 1, 0, 0, 0]]
    # an answer may be cut off: two tokens, then padding without an end token before it
    assert mask_from_text(tokens, [2, 3, 2], 1, 2).int().tolist() == [[0, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 1, 0, 0, 0]]


def test_entropy_and_surprise_agree_where_one_distribution_samples_and_scores():
    logits = torch.tensor([0.0, 1.0, 3.0])
    assert CHECKS["surprise"].passes((logits.softmax(0) * -logits.log_softmax(0)).sum().item() - entropy(logits).item())


@pytest.fixture(scope="module")
def found():
    models = load_models(CHECKPOINTS)
    return {fault.name: run_sanity_checks(models, fault, episodes=48) for fault in (SOUND, *FAULTS.values())}


FINDS = {
    "sound": [], "mask off by one": ["mask", "surprise"], "KL off": ["nat"], "dropout on": ["kl", "ratio", "surprise"],
    "reward on padding": ["reward"], "no whitening": ["deviation"], "wrong temperature": ["surprise"],
    "reference trained too": ["moved"], "ptx too strong": [], "reward model of manners": [],
}  # fmt: skip
"""The last two are nothing wrong in the code, so that no check of the code finds them."""


@pytest.mark.slow
@pytest.mark.parametrize("name", FINDS)
def test_checks_find_each_fault_of_the_code(found, name):
    assert set(FINDS) == {SOUND.name, *FAULTS}
    assert failed(found[name]) == FINDS[name]
    assert set(found[name]) == set(CHECKS)


@pytest.mark.slow
def test_the_table_marks_what_is_not_as_expected(found):
    page = sanity_checks_html(found).data
    assert page.count("✗") == sum(map(len, FINDS.values())) and all(name in page for name in FINDS)


def test_a_log_becomes_columns():
    log = [{"score": 0.123456, "kl": 1e-9, "other": 1}, {"score": 12.0, "kl": 2.0, "gold": 0.5}]
    assert columns(log) == {"score": [0.1235, 12.0], "gold": [None, 0.5], "kl": [1e-9, 2.0]}


@pytest.mark.slow
def test_a_fault_trains_and_leaves_the_models_as_they_are():
    models = load_models(CHECKPOINTS)
    before = {name: tensor.clone() for name, tensor in models.policies["sft"].state_dict().items()}
    config = replace(CONFIG, iterations=1, episodes=8, minibatch_size=8, inner_epochs=1, max_new_tokens=6)
    (row,) = train_with(FAULTS["dropout on"], models, 0, config, show_progress=False)
    assert abs(row["kl"]) > 0.1 and set(KEPT) <= set(row)
    assert all(torch.equal(before[name], tensor) for name, tensor in models.policies["sft"].state_dict().items())
    assert copy_scalar(models.reward_model).scalar_head.bias == models.reward_model.scalar_head.bias


def test_a_fault_of_one_s_own_acts_in_the_checks_too():
    own = Fault(name="no price", what="", settings={"kl_coef": 0.0})
    assert failed(run_sanity_checks(load_models(CHECKPOINTS), own, episodes=8)) == ["nat"]


def test_a_run_may_stop_early_at_the_rates_of_the_whole_one(capsys):
    models = load_models(CHECKPOINTS)
    config = replace(CONFIG, iterations=3, episodes=8, minibatch_size=8, inner_epochs=1, max_new_tokens=6, eval_every=0)
    whole = train_with(SOUND, models, 0, config, show_progress=False)
    short = train_with(SOUND, models, 0, config, until=2)
    assert "100%" in capsys.readouterr().err  # the bar ends whole
    assert len(whole) == 3 and [row["score"] for row in short] == [row["score"] for row in whole[:2]]
    assert [row["value_loss"] for row in short] == [row["value_loss"] for row in whole[:2]]


def test_a_run_of_one_s_own_is_drawn_beside_as_many_iterations_of_the_sound_ones():
    curves = {key: [0.5, None, 2.0] for key in PANELS}
    figure, alt = draw_own_run("my clip", curves)
    sound = stored_runs("sound")
    for axes, key in zip(figure.axes, PANELS, strict=True):
        assert list(axes.lines[0].get_ydata()) == [0.5, 2.0]
        measured = [value for run in sound.values() for value in run[key][:3] if value is not None]
        heights = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert heights.min() == pytest.approx(min(measured)) and heights.max() == pytest.approx(max(measured))
        across = axes.collections[0].get_paths()[0].vertices[:, 0]
        assert across.max() > across.min()  # seen, even where one iteration alone was measured
    assert "my clip" in alt and "score 0.50 to 2.00" in alt


def test_axes_are_logarithmic_where_a_fault_leaves_the_sound_range_far_behind():
    def scale(letter, key):
        return dict(zip(PANELS, draw_run(letter)[0].axes, strict=True))[key].get_yscale()

    assert scale("A", "grad_norm") == scale("A", "kl") == scale("C", "explained_variance") == "symlog"
    assert scale("B", "grad_norm") == scale("D", "kl") == scale("A", "score") == scale("A", "explained_variance") == "linear"


def test_every_fault_has_a_letter_and_whole_stored_runs():
    assert sorted(RUNS.values()) == sorted(FAULTS)
    for name in (SOUND.name, *FAULTS):
        runs = stored_runs(name)
        assert list(runs) == [str(seed) for seed in SEEDS]
        assert all(len(curve) == CONFIG.iterations for run in runs.values() for curve in run.values())
        assert all(set(KEPT) == set(run) for run in runs.values())
        assert file_of(name).stat().st_size < 20_000
        assert name in json.loads(file_of(name).read_text(encoding="utf-8"))["made_by"]


@pytest.mark.parametrize("letter", RUNS)
def test_a_run_is_drawn_with_a_line_a_seed_over_the_sound_range(letter):
    figure, alt = draw_run(letter)
    runs, sound = stored_runs(RUNS[letter]), stored_runs("sound")
    assert len(figure.axes) == len(PANELS)
    for axes, key in zip(figure.axes, PANELS, strict=True):
        drawn = [list(line.get_ydata()) for line in axes.lines]
        assert drawn == [[value for value in run[key] if value is not None] for run in runs.values()]
        values = [value for run in sound.values() for value in run[key] if value is not None]
        heights = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert heights.min() == pytest.approx(min(values)) and heights.max() == pytest.approx(max(values))
    assert RUNS[letter] not in alt and f"Run {letter}" in alt


def test_the_overview_and_the_widget_show_letters_and_no_names(monkeypatch):
    figure, alt = draw_runs()
    assert len(figure.axes) == len(RUNS) * len(OVERVIEW)
    box = runs_box()
    letters, picture = box.children
    first = picture.value
    letters.value = "C"
    assert picture.value != first and "Run C" in picture.value
    assert not any(name in text for name in FAULTS for text in (alt, picture.value, first))
    shown = []
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append(data))
    monkeypatch.setattr(wrong_runs, "draw_runs", lambda: (figure, alt))
    show_wrong_runs()
    assert set(shown[0]) == {static_fallback.WIDGET_VIEW, "image/png", "text/plain"}
