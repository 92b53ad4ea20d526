"""Lines: a measure, aggregated over seeds, against one axis; one line a group."""

from collections.abc import Mapping
from dataclasses import dataclass

from phaselab.domain.answers.axes import PictureAxis, order_values
from phaselab.domain.answers.cell_queries import LineQuery
from phaselab.domain.answers.cells import Cell, Found, cells_at, settings_of
from phaselab.domain.answers.theory_lines import TheoryLine, theory_along
from phaselab.domain.settings.parameters import Value


@dataclass(frozen=True)
class Line:
    """The cells of a group along x; blank where it has no points."""

    group: Mapping[str, Value]
    cells: tuple[Cell, ...]
    theory: TheoryLine | None


@dataclass(frozen=True)
class Lines:
    """The lines of a query, groups in drawing order of their values."""

    query: LineQuery
    x: PictureAxis
    lines: tuple[Line, ...]
    revision: int = 0
    names: tuple[str, ...] = ()


def build_lines(query: LineQuery, found: Found) -> Lines:
    """The lines of what is found."""
    x = PictureAxis(query.x, order_values(point.place[0] for point in found.points))
    groups = _ordered({point.place[1] for point in found.points})
    cell_at = cells_at([(a, group) for group in groups for a in x.values], query, found)
    points = found.by_place()
    lines = [
        Line(
            dict(zip(query.by, group, strict=True)),
            tuple(cell_at[a, group] for a in x.values),
            theory_along(query.measure, [settings_of(points.get((a, group), ()), query.marginalize) for a in x.values]),
        )
        for group in groups
    ]
    return Lines(query, x, tuple(lines), found.revision, found.names)


def _ordered(groups: set[tuple[Value, ...]]) -> list[tuple[Value, ...]]:
    """Groups in drawing order of their first parameter's values, then of the next one's."""
    ranks = [{value: i for i, value in enumerate(order_values(column))} for column in zip(*groups, strict=True)]
    return sorted(groups, key=lambda group: [rank[value] for rank, value in zip(ranks, group, strict=True)])
