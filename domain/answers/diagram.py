"""The phase diagram: a measure and the phase, aggregated over seeds, on two axes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from phaselab.domain.answers.axes import PictureAxis, index_of, order_values
from phaselab.domain.answers.boundaries import boundaries
from phaselab.domain.answers.conditions import Condition
from phaselab.domain.answers.theory_curves import TheoryCurve, TheoryGap, draw
from phaselab.domain.results.intervals import Interval, mean_intervals, wilson_interval
from phaselab.domain.results.measures import MEASURES, Measure, Measures, points_of
from phaselab.domain.results.over import Over
from phaselab.domain.results.phases import DEFAULT_THRESHOLDS, Phase, Thresholds, phase
from phaselab.domain.results.states import CellState
from phaselab.domain.results.statistics import Sample, Statistic, evaluate
from phaselab.domain.results.summaries import Summary, merge_all
from phaselab.domain.settings.parameters import Value
from phaselab.domain.settings.settings import Settings


@dataclass(frozen=True)
class DiagramQuery:
    """What a diagram is asked for: a statistic of a measure over the runs of each cell. `marginalize` lists swept
    parameters to aggregate over."""

    experiments: tuple[int, ...]
    x: str
    y: str
    measure: str
    where: tuple[Condition, ...] = ()
    marginalize: tuple[str, ...] = ()
    statistic: Statistic = "mean"
    thresholds: Thresholds = DEFAULT_THRESHOLDS


@dataclass(frozen=True)
class PointSummary:
    """A point as a diagram reads it: its axis values as submitted, its settings (null where this version cannot read
    them: there is no theory of it), and its runs summed up.

    `n` counts runs with a result, `suspect` those whose trust verdict is `suspect`, `phases` the runs of each phase.
    `sample` holds the diagram's measure of every run that defines it where the statistic is a quantile.
    """

    values: Mapping[str, Value]
    settings: Settings | None
    n: int
    suspect: int
    measures: Mapping[str, Summary | None]
    phases: Mapping[Phase, int]
    sample: Sequence[float] = ()


@dataclass(frozen=True)
class Drawn:
    """What the runs of a cell are independent draws of: how many draws they are, and the summary over draws of each
    draw's mean of the measure. Null both where every run is a draw of its own."""

    over: Over = Over.SEEDS
    n: int | None = None
    summary: Summary | None = None


@dataclass(frozen=True)
class Lack:
    """Why results of a cell are not there: how many of its runs failed, whether all of them did, and whether its points
    are impossible."""

    failed: int = 0
    all_failed: bool = False
    impossible: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell of a diagram; null wherever nothing was measured. `n` counts independent draws, `runs` those with a
    result, `defined` those of them that define the measure. `value` is the statistic that was asked for; `state` is
    null where no experiment has a point."""

    n: int = 0
    runs: int = 0
    defined: int = 0
    interval_over: Over | None = None
    value: float | None = None
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    phase: Phase | None = None
    phase_share: float | None = None
    phase_share_low: float | None = None
    phase_share_high: float | None = None
    suspect: int = 0
    state: CellState | None = None
    failed: int = 0


Place = tuple[Value, Value]
"""A cell, by its values of x and y."""


@dataclass(frozen=True)
class DiagramBoundary:
    """A polyline between two phases, its points (x, y) in the axes' coordinates."""

    between: tuple[Phase, Phase]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Diagram:
    """A phase diagram: `cells[y][x]`, boundaries between phases, theory curves and where there are none."""

    query: DiagramQuery
    x: PictureAxis
    y: PictureAxis
    cells: tuple[tuple[Cell, ...], ...]
    boundaries: tuple[DiagramBoundary, ...] = ()
    theory: tuple[TheoryCurve, ...] = ()
    theory_gaps: tuple[TheoryGap, ...] = ()
    revision: int = 0
    names: tuple[str, ...] = field(default=())


