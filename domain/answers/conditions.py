"""Conditions on parameters: `network.labels=binary`, `data.k>=10`; of runs also on what became of them: `state=failed`,
`averaging_index>0.5`."""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.phases import Phase
from phaselab.domain.results.states import RunState
from phaselab.domain.settings.faults import Fault, InvalidInput
from phaselab.domain.settings.numbers import DIGITS, read_number, tidy
from phaselab.domain.settings.parameters import Value, parameters
from phaselab.domain.settings.texts import printable

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
WORDS: Mapping[str, Sequence[str]] = {"state": tuple(RunState), "trust": ("ok", "suspect"), "phase": tuple(Phase)}
"""What is told of a run in words, with all that each can be. Beside them stand its `seed` and its measures."""
_WRITTEN = re.compile(r"\s*([a-z0-9_.]+)\s*(!=|<=|>=|=|<|>)\s*+(?!=)(.*?)\s*$")
"""No value begins with a `=`: `> =4` would be told as another condition."""


@dataclass(frozen=True)
class Condition:
    """A parameter compared with a value."""

    path: str
    operator: str
    value: Value

    def holds(self, value: Value) -> bool:
        """Whether a point's value meets the condition; an order between text and numbers never holds."""
        compare = OPERATORS[self.operator]
        if self.operator in ("=", "!="):
            return compare(value, self.value)
        both_numbers = isinstance(value, int | float) and isinstance(self.value, int | float)
        return both_numbers and compare(value, self.value)

    def __str__(self) -> str:
        return f"{self.path}{self.operator}{'null' if self.value is None else self.value}"


def bounds(number: int | float) -> tuple[int | float, int | float]:
    """The least and the largest number that are this one to a person (`numbers.tidy`)."""
    if isinstance(number, int) or number == 0:
        return number, number
    half = 0.5 * 10.0 ** (math.floor(math.log10(abs(number))) + 1 - DIGITS)
    return number - half, number + half


def parse_condition(text: str, place: str = "/where") -> Condition:
    """The condition that a text like `data.k>=10` stands for. Raises InvalidInput pointing at `place`."""
    path, sign, value = _parts(text, place)
    if path not in filters():
        raise InvalidInput([Fault(place, f"no parameter {path!r} to filter by; known: {', '.join(filters())}")])
    return Condition(path, sign, _value(path, value, place))


def parse_run_condition(text: str, place: str = "/where") -> Condition:
    """The condition on runs that a text like `state=failed`, `averaging_index>0.5` or `data.k>=10` stands for. Raises
    InvalidInput pointing at `place`."""
    path, sign, written = _parts(text, place)
    if path in filters():
        return parse_condition(text, place)
    if path not in run_names():
        raise InvalidInput([Fault(place, f"runs have no {path!r} to filter by; known: {', '.join(run_names())}")])
    value = _value(path, written, place)
    if path in WORDS and (sign not in ("=", "!=") or value not in (None, *WORDS[path])):
        known = ", ".join(WORDS[path])
        raise InvalidInput([Fault(place, f"{path} is = or != one of {known}, or null, and not {sign}{written}")])
    if path not in WORDS and isinstance(value, str):
        raise InvalidInput([Fault(place, f"{path} is a number; {value!r} is none")])
    return Condition(path, sign, value)


def filters() -> tuple[str, ...]:
    """The parameters that can be filtered by."""
    return tuple(name for name, entry in parameters().items() if entry.swept)


def run_names() -> tuple[str, ...]:
    """All that runs can be filtered and sorted by: words, seed, parameters, measures."""
    return (*WORDS, "seed", *filters(), *MEASURES)


def _parts(text: str, place: str) -> tuple[str, str, str]:
    """What a condition is on, its operator and its value."""
    found = _WRITTEN.match(text)
    if found is None:
        raise InvalidInput([Fault(place, f"{text!r} is no condition; write path=value, with = != < <= > or >=")])
    path, sign, value = found.groups()
    return path, sign, value


def _value(path: str, text: str, place: str) -> Value:
    try:
        return parse_value(text)
    except ValueError as error:
        raise InvalidInput([Fault(place, f"the value of {path}: {error}")]) from None


def parse_value(text: str) -> Value:
    """A number where the text is one, null for `null`, else the text. Raises ValueError for what cannot be a value."""
    if text == "null":
        return None
    number = read_number(text)
    if number is None:
        return printable(text)
    return tidy(number) if isinstance(number, float) else number
