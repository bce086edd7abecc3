"""The table of one answer's tokens: its numbers are the rollout's, its formulas add up, its text does nothing, and it steps.

Proves: rows hold the sampled tokens only, in order; each formula, computed again from the numbers shown, gives its result;
the score stands on the last token alone; tokens with markup show as text; slider and buttons move together and stop at the ends.
"""

import re
from dataclasses import replace

import pytest

from rlhf_lite.course import static_fallback
from rlhf_lite.course.lesson_12.token_table import (
    COLUMNS,
    END,
    TokenRow,
    TokenStepper,
    formulas,
    formulas_html,
    show_token_table,
    three_decimals,
    title_html,
    token_rows,
    token_table_html,
)  # fmt: skip
from rlhf_lite.data import seeded_generator
from rlhf_lite.ppo import PPOConfig
from rlhf_lite.rollout import collect_rollout
from rlhf_lite.tokenizer import Tokenizer

CONFIG = PPOConfig(episodes=4, minibatch_size=4, max_new_tokens=6, kl_coef=0.5, discount=0.9, gae_lambda=0.5)
ROWS = [
    TokenRow("<i>", -1.0, -1.5, 0.5, 0.2, -0.25, 0.23625, 1.0),  # delta -0.25 + 0.9 * 0.4 - 0.2 = -0.09; + 0.9 * 0.5 * 0.725
    TokenRow(END, -0.5, -0.25, -0.25, 0.4, 1.125, 0.725, -1.0),  # reward 0.5 * 0.25 + score 1; delta 1.125 - 0.4
]


@pytest.fixture
def tokenizer():
    return Tokenizer.train(["a b c"], 258)


@pytest.fixture
def rollout(make_gpt, make_scalar_model, tokenizer):
    sizes = {"vocab_size": 258, "context_length": 64}
    prompts = [tokenizer.encode_prompt(text) for text in ("a", "<b>bold", "c c c", "b")]
    return collect_rollout(make_gpt(0, **sizes), make_gpt(1, **sizes), make_scalar_model(2, **sizes),
                           lambda tokens, mask: mask.sum(1) - 3.0, prompts, CONFIG, end_id=tokenizer.end_id,
                           pad_id=tokenizer.pad_id, generator=seeded_generator(0))  # fmt: skip


def values(line):
    """All numbers of a formula after its second equals sign, the result last."""
    return [float(text.replace("−", "-")) for text in re.findall(r"−?\d+\.?\d*", line.split(" = ", 2)[2].split(" (nothing")[0])]


def test_rows_are_the_sampled_tokens_with_the_numbers_of_the_rollout(rollout, tokenizer):
    for row in range(4):
        rows, kept = token_rows(rollout, row, tokenizer), rollout.mask[row]
        assert len(rows) == int(kept.sum())
        assert [each.log_prob for each in rows] == rollout.old_log_probs[row][kept].tolist()
        assert [each.whitened for each in rows] == rollout.advantages[row][kept].tolist()
        assert rows[-1].value + rows[-1].advantage == pytest.approx(rollout.returns[row][kept][-1].item(), abs=1e-5)
        assert sum(each.reward + CONFIG.kl_coef * each.kl for each in rows) == pytest.approx(rollout.scores[row].item(), abs=1e-4)


def test_the_end_token_has_a_name_and_others_are_decoded(rollout, tokenizer):
    tokens = rollout.tokens.clone()
    last = int(rollout.mask[0].nonzero()[-1]) + 1
    tokens[0, last] = tokenizer.end_id
    tokens[0, last - 1] = tokenizer.encode("a")[0]
    names = [each.token for each in token_rows(replace(rollout, tokens=tokens), 0, tokenizer)]
    assert names[-2:] == ["a", END]


def test_numbers_have_three_decimals_and_no_minus_before_zero():
    assert [three_decimals(x) for x in (-0.0001, -0.5, 1.23456)] == ["0.000", "−0.500", "1.235"]


def test_formulas_by_hand():
    first, last = formulas(ROWS, 0, CONFIG), formulas(ROWS, 1, CONFIG)
    assert first[0] == "KL = log-prob − reference = (−1.000) − (−1.500) = 0.500"
    assert first[1] == "reward = −kl_coef · KL = −0.5 · 0.500 = −0.250"
    assert last[1] == "reward = −kl_coef · KL + score = −0.5 · (−0.250) + 1.000 = 1.125"
    assert first[2].endswith("(−0.250) + 0.9 · 0.400 − 0.200 = −0.090")
    assert last[2].endswith("1.125 + 0.9 · 0.000 − 0.400 = 0.725 (nothing comes after the last token: next value 0)")
    assert first[3].endswith("(−0.090) + 0.45 · 0.725 = 0.236")
    assert "likelier" in first[-1] and "less likely" in last[-1]


def test_formulas_add_up_for_every_token_of_a_real_rollout(rollout, tokenizer):
    rows = token_rows(rollout, 2, tokenizer)
    for i, row in enumerate(rows):
        _, _, delta, advantage, back, _ = formulas(rows, i, CONFIG)
        *_, shown = values(advantage)
        step, following = CONFIG.discount * CONFIG.gae_lambda, rows[i + 1].advantage if i + 1 < len(rows) else 0.0
        assert values(delta)[-1] + step * following == pytest.approx(shown, abs=2e-3)
        assert shown == pytest.approx(row.advantage, abs=1e-3)
        assert values(back)[-1] == pytest.approx(row.advantage + row.value, abs=1e-3)


def test_text_of_tokens_and_prompts_does_nothing(rollout, tokenizer):
    page = token_table_html(ROWS, 0) + formulas_html(ROWS, 0, CONFIG) + title_html(rollout, 1, tokenizer)
    assert "<i>" not in page and "&lt;i&gt;" in page and "<b>bold" not in page and "&lt;b&gt;bold" in page
    assert all(f">{name}</th>" in page for name in COLUMNS)


def test_a_row_holds_all_numbers_in_the_order_of_the_columns():
    cells = re.findall(r">(−?\d\.\d{3})</td>", token_table_html(ROWS))
    assert cells[:7] == ["−1.000", "−1.500", "0.500", "0.200", "−0.250", "0.236", "1.000"]
    assert cells[13] == "−1.000" and COLUMNS[2:] == ("log-prob", "reference", "KL", "value", "reward", "advantage", "whitened")


def test_slider_and_buttons_step_together_and_stop_at_the_ends():
    box = TokenStepper(ROWS, CONFIG)
    assert box.back.disabled and not box.next.disabled and "Token 1 of 2" in box.formulas.value
    box.next.click()
    assert box.slider.value == 2 and box.next.disabled and not box.back.disabled
    assert "Token 2 of 2" in box.formulas.value and box.table.value == token_table_html(ROWS, 1)
    box._move(1)
    assert box.slider.value == 2
    box.slider.value = 1
    assert "Token 1 of 2" in box.formulas.value and "▶" in box.table.value


def test_the_static_fallback_holds_the_whole_table_and_all_formulas(rollout, tokenizer, monkeypatch):
    shown = []
    monkeypatch.setattr(static_fallback, "keep_keys", lambda: None)
    monkeypatch.setattr(static_fallback, "display", lambda data, **more: shown.append(data))
    show_token_table(rollout, 1, tokenizer, CONFIG)
    (data,) = shown
    rows = token_rows(rollout, 1, tokenizer)
    assert set(data) == {static_fallback.WIDGET_VIEW, "text/html", "text/plain"}
    assert all(f"Token {i + 1} of {len(rows)}" in data["text/html"] for i in range(len(rows)))
    assert "&lt;b&gt;bold" in data["text/html"]
