"""What the page of an experiment shows: which diagram or lines and which curves, and the addresses of their twins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.statistics import STATISTICS, Statistic
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.parameters import Value, parameters
from phaselab.domain.specs.points import expand_axes
from phaselab.domain.specs.stored import Misfit, stored_spec

AVERAGE = "average"
"""What a page sends for an axis that the diagram averages over."""
LAYERS = ("phases", "boundaries", "theory", "uncertainty")
"""What a page lays over a diagram, or not: `show`, repeated."""
USUAL = LAYERS[:3]
LINES = "lines"
"""What a page sends for y where it shows lines, not a diagram."""


@dataclass(frozen=True)
class Other:
    """A swept parameter that is on no axis: its values, and which of them is fixed (or `average`)."""

    path: str
    values: tuple[str, ...]
    chosen: str


@dataclass(frozen=True)
class View:
    """What was chosen on the page of an experiment. `x` is empty when nothing is swept, `y` is LINES for lines."""

    experiment_id: int
    axes: tuple[str, ...]
    x: str
    y: str
    measure: str
    statistic: Statistic
    by: str
    others: tuple[Other, ...]
    layers: tuple[str, ...]

    @property
    def call(self) -> str:
        """The call that answers the first picture."""
        return "/lines" if self.y == LINES else "/diagrams"

    @property
    def shown(self) -> Sequence[str]:
        """The parameters that the first picture tells apart."""
        across = self.by if self.y == LINES else self.y
        return [path for path in dict.fromkeys((self.x, across)) if path]

    def picture(self, suffix: str) -> str:
        """Address of the diagram, or of the lines."""
        fixed = [("where", f"{other.path}={other.chosen}") for other in self._unseen(averaged=False)]
        averaged = [("marginalize", other.path) for other in self._unseen(averaged=True)]
        across = [("by" if self.y == LINES else "y", path) for path in self.shown[1:]]
        asked = [("x", self.x), *across, ("measure", self.measure), ("statistic", self.statistic)]
        return self._address(f"{self.call[1:]}.{suffix}", [*asked, *fixed, *averaged])

    def curves(self, suffix: str) -> str:
        """Address of the curves: one group for every value of `by`, everything else that is swept fixed."""
        fixed = [
            ("where", f"{other.path}={other.values[0] if other.chosen == AVERAGE else other.chosen}")
            for other in self.others
            if other.path != self.by
        ]
        return self._address(f"curves.{suffix}", [*([("by", self.by)] if self.by else []), *fixed])

    def _unseen(self, averaged: bool) -> list[Other]:
        """The swept parameters that the first picture averages over, or fixes."""
        unseen = [other for other in self.others if other.path not in self.shown]
        return [other for other in unseen if (other.chosen == AVERAGE) is averaged]

    def _address(self, name: str, query: Sequence[tuple[str, str]]) -> str:
        return f"/api/v1/{name}?{urlencode([('experiment', str(self.experiment_id)), *query])}"


def axes_of(spec: Mapping[str, Any]) -> tuple[Mapping[str, Sequence[Value]], str | None]:
    """The axes of a stored spec; none, and why, where it does not fit this version."""
    try:
        return expand_axes(stored_spec(spec)), None
    except (Misfit, InvalidInput) as unfit:
        return {}, str(unfit)


def choose(
    experiment_id: int,
    axes: Mapping[str, Sequence[Value]],
    spec: Mapping[str, Any],
    given: QueryParams,
    usual: Mapping[str, str],
) -> View:
    """The view that a page's query asks for; what it leaves out is as `usual`, what is wrong is chosen from the axes.

    An axis that must be fixed is fixed at the spec's own base value where the axis has it, else at its first value.
    """
    query = {**usual, **given}
    known = [path for path, entry in parameters().items() if entry.swept]
    x = query.get("x", "")
    x = x if x in known else next(iter(axes), "")
    other = next((path for path in axes if path != x), LINES)
    y = query.get("y", "")
    y = y if y == LINES or (y in known and y != x) else other
    by = query.get("by", y if y in axes else other if other in axes else x)
    measure = query.get("measure", "averaging_index")
    return View(
        experiment_id,
        tuple(axes),
        x,
        y,
        measure if measure in MEASURES else "averaging_index",
        next((one for one in STATISTICS if one == query.get("statistic")), "mean"),
        by if by in axes else "",
        tuple(_other(path, values, spec, query.get(f"fix.{path}")) for path, values in axes.items()),
        tuple(given.getlist("show")) if "show" in given else USUAL,
    )


def _other(path: str, values: Sequence[Value], spec: Mapping[str, Any], chosen: str | None) -> Other:
    group, name = path.split(".")
    texts = tuple("null" if value is None else str(value) for value in values)
    usual = str(spec[group][name])
    if chosen is None or chosen not in (*texts, AVERAGE):
        chosen = usual if usual in texts else texts[0]
    return Other(path, texts, chosen)
