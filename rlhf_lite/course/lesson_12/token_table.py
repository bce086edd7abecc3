"""One answer, token by token: what PPO knows of each token, and how each number comes about.

By keyboard: Tab to the slider, arrow keys to step; or Tab to a button, Space to press it. Text of tokens is escaped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets

from ...likelihood import k1
from ...ppo import PPOConfig
from ...rollout import Rollout
from ...tokenizer import Tokenizer
from ..lesson_01.sampling_sliders import visible
from ..safe_text import safe_html
from ..static_fallback import show_with_fallback

COLUMNS = ("", "token", "log-prob", "reference", "KL", "value", "reward", "advantage", "whitened")
END = "(end)"
RIGHT = "text-align: right; padding: 1px 10px"


@dataclass(frozen=True)
class TokenRow:
    """What PPO knows of one sampled token; probabilities in nats."""

    token: str
    log_prob: float
    ref_log_prob: float
    kl: float
    """log_prob - ref_log_prob"""
    value: float
    """what the value model expected before this token was drawn"""
    reward: float
    advantage: float
    """before whitening"""
    whitened: float
    """what the policy loss uses"""


def token_rows(rollout: Rollout, row: int, tokenizer: Tokenizer) -> list[TokenRow]:
    """Read the sampled tokens of one answer of a rollout, the end token included."""
    kept = rollout.mask[row]
    ids = rollout.tokens[row, 1:][kept].tolist()
    numbers = (
        rollout.old_log_probs, rollout.ref_log_probs, k1(rollout.old_log_probs, rollout.ref_log_probs), rollout.old_values,
        rollout.rewards, rollout.returns - rollout.old_values, rollout.advantages,
    )  # fmt: skip
    names = [END if i == tokenizer.end_id else visible(tokenizer.decode([i])) for i in ids]
    return [TokenRow(name, *each) for name, *each in zip(names, *(n[row][kept].tolist() for n in numbers), strict=True)]


def three_decimals(value: float) -> str:
    """Write a number with three decimals, without a minus before 0. Example: -0.0001 -> "0.000", -0.5 -> "−0.500"."""
    text = f"{value:.3f}"
    return "0.000" if text == "-0.000" else text.replace("-", "−")


def _operand(value: float) -> str:
    """Write a number inside a formula: negative ones in brackets."""
    text = three_decimals(value)
    return f"({text})" if text.startswith("−") else text


def token_table_html(rows: Sequence[TokenRow], chosen: int | None = None) -> str:
    """Write the table; the chosen token's row is marked by an arrow and bold type."""
    head = "".join(f'<th style="{RIGHT}">{name}</th>' for name in COLUMNS)
    body = []
    for i, row in enumerate(rows):
        shown = (row.log_prob, row.ref_log_prob, row.kl, row.value, row.reward, row.advantage, row.whitened)
        bold = "; font-weight: bold" if i == chosen else ""
        name = f'<td style="{RIGHT}{bold}"><code style="white-space: pre-wrap">{safe_html(row.token)}</code></td>'
        cells = "".join(f'<td style="{RIGHT}{bold}">{three_decimals(value)}</td>' for value in shown)
        body.append(f'<tr><td style="{RIGHT}">{"▶" if i == chosen else i + 1}</td>{name}{cells}</tr>')
    return f"<table><tr>{head}</tr>{''.join(body)}</table>"


def formulas(rows: Sequence[TokenRow], i: int, config: PPOConfig) -> list[str]:
    """Write how the numbers of token i come about, a line each, with the numbers put in."""
    row, last = rows[i], i + 1 == len(rows)
    next_value, next_advantage = (0.0, 0.0) if last else (rows[i + 1].value, rows[i + 1].advantage)
    score = row.reward + config.kl_coef * row.kl  # what the reward holds besides the KL cost
    delta = row.reward + config.discount * next_value - row.value
    step, n = config.discount * config.gae_lambda, _operand
    return [
        f"KL = log-prob − reference = {n(row.log_prob)} − {n(row.ref_log_prob)} = {three_decimals(row.kl)}",
        f"reward = −kl_coef · KL{' + score' if last else ''} = −{config.kl_coef:g} · {n(row.kl)}"
        f"{f' + {n(score)}' if last else ''} = {three_decimals(row.reward)}",
        f"delta = reward + discount · next value − value = {n(row.reward)} + {config.discount:g} · {n(next_value)}"
        f" − {n(row.value)} = {three_decimals(delta)}" + (" (nothing comes after the last token: next value 0)" if last else ""),
        f"advantage = delta + discount · lambda · next advantage = {n(delta)} + {step:g} · {n(next_advantage)}"
        f" = {three_decimals(row.advantage)}",
        f"return = advantage + value = {n(row.advantage)} + {n(row.value)} = {three_decimals(row.advantage + row.value)}",
        f"whitened over the whole rollout, the advantage is {three_decimals(row.whitened)}: "
        + ("the update makes this token likelier." if row.whitened > 0 else "the update makes this token less likely."),
    ]


