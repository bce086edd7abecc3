"""Show the library's own text in a lesson, as plain text that is compared when the lesson is tested."""

import inspect
from collections.abc import Callable

COURSE_DATA = "it comes with the course: work inside a checkout, which holds `data/` and `notebooks/`"
"""What to do where a package that was installed elsewhere does not find the course's data."""


def show_source(thing: Callable) -> None:
    """Print where a function or class of the library stands, and its source."""
    print(f"# {thing.__module__.replace('.', '/')}.py")
    print(inspect.getsource(thing).rstrip())
