"""Judge one submitted notebook from inside another program: nbgrader and otter run the test cells of `sheets`, and these this.

`python -I -m rlhf_lite.course.classroom.notebook_states NOTEBOOK LESSON` prints a JSON line, exercise -> state. It is a process
of its own, so nothing that the submission has overwritten in its kernel counts, and an exercise that hangs or ends Python costs
itself alone.
"""

import json
import os
import sys
from pathlib import Path

from ..judging import grade_notebook

SECONDS = 20.0
"""For the cases of one exercise (ours)."""


def main() -> None:
    """Judge, and print the states."""
    for name in [name for name in os.environ if name.startswith("PYTHON")]:
        del os.environ[name]  # a submission may have pointed them at modules of its own
    notebook, lesson = sys.argv[1:]
    print(json.dumps(grade_notebook(Path(notebook), lesson, seconds=SECONDS)), flush=True)


if __name__ == "__main__":
    main()