def formulas_html(rows: Sequence[TokenRow], i: int, config: PPOConfig) -> str:
    """Write the formulas of token i in HTML."""
    lines = "<br>".join(formulas(rows, i, config))
    return f"<p><b>Token {i + 1} of {len(rows)}: <code>{safe_html(rows[i].token)}</code></b><br>{lines}</p>"


class TokenStepper(widgets.VBox):
    """The widget: a slider and two buttons step through the tokens; the table marks the place, the formulas explain it."""

    def __init__(self, rows: Sequence[TokenRow], config: PPOConfig, title: str = ""):
        self.rows, self.config = list(rows), config
        self.slider = widgets.IntSlider(value=1, min=1, max=len(rows), description="token", layout={"width": "30em"})
        self.back = widgets.Button(description="◀ Back", tooltip="One token back", layout={"width": "6em"})
        self.next = widgets.Button(description="Next ▶", tooltip="One token on", layout={"width": "6em"})
        self.table, self.formulas = widgets.HTML(), widgets.HTML()
        self.back.on_click(lambda _: self._move(-1))
        self.next.on_click(lambda _: self._move(1))
        self.slider.observe(self._redraw, "value")
        controls = widgets.HBox([self.back, self.next, self.slider])
        super().__init__([widgets.HTML(title), controls, self.formulas, self.table])
        self._redraw()

    def _move(self, by: int) -> None:
        self.slider.value = min(max(self.slider.value + by, 1), len(self.rows))

    def _redraw(self, _: object = None) -> None:
        i = self.slider.value - 1
        self.back.disabled, self.next.disabled = i == 0, i + 1 == len(self.rows)
        self.table.value = token_table_html(self.rows, i)
        self.formulas.value = formulas_html(self.rows, i, self.config)


def title_html(rollout: Rollout, row: int, tokenizer: Tokenizer) -> str:
    """Write prompt, answer and score of one answer; all text is escaped."""
    kept, ids = rollout.mask[row], rollout.tokens[row]
    first = int(kept.nonzero()[0]) + 1  # mark t speaks of token t + 1
    prompt, answer = tokenizer.decode(ids[:first].tolist()), tokenizer.decode_response(ids[1:][kept].tolist())
    return (f"<p><b>Prompt:</b> {safe_html(prompt)}<br><b>Answer:</b> {safe_html(answer)}<br>"
            f"<b>Score:</b> {three_decimals(rollout.scores[row].item())}</p>")  # fmt: skip


def fallback_html(rows: Sequence[TokenRow], config: PPOConfig, title: str) -> str:
    """Write the whole table, and the formulas of every token, folded."""
    every = "".join(formulas_html(rows, i, config) for i in range(len(rows)))
    return f"{title}{token_table_html(rows)}<details><summary>Every token's formulas</summary>{every}</details>"


def show_token_table(rollout: Rollout, row: int, tokenizer: Tokenizer, config: PPOConfig) -> None:
    """Display the stepper for one answer of a rollout; its static fallback is the whole table with all formulas."""
    rows, title = token_rows(rollout, row, tokenizer), title_html(rollout, row, tokenizer)
    plain = f"One answer of {len(rows)} tokens, a row each: {', '.join(COLUMNS[1:])}."
    show_with_fallback(TokenStepper(rows, config, title), {"text/html": fallback_html(rows, config, title), "text/plain": plain})
