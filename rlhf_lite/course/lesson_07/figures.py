"""Figures of lesson 07: who may look where, guesses side by side, one question in many wordings."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...evaluate import wilson_interval
from ...reports.plots import DOTTED, FIRST, INK, PALE, SECOND, STYLE
from ..safe_text import safe_label

SENTENCE = ("Anna", "lost", "her", "kite", "today")
BLANK = 2
"""Place of the word that BERT must guess in the picture."""
MASK = "[MASK]"
LOOKS_ALT = (
    "Two grids for the sentence Anna lost her kite today. GPT: each word looks at itself and at the words before it, and is "
    "asked for the next one: five guesses per sentence. BERT: each word looks at all words; her is hidden behind [MASK] and "
    "is the only one asked for."
)


def _grid(axes: Axes, shown: Sequence[str], sees: Sequence[Sequence[bool]], asked: Sequence[str], title: str) -> None:
    n = len(shown)
    for row in range(n):
        for column in range(n):
            face = "0.55" if sees[row][column] else "white"
            axes.add_patch(mpl.patches.Rectangle((column, row), 0.92, 0.86, facecolor=face, edgecolor="0.6", linewidth=0.8))
        axes.text(-0.15, row + 0.43, safe_label(shown[row]), ha="right", va="center", fontweight="bold" if asked[row] else None)
        axes.text(n + 0.1, row + 0.43, safe_label(f"→ {asked[row]}?") if asked[row] else "", va="center")
    for column in range(n):
        axes.text(column + 0.46, -0.15, safe_label(shown[column]), rotation=40, ha="left", va="bottom")
    axes.set(xlim=(-1.9, n + 1.9), ylim=(n + 0.9, -1.6))
    axes.text(n / 2, n + 0.25, title, ha="center", va="top", fontsize=12)
    axes.axis("off")


def draw_looks() -> tuple[Figure, str]:
    """Draw which words each word may look at, and what is asked: GPT and BERT side by side."""
    n, hidden = len(SENTENCE), [MASK if i == BLANK else word for i, word in enumerate(SENTENCE)]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 3.9))
        left, right = figure.subplots(1, 2)
        back = [[column <= row for column in range(n)] for row in range(n)]
        _grid(left, SENTENCE, back, (*SENTENCE[1:], "end"), "GPT looks back; every word is asked for the next")
        asked = [SENTENCE[i] if i == BLANK else "" for i in range(n)]
        _grid(right, hidden, [[True] * n] * n, asked, "BERT looks both ways; only the hidden is asked for")
    return figure, LOOKS_ALT


def draw_guesses(words: Sequence[str], place: int, guesses: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw the likeliest words at one place of a text, a panel of bars per model; the right word is marked with a star."""
    blanked = " ".join("____" if i == place else word for i, word in enumerate(words))
    described = []
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 3.1))
        for axes, (name, shares) in zip(figure.subplots(1, len(guesses), squeeze=False)[0], guesses.items(), strict=True):
            labels = [f"{word} ★" if word == words[place] else word for word in shares]
            bars = axes.barh(range(len(shares)), list(shares.values()), height=0.6, color=PALE, edgecolor=INK)
            axes.bar_label(bars, [f"{share:.2f}" for share in shares.values()], padding=4)
            axes.set(title=name, yticks=range(len(shares)), yticklabels=[safe_label(label) for label in labels], xlim=(0, 1.25))
            axes.set_xticks([0, 0.5, 1])
            axes.invert_yaxis()
            axes.grid(axis="y", visible=False)
            described.append(f"{name}: " + ", ".join(f"{word} {share:.2f}" for word, share in shares.items()))
        figure.suptitle(safe_label(blanked), fontsize=11)
    return figure, f"Guesses at the blank in: {blanked} The right word is {words[place]}. {'; '.join(described)}."


def draw_wordings(rows: Sequence[str], shares: Mapping[str, Sequence[float]], n_texts: int) -> tuple[Figure, str]:
    """Draw each model's share right under each wording, with Wilson's 95 % interval; models differ in marker and height."""
    styles = (FIRST | {"linestyle": "none"}, SECOND | {"linestyle": "none"})
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 0.9 + 0.46 * len(rows)))
        axes = figure.subplots()
        for number, ((name, values), style) in enumerate(zip(shares.items(), styles, strict=False)):
            places = [row + 0.32 * number - 0.16 for row in range(len(rows))]
            intervals = [wilson_interval(round(share * n_texts), n_texts) for share in values]
            axes.hlines(places, *zip(*intervals, strict=True), color=style["color"], linewidth=1.3)
            axes.plot(values, places, label=name, **style)
        axes.axvline(0.5, **DOTTED)
        axes.set(yticks=range(len(rows)), yticklabels=[safe_label(row.replace("\n", " ⏎ ")) for row in rows])
        axes.set(xlabel=f"share right of {n_texts} reviews; dotted: chance", xlim=(0.35, 1.04))
        axes.invert_yaxis()
        axes.legend(frameon=False, fontsize=10, loc="lower right", bbox_to_anchor=(0.9, 0.02))
        axes.grid(axis="y", visible=False)
    described = (
        f"{row!r}: " + ", ".join(f"{name} {values[i]:.2f}" for name, values in shares.items()) for i, row in enumerate(rows)
    )
    return figure, f"Share right by wording. {'; '.join(described)}."
