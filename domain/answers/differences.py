"""Differences of two experiments: of a measure's means, on the cells of a diagram that both have."""

from collections.abc import Sequence
from dataclasses import dataclass

from phaselab.domain.answers.axes import PictureAxis, order_values
from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.domain.answers.cells import Cell, Found, cells_at
from phaselab.domain.answers.estimates import weighted


@dataclass(frozen=True)
class Difference:
    """The second mean less the first, of one cell; null where one of them is unknown, and the interval also where one
    has none. `n` counts the independent draws of the experiment that has fewer."""

    first: float | None
    second: float | None
    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str | None

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True)
class Differences:
    """`cells[y][x]`, on those values of the axes that both experiments have."""

    query: DiagramQuery
    x: PictureAxis
    y: PictureAxis
    cells: tuple[tuple[Difference, ...], ...]
    revision: int = 0
    names: tuple[str, ...] = ()


def build_differences(query: DiagramQuery, found: Sequence[Found]) -> Differences:
    """The differences of what is found of two experiments, in this order."""
    xs = [{point.place[0] for point in one.points} for one in found]
    ys = [{point.place[1][0] for point in one.points} for one in found]
    x = PictureAxis(query.x, order_values(set.intersection(*xs)))
    y = PictureAxis(query.y, order_values(set.intersection(*ys)))
    places = [[(a, (b,)) for a in x.values] for b in y.values]
    before, after = (cells_at([place for row in places for place in row], query, one) for one in found)
    return Differences(
        query,
        x,
        y,
        tuple(tuple(_difference(query.measure, before[place], after[place]) for place in row) for row in places),
        sum(one.revision for one in found),
        tuple(name for one in found for name in one.names),
    )


def _difference(measure: str, before: Cell, after: Cell) -> Difference:
    told = weighted(measure, (), [-1.0, 1.0], [before, after])
    value = None if before.mean is None or after.mean is None else after.mean - before.mean
    return Difference(before.mean, after.mean, value, told.low, told.high, told.n, told.reason)
