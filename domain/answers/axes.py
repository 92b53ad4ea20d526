"""Axes of a picture: the order of their values, their scale, where their cells begin and end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from phaselab.domain.results.measure import LAYER
from phaselab.domain.settings.parameters import Value, parameters

Scale = Literal["linear", "log", "category"]
_TEXT_FIRST, _NUMBER, _TEXT_LAST = 0, 1, 2


@dataclass(frozen=True)
class PictureAxis:
    """A parameter, or the layer, and its values in drawing order.

    On a `category` scale a value's coordinate is its place 0, 1, 2, ...; else the value itself. A `log` scale has no
    zero: a value that is 0 stands where the next value below the least would, at `zero`.
    """

    parameter: str
    values: tuple[Value, ...]

    @property
    def title(self) -> str:
        """What stands at the axis."""
        return "hidden layer" if self.parameter == LAYER else parameters()[self.parameter].title

    @property
    def scale(self) -> Scale:
        """`category` when a value is no number; `log` for positive values far apart, 0 beside them or not; else
        `linear`."""
        numbers = [float(value) for value in self.values if isinstance(value, int | float)]
        positive = [number for number in numbers if number > 0]
        if len(numbers) < len(self.values) or not numbers:
            return "category"
        if min(numbers) < 0 or len(positive) < 2:
            return "linear"
        wide = max(positive) / min(positive) >= 100
        entry = parameters().get(self.parameter)
        natural = entry is not None and entry.scale == "log" and max(positive) / min(positive) >= 10
        return "log" if wide or natural else "linear"

    @property
    def zero(self) -> float | None:
        """Where the value 0 stands on a `log` scale; None where it is no value, and on other scales."""
        if self.scale != "log" or self.values[0] != 0:
            return None
        least, following = (float(value) for value in self.values[1:3] if isinstance(value, int | float))
        return least * least / following

    @property
    def coordinates(self) -> tuple[float, ...]:
        """Where each value stands."""
        if self.scale == "category":
            return tuple(float(i) for i in range(len(self.values)))
        numbers = tuple(float(value) for value in self.values if isinstance(value, int | float))
        return numbers if self.zero is None else (self.zero, *numbers[1:])

    @property
    def edges(self) -> tuple[float, ...]:
        """Where cells meet, len(values) + 1 of them: midway between values (in logarithm on a log scale)."""
        log = self.scale == "log"
        places = np.log(self.coordinates) if log else np.asarray(self.coordinates)
        if len(places) == 1:
            steps = np.array([0.5 if self.scale == "category" else max(abs(places[0]), 1.0) / 2])
            edges = np.array([places[0] - steps[0], places[0] + steps[0]])
        else:
            middles = (places[1:] + places[:-1]) / 2
            edges = np.concatenate([[2 * places[0] - middles[0]], middles, [2 * places[-1] - middles[-1]]])
        return tuple(np.exp(edges).tolist() if log else edges.tolist())

    def place(self, value: float) -> float | None:
        """The coordinate of a number, between the numbers of a category axis if need be; None outside of them, and
        for what is too small to stand beside a zero of a log scale."""
        if self.zero is not None and value < self.edges[1]:
            return self.zero if value == 0 else None
        if self.scale != "category":
            return value
        known = [(float(v), float(i)) for i, v in enumerate(self.values) if isinstance(v, int | float)]
        if len(known) < 2 or not known[0][0] <= value <= known[-1][0]:
            return None
        return float(np.interp(value, [number for number, _ in known], [i for _, i in known]))


def order_values(values: Iterable[Value]) -> tuple[Value, ...]:
    """Distinct values in drawing order: null, then text, numbers ascending, and `clusters` (the most labels) last."""
    return tuple(sorted(set(values), key=_rank))


def _rank(value: Value) -> tuple[int, float, str]:
    if value is None:
        return (_TEXT_FIRST, 0.0, "")
    if isinstance(value, str):
        return (_TEXT_LAST if value == "clusters" else _TEXT_FIRST, 1.0, value)
    return (_NUMBER, float(value), "")


def index_of(values: Sequence[Value]) -> dict[Value, int]:
    """Each value's place."""
    return {value: i for i, value in enumerate(values)}
