"""Conditions on parameters: `network.labels=binary`, `data.k>=10`."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from phaselab.domain.settings.faults import Fault, InvalidInput
from phaselab.domain.settings.numbers import read_number, tidy
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
_WRITTEN = re.compile(r"\s*([a-z_.]+)\s*(!=|<=|>=|=|<|>)\s*+(?!=)(.*?)\s*$")
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


def parse_condition(text: str, place: str = "/where") -> Condition:
    """The condition that a text like `data.k>=10` stands for. Raises InvalidInput pointing at `place`."""
    found = _WRITTEN.match(text)
    if found is None:
        raise InvalidInput([Fault(place, f"{text!r} is no condition; write path=value, with = != < <= > or >=")])
    path, sign, value = found.groups()
    parameter = parameters().get(path)
    if parameter is None or not parameter.swept:
        known = ", ".join(name for name, entry in parameters().items() if entry.swept)
        raise InvalidInput([Fault(place, f"no parameter {path!r} to filter by; known: {known}")])
    try:
        return Condition(path, sign, parse_value(value))
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