def build_diagram(
    query: DiagramQuery,
    points: Sequence[PointSummary],
    revision: int = 0,
    names: tuple[str, ...] = (),
    lacks: Mapping[Place, Lack] = MappingProxyType({}),
    drawn: Mapping[Place, Drawn] = MappingProxyType({}),
) -> Diagram:
    """The diagram of points that already meet the query's conditions. A cell that is not in `drawn` has runs each of
    which is a draw of its own.

    Every point's `values` must hold x and y. Points that fall into one cell must not share runs; unfinished points
    (n = 0) give the axes their values and stay blank.
    """
    x = PictureAxis(query.x, order_values(point.values[query.x] for point in points))
    y = PictureAxis(query.y, order_values(point.values[query.y] for point in points))
    column, row = index_of(x.values), index_of(y.values)
    grid: list[list[list[PointSummary]]] = [[[] for _ in x.values] for _ in y.values]
    for point in points:
        grid[row[point.values[query.y]]][column[point.values[query.x]]].append(point)
    found = {(a, b): grid[row[b]][column[a]] for b in y.values for a in x.values}
    intervals = _intervals(query, found, drawn)
    cells = tuple(
        tuple(
            _with_state(
                _cell(query, found[a, b], drawn.get((a, b), Drawn()), intervals[a, b]),
                bool(found[a, b]),
                lacks.get((a, b), Lack()),
            )
            for a in x.values
        )
        for b in y.values
    )
    settings = [[next((one.settings for one in found), None) for found in line] for line in grid]
    theory, gaps = draw(x, y, settings, query.thresholds)
    return Diagram(query, x, y, cells, _boundaries(cells, x, y), theory, gaps, revision, names)


def _with_state(cell: Cell, has_points: bool, lack: Lack) -> Cell:
    state: CellState | None = None
    if cell.runs:
        state = CellState.MEASURED
    elif has_points:
        state = CellState.FAILED if lack.all_failed else CellState.PENDING
    elif lack.impossible:
        state = CellState.IMPOSSIBLE
    return replace(cell, state=state, failed=lack.failed)


def _intervals(
    query: DiagramQuery, cells: Mapping[Place, Sequence[PointSummary]], drawn: Mapping[Place, Drawn]
) -> dict[Place, Interval | None]:
    """The interval of the measure in every cell, all at once."""
    measure = MEASURES[query.measure]
    over = [
        _of_runs(query, points) if (draws := drawn.get(place, Drawn())).n is None else draws.summary
        for place, points in cells.items()
    ]
    found = mean_intervals(measure, over, [_points_of(measure, points) for points in cells.values()])
    return dict(zip(cells, found, strict=True))


def _of_runs(query: DiagramQuery, points: Sequence[PointSummary]) -> Summary | None:
    return merge_all(point.measures.get(query.measure) for point in points)


def _cell(
    query: DiagramQuery,
    points: Sequence[PointSummary],
    drawn: Drawn,
    interval: Interval | None,
) -> Cell:
    runs = sum(point.n for point in points)
    if runs == 0:
        return Cell()
    names = {name for point in points for name in point.measures}
    sums = {name: merge_all(point.measures.get(name) for point in points) for name in names}
    summary = sums.get(query.measure)
    sample = Sample(summary, [value for point in points for value in point.sample], drawn.summary)
    n = runs if drawn.n is None else drawn.n
    means: Measures = {name: one.mean if one else None for name, one in sums.items()}
    label = phase(means, query.thresholds)
    share = sum(point.phases.get(label, 0) for point in points) / runs if label else None
    share_interval = None if share is None else wilson_interval(share * n, n)
    return Cell(
        n=n,
        runs=runs,
        defined=summary.n if summary else 0,
        interval_over=drawn.over,
        value=evaluate(query.statistic, sample),
        mean=evaluate("mean", sample),
        sd=evaluate("sd", sample),
        low=evaluate("min", sample),
        high=evaluate("max", sample),
        ci_low=interval[0] if interval else None,
        ci_high=interval[1] if interval else None,
        phase=label,
        phase_share=share,
        phase_share_low=share_interval[0] if share_interval else None,
        phase_share_high=share_interval[1] if share_interval else None,
        suspect=sum(point.suspect for point in points),
    )


def _points_of(measure: Measure, points: Sequence[PointSummary]) -> int | None:
    """The points that a share is of, of each draw: the fewest of any of some settings; None where that is unknown."""
    if measure.share_of is None or any(point.settings is None for point in points):
        return None
    settings = [point.settings for point in points if point.settings is not None]
    return min(points_of(measure.share_of, one) for one in settings)


def _boundaries(cells: Sequence[Sequence[Cell]], x: PictureAxis, y: PictureAxis) -> tuple[DiagramBoundary, ...]:
    columns, rows = x.edges, y.edges
    return tuple(
        DiagramBoundary(line.between, tuple((columns[i], rows[j]) for i, j in line.corners))
        for line in boundaries([[cell.phase for cell in row] for row in cells])
    )
