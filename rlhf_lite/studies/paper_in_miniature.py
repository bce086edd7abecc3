"""The paper in miniature: what InstructGPT and its neighbours claim, each measured again on models that a reader can train.

`python -m rlhf_lite.studies.paper_in_miniature` reads the rows that other studies stored under `data/`, and writes the page
`data/paper/README.md`, always the same bytes from the same rows. A claim is stated with its source and what was published; ours
is a number per seed, with a bar that says how large an effect would count. The verdict follows from the mean's 95 % interval
over the seeds (Student's t), or over tasks where the claim is one about new tasks, and from nothing else:

- **holds**: the whole interval lies above the bar;
- **holds in part**: the whole interval lies above 0, where the published effect begins, and not all of it above the bar;
- **does not hold here**: the whole interval lies below 0;
- **inconclusive**: the interval holds 0. With so few seeds that is no evidence against a claim.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from ..evaluate import mean_interval
from ..files import course_folder, write_atomically
from .paper_claims import CLAIMS, Claim
from .stored import read_measured

HOLDS, IN_PART, NOT_HERE, INCONCLUSIVE = "holds", "holds in part", "does not hold here", "inconclusive"
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Study -> one row of measurements per seed."""


def effects(claim: Claim, rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the effects that a claim's interval is over: one per seed, or one per task."""
    found = [claim.value(row) for row in rows]
    return [fmean(each) for each in zip(*found, strict=True)] if isinstance(found[0], list) else found


def verdict(values: Sequence[float], bar: float) -> str:
    """Judge one claim by its seeds' values; a single seed decides nothing.

    Example: values around 0.3 with an interval from 0.2 to 0.4 hold for a bar of 0.1, and hold in part for one of 0.25.
    """
    if len(values) < 2:
        return INCONCLUSIVE
    _, low, high = mean_interval(values)
    if low > max(bar, 0.0):
        return HOLDS
    if low > 0:
        return IN_PART
    return NOT_HERE if high < 0 else INCONCLUSIVE


def read_rows(data: Path) -> dict[str, list[dict[str, Any]]]:
    """Read every study that some claim needs. Raises: FileNotFoundError, naming the folder that is missing."""
    names = dict.fromkeys(claim.study for claim in CLAIMS)
    hint, found = "it comes with the course; see data/README.md", {}
    for name in names:
        folder, _, beginning = name.partition("/")
        found[name] = read_measured(data / folder, hint, f"{beginning}-seed-*.json" if beginning else "seed-*.json")
    return found


def page(rows: Rows) -> str:
    """Write the whole page."""
    lines = [
        "# The paper in miniature", "", *_introduction(), "",
        "| | claim | source: published | ours: what is measured | bar | seeds (or tasks) | mean (95 % interval) | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    counted: dict[str, int] = {}
    for number, claim in enumerate(CLAIMS, start=1):
        values = effects(claim, rows[claim.study])
        found = verdict(values, claim.bar)
        counted[found] = counted.get(found, 0) + 1
        mean, low, high = mean_interval(values) if len(values) > 1 else (values[0],) * 3
        folder = claim.study.partition("/")[0]
        lines.append(
            f"| {number} | {claim.claim} | {claim.source}: {claim.published} | {claim.ours} ([rows](../{folder}/)) | "
            f"{claim.bar:g} | {len(values)} | {mean + 0:.2f} ({low + 0:.2f} to {high + 0:.2f}) | **{found}** |"
        )
    order = (HOLDS, IN_PART, NOT_HERE, INCONCLUSIVE)
    summary = ", ".join(f"{counted[name]} {name}" for name in order if name in counted)
    return "\n".join([*lines, "", f"{len(CLAIMS)} claims: {summary}.", ""])


def _introduction() -> list[str]:
    text = __doc__.strip().split("\n\n")
    return [
        "What InstructGPT and its neighbours claim, each measured again on models that a reader of this course can train: a",
        "GPT of 0.95 million parameters in a synthetic world with a known truth. Agreement in direction says that the mechanism",
        "works at this size; it says nothing of people. `python -m rlhf_lite.studies.paper_in_miniature` writes this page from",
        "the rows that are linked; bars are in that file. \"First setting\" is the preset `manners`, on which some studies were",
        "made. Bars are targets that the course had set itself before, or were set with this page, when most rows existed: read",
        "the intervals, not the verdicts alone. The verdict follows from the interval over seeds and from nothing else:",
        "", *text[2].splitlines(),
    ]  # fmt: skip


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else course_folder() / "data"
    write_atomically(folder / "paper" / "README.md", page(read_rows(folder)))
    print(f"written {folder / 'paper' / 'README.md'}")
