"""Check a reader's attempt at an exercise: a tick, or what is wrong and a hint; never an error.

An attempt is called with small inputs whose results were worked out by hand. Mistakes that many people make are known
by the wrong result that they give, and each has its own hint.
"""

import dis
import math
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.optim import SGD

from .languages import tr

NOT_TRIED = "Not tried yet: replace the three dots, then run this cell again."
RIGHT = "✓ Right."
LONGEST = 160
"""Characters of a value that are shown."""
PRECISION = 1e-5


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call of the reader's function."""

    arguments: tuple
    expected: Any
    """A number, string or tensor, or lists and dictionaries of them."""
    hint: str
    """Said to a wrong answer that is none of the mistakes below, and where the attempt stops with an error."""
    mistakes: Sequence[tuple[Any, str]] = ()
    """Pairs of a wrong result, or a kind of error, and the hint for whoever gets it."""


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """What a reader is asked to write: a function with the name of its solution."""

    cases: Sequence[Case]
    solution: Callable

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.solution.__name__


class HiddenName(str):
    """A name that a check compares and does not show."""

    def __repr__(self) -> str:
        return "another name"


class PlainSGD(SGD):
    """Gradient descent as an argument of a case, which messages name in a word."""

    def __repr__(self) -> str:
        return "optimizer"


def feedback(attempt: Callable[..., Any], exercise: Exercise) -> str:
    """Return what to tell the reader about an attempt."""
    if is_untouched(attempt):
        return tr(NOT_TRIED)
    for case in exercise.cases:
        try:
            fault = _fault(attempt, case)
        except Exception as error:  # results may be objects that can be neither shown nor compared
            fault = tr("the check cannot read the result ({error}). Hint: return {kind}", error=type(error).__name__,
                       kind=tr_kind(case.expected))  # fmt: skip
        if fault:
            return tr("Not yet: {fault}", fault=fault)
    return tr(RIGHT)


def is_untouched(attempt: Callable[..., Any]) -> bool:
    """Return True for a function that does nothing: its body is a docstring and three dots."""

    def untouched() -> None:
        """Do nothing."""

    code = getattr(attempt, "__code__", None)
    return code is not None and _operations(code) == _operations(untouched.__code__)


def _operations(code: Any) -> list[tuple[str, Any]]:
    return [(operation.opname, operation.argval) for operation in dis.get_instructions(code)]


def _fault(attempt: Callable[..., Any], case: Case) -> str | None:
    call = f"{getattr(attempt, '__name__', tr('your function'))}({', '.join(map(show_value, case.arguments))})"
    try:
        found = attempt(*deepcopy(case.arguments))
    except Exception as error:  # whatever the reader wrote
        hint = next((h for wrong, h in case.mistakes if isinstance(wrong, type) and isinstance(error, wrong)), case.hint)
        error = f"{type(error).__name__}: {error}"
        return tr("{call} stopped with {error}. Hint: {hint}", call=call, error=error, hint=tr(hint))
    if found is None or found is ...:
        return tr("{call} returned nothing. Hint: the function must end with `return` and the result", call=call)
    if same(found, case.expected):
        return None
    if same(_as_numbers(found), _as_numbers(case.expected)):
        return tr("{call} gave {shown}: the values are right, their type is not. Hint: {hint}", call=call,
                  shown=show_value(found), hint=_truth_hint(case.expected))  # fmt: skip
    gave, hint = "{call} gave {shown}, expected {wanted}. Hint: {hint}", tr(_hint(found, case))
    if _other_kind(found, case.expected):
        return tr(gave, call=call, shown=show_value(found), wanted=tr_kind(case.expected), hint=hint)
    shown, wanted = show_value(found), show_value(case.expected)
    if shown == wanted:
        shown, wanted = show_value(found, 12), show_value(case.expected, 12)
    return tr(gave, call=call, shown=shown, wanted=wanted, hint=hint)


def _other_kind(found: Any, expected: Any) -> bool:
    """Whether two results differ in kind; a list and a tensor do not, two tensors of different shapes do."""
    if isinstance(found, Tensor) != isinstance(expected, Tensor):
        found, expected = plain(found), plain(expected)
    return kind(found) != kind(expected)


def _as_numbers(value: Any) -> Any:
    """Turn True and False, alone or in lists, into 1 and 0."""
    value = plain(value)
    return [_as_numbers(item) for item in value] if isinstance(value, list) else int(value) if isinstance(value, bool) else value


def _truth_hint(expected: Any) -> str:
    while isinstance(expected := plain(expected), list) and expected:
        expected = expected[0]
    if isinstance(expected, bool):
        return tr("return True and False instead of 1 and 0")
    return tr("return numbers instead of True and False")


def _hint(found: Any, case: Case) -> str:
    return next((hint for wrong, hint in case.mistakes if not isinstance(wrong, type) and same(found, wrong)), case.hint)


def kind(value: Any) -> str:
    """Name the kind of a result as readers call it; a tensor with a single number is a number."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}" if value.ndim else "a number"
    value = plain(value)
    kinds = (
        (bool, "True or False"), (int | float, "a number"), (str, "a string"), (Mapping, "a dictionary"), (list, "a list"),
    )  # fmt: skip
    return next((name for types, name in kinds if isinstance(value, types)), f"an object of type {type(value).__name__}")


def tr_kind(value: Any) -> str:
    """Name the kind of a result in the language in force."""
    parts = re.fullmatch("(.* of (?:shape|type) )(.*)", kind(value))
    return tr(parts[1] + "{which}", which=parts[2]) if parts else tr(kind(value))


def plain(value: Any) -> Any:
    """Turn tensors, arrays and tuples into lists and numbers. Example: (tensor(1.0), 2) -> [1.0, 2]."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def same(found: Any, expected: Any) -> bool:
    """Compare two results: numbers within PRECISION, everything else exactly; order counts in lists, not in dictionaries.

    A list, a tuple, an array and a tensor of the same values are the same.
    """
    found, expected = plain(found), plain(expected)
    if kind(found) != kind(expected):
        return False
    if isinstance(expected, Mapping):
        return found.keys() == expected.keys() and all(same(found[key], value) for key, value in expected.items())
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if kind(expected) == "a number":
        return math.isclose(found, expected, rel_tol=PRECISION, abs_tol=PRECISION)
    return found == expected


def show_value(value: Any, digits: int = 4) -> str:
    """Write a value for a message: few digits, and cut where it is long. Example: [1 / 3, "a"] -> "[0.3333, 'a']"."""
    text = _written(plain(value), digits)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _written(value: Any, digits: int) -> str:
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, list):
        return f"[{', '.join(_written(item, digits) for item in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_written(item, digits)}" for key, item in value.items()) + "}"
    return repr(value)
