"""The phase diagram: a measure and the phase, aggregated over seeds, on two axes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from phaselab.domain.answers.axes import PictureAxis, order_values
from phaselab.domain.answers.boundaries import boundaries
from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.domain.answers.cells import Cell, Found, cells_at, settings_of
from phaselab.domain.answers.crossings import Crossing, crossings, phase_of
from phaselab.domain.answers.refined import NO_MARK, Mark, Refined
from phaselab.domain.answers.theory_curves import TheoryCurve, TheoryGap, draw


@dataclass(frozen=True)
class DiagramBoundary:
    """A polyline between two phases, or the sides of a level, its points (x, y) in the axes' coordinates."""

    between: tuple[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Diagram:
    """A phase diagram: `cells[y][x]`, boundaries between phases, where rows and columns cross them, the refinements
    behind it, theory curves and where there are none."""

    query: DiagramQuery
    x: PictureAxis
    y: PictureAxis
    cells: tuple[tuple[Cell, ...], ...]
    boundaries: tuple[DiagramBoundary, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    refinements: tuple[Refined, ...] = ()
    theory: tuple[TheoryCurve, ...] = ()
    theory_gaps: tuple[TheoryGap, ...] = ()
    revision: int = 0
    names: tuple[str, ...] = field(default=())


def build_diagram(query: DiagramQuery, found: Found) -> Diagram:
    """The diagram of what is found."""
    x = PictureAxis(query.x, order_values(point.place[0] for point in found.points))
    y = PictureAxis(query.y, order_values(point.place[1][0] for point in found.points))
    cell_at = cells_at([(a, (b,)) for b in y.values for a in x.values], query, found)
    cells = tuple(tuple(cell_at[a, (b,)] for a in x.values) for b in y.values)
    points = found.by_place()
    settings = [[settings_of(points.get((a, (b,)), ()), query.marginalize) for a in x.values] for b in y.values]
    theory, gaps = draw(x, y, settings, query.thresholds)
    marks = [[[phase_of(cell) for cell in row] for row in cells]]
    if found.sides:
        marks.append([[found.sides.get((a, (b,)), NO_MARK) for a in x.values] for b in y.values])
    return Diagram(
        query=query,
        x=x,
        y=y,
        cells=cells,
        boundaries=tuple(line for some in marks for line in _boundaries(some, x, y)),
        crossings=tuple(one for some in marks for one in crossings(some, x, y)),
        refinements=found.refinements,
        theory=theory,
        theory_gaps=gaps,
        revision=found.revision,
        names=found.names,
    )


def _boundaries(cells: Sequence[Sequence[Mark]], x: PictureAxis, y: PictureAxis) -> tuple[DiagramBoundary, ...]:
    columns, rows = x.edges, y.edges
    return tuple(
        DiagramBoundary(line.between, tuple((columns[i], rows[j]) for i, j in line.corners))
        for line in boundaries([[label for label, _ in row] for row in cells])
    )
