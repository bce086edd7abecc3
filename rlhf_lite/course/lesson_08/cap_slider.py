"""A slider for the cap: prompts kept of the busiest users, and what the cap makes of the use cases.

By keyboard: Tab to the slider, arrow keys.
"""

from collections import Counter
from collections.abc import Sequence

import ipywidgets as widgets

from ...tinyworld.prompts import USE_CASE_SHARES
from ..safe_text import safe_html
from ..static_fallback import bar_row, show_with_fallback
from .cleaning import keep_under_cap
from .submissions import Submission

CAPS = (25, 50, 100, 200, 400, 800)
BUSIEST = 8
"""Users that are shown."""


def use_case_percents(submissions: Sequence[Submission]) -> dict[str, float]:
    """Return the percent of each use case, in the order of InstructGPT's table."""
    counts = Counter(one.use_case for one in submissions)
    return {name: 100 * counts[name] / len(submissions) for name in USE_CASE_SHARES}


def off_the_table(submissions: Sequence[Submission]) -> float:
    """Percent of submissions that would have to change their use case for InstructGPT's table."""
    return sum(abs(percent - USE_CASE_SHARES[name]) for name, percent in use_case_percents(submissions).items()) / 2


def cap_html(submissions: Sequence[Submission], cap: int) -> str:
    """Write what a cap keeps of the busiest users, and the use cases that are left."""
    kept = keep_under_cap(submissions, cap)
    before, after = (Counter(one.user for one in some) for some in (submissions, kept))
    most = before.most_common(1)[0][1]
    users = "".join(
        bar_row(safe_html(user), after[user] / most, f"{after[user]} of {count}", width=16)
        for user, count in before.most_common(BUSIEST)
    )
    cases = "".join(
        bar_row(name, percent / 100, f"{percent:.1f} % ({USE_CASE_SHARES[name]})", width=16)
        for name, percent in use_case_percents(kept).items()
    )
    said = f"Cap {cap}: {len(kept):,} of {len(submissions):,} prompts kept; {off_the_table(kept):.0f} % off InstructGPT's table."
    columns = f"<b>The busiest users: kept</b><table>{users}</table>", f"<b>Use cases (InstructGPT)</b><table>{cases}</table>"
    boxes = "".join(f'<div style="margin-right: 2em">{column}</div>' for column in columns)
    return f'<p>{said}</p><div style="display: flex; flex-wrap: wrap">{boxes}</div>'


def cap_box(submissions: Sequence[Submission]) -> widgets.VBox:
    """Return the slider above what it changes."""
    slider = widgets.SelectionSlider(options=CAPS, value=200, description="cap per user", style={"description_width": "initial"})
    page = widgets.HTML(cap_html(submissions, slider.value))
    slider.observe(lambda change: setattr(page, "value", cap_html(submissions, change["new"])), "value")
    return widgets.VBox([slider, page])


def show_cap(submissions: Sequence[Submission]) -> None:
    """Display the slider; its static fallback is the page at 200."""
    fallback = {"text/html": cap_html(submissions, 200), "text/plain": "Run this cell to move the cap of prompts per user."}
    show_with_fallback(cap_box(submissions), fallback)
