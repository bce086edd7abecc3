"""Run lessons anew, from top to bottom in a fresh kernel, and store them without what differs between runs.

`python -m rlhf_lite.course.rerun notebooks/01_next_token_prediction.ipynb`; without a file, all lessons. How long the run
took is stored with a lesson, so that the minutes which its first cell states can be compared with it.
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from ..files import course_folder
from .static_fallback import WIDGET_VIEW

NOTEBOOKS = course_folder() / "notebooks"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CELL_SECONDS = 120


def normalise(notebook: NotebookNode, seconds: float) -> None:
    """Remove widgets that have a static fallback, times of cells, and what the kernel says of its version."""
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"}, run_seconds=round(seconds))
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if WIDGET_VIEW in data and len(data) > 1:
                del data[WIDGET_VIEW]


def rerun(path: Path) -> float:
    """Run one lesson in its own folder and store it; return the seconds it took, the kernel's start included.

    Raises: nbclient.exceptions.CellExecutionError, before anything is stored, if a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    start = time.monotonic()
    client = NotebookClient(
        notebook, timeout=CELL_SECONDS, record_timing=False, store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}}, coalesce_streams=True,
    )  # fmt: skip
    client.execute()
    seconds = time.monotonic() - start
    normalise(notebook, seconds)
    nbformat.write(notebook, path)
    return seconds


def main() -> None:
    """Run the lessons named on the command line, or all."""
    for path in [Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        print(f"{path.name}: {rerun(path):.0f} seconds", flush=True)


if __name__ == "__main__":
    main()
