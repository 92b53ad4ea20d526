"""What the page that compares experiments shows: which lines, curves and differences, and the addresses of their
twins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from phaselab.api.routes.views import AVERAGE, Other
from phaselab.domain.results.measure import EXPERIMENT
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.settings.parameters import Value
from phaselab.domain.specs.stored import base_value

Axes = Mapping[str, Sequence[Value]]
"""The values of every axis of an experiment."""


@dataclass(frozen=True)
class Comparison:
    """What was chosen on the page: experiments, an axis (empty where nothing is swept) and a second one for maps (empty
    where no other has two values in common), a measure, and what all other axes are fixed at."""

    experiments: tuple[int, ...]
    paths: tuple[str, ...]
    x: str
    y: str
    measure: str
    others: tuple[Other, ...]

    @property
    def pairs(self) -> Sequence[tuple[int, int]]:
        """Each of the other experiments with the first."""
        return [(self.experiments[0], other) for other in self.experiments[1:]]

    def address_of(self, pair: tuple[int, int]) -> Callable[[str], str]:
        """Address of the map of differences of two experiments, by suffix."""
        asked = [("x", self.x), ("y", self.y), ("measure", self.measure), *self._fixed(self.x, self.y)]
        return lambda suffix: _address("differences", suffix, pair, asked)

    def lines(self, suffix: str) -> str:
        """Address of the lines, one an experiment."""
        asked = [("x", self.x), ("by", EXPERIMENT), ("measure", self.measure), *self._fixed(self.x)]
        return _address("lines", suffix, self.experiments, asked)

    def curves(self, suffix: str) -> str:
        """Address of the curves: those of each experiment, at one value of every axis that has one in common."""
        apart = [("by", one.path) for one in self.others if one.chosen == AVERAGE]
        fixed = [condition for condition in self._fixed() if condition[0] == "where"]
        return _address("curves", suffix, self.experiments, [("by", EXPERIMENT), *apart, *fixed])

    def _fixed(self, *shown: str) -> list[tuple[str, str]]:
        """The conditions on what is not shown, and what is averaged over for it has no value in common."""
        left = [one for one in self.others if one.path not in shown]
        averaged = [("marginalize", one.path) for one in left if one.chosen == AVERAGE]
        return [("where", f"{one.path}={one.chosen}") for one in left if one.chosen != AVERAGE] + averaged


def _address(call: str, suffix: str, experiments: Sequence[int], asked: Sequence[tuple[str, str]]) -> str:
    numbers = [("experiment", str(number)) for number in experiments]
    return f"/api/v1/{call}.{suffix}?{urlencode([*numbers, *asked])}"


def compare(
    experiments: Sequence[int], axes: Sequence[Axes], specs: Sequence[Mapping[str, Any]], query: QueryParams
) -> Comparison:
    """The comparison that a page's query asks for; what it leaves out, or gets wrong, is chosen from what experiments
    have in common."""
    paths = tuple(dict.fromkeys(path for one in axes for path in one))
    shared = {path: _in_common(path, axes, specs) for path in paths}
    ranked = sorted(paths, key=lambda path: len(shared[path]) < 2)
    x = query.get("x", "")
    x = x if x in paths else next(iter(ranked), "")
    crossing = [path for path in ranked if path != x and len(shared[path]) > 1 and len(shared[x]) > 0]
    y = query.get("y", "")
    measure = query.get("measure", "averaging_index")
    return Comparison(
        tuple(experiments),
        paths,
        x,
        y if y in crossing else next(iter(crossing), ""),
        measure if measure in MEASURES else "averaging_index",
        tuple(_other(path, shared[path], query.get(f"fix.{path}")) for path in paths),
    )


def _in_common(path: str, axes: Sequence[Axes], specs: Sequence[Mapping[str, Any]]) -> list[Value]:
    """The values of a parameter that every experiment has."""
    known = [
        list(one[path]) if path in one else [base_value(spec, path)] for one, spec in zip(axes, specs, strict=True)
    ]
    return [value for value in known[0] if all(value in values for values in known[1:])]


def _other(path: str, shared: Sequence[Value], chosen: str | None) -> Other:
    texts = tuple("null" if value is None else str(value) for value in shared)
    return Other(path, texts, chosen if chosen in texts else next(iter(texts), AVERAGE))
