"""Cells: the runs of one place of a diagram or a line, aggregated."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from phaselab.domain.answers.cell_queries import CellQuery, Place
from phaselab.domain.answers.idealised import Silence
from phaselab.domain.answers.refined import Mark, Refined
from phaselab.domain.results.intervals import Interval, mean_intervals, wilson_interval
from phaselab.domain.results.measures import MEASURES, Measure, Measures, points_of
from phaselab.domain.results.over import Over
from phaselab.domain.results.phases import Phase, phase
from phaselab.domain.results.states import CellState
from phaselab.domain.results.statistics import Sample, evaluate
from phaselab.domain.results.summaries import Summary, merge_all
from phaselab.domain.settings.settings import Settings


@dataclass(frozen=True)
class PointSummary:
    """A point as its cell reads it: its place, by values as submitted, its settings (null where this version cannot
    read them: there is no theory of it), and its runs summed up.

    `mixed`: it stands for settings that differ in more than the seed of the data. `n` counts runs with a result,
    `suspect` those whose trust verdict is `suspect`, `phases` the runs of each phase. `sample` holds the measure asked
    for of every run that defines it where the statistic is a quantile.
    """

    place: Place
    settings: Settings | None
    n: int
    suspect: int
    measures: Mapping[str, Summary | None]
    phases: Mapping[Phase, int]
    sample: Sequence[float] = ()
    mixed: bool = False


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


_OWN, _NOTHING = Drawn(), Lack()


@dataclass(frozen=True)
class Cell:
    """One cell of a diagram or a line; null wherever nothing was measured, but for a phase that was inferred. `n`
    counts independent draws, `runs` those with a result, `defined` those of them that define the measure. `value` is
    the statistic that was asked for; `state` is null where no experiment has a point."""

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


@dataclass(frozen=True)
class Found:
    """What is found for a query: its points, which meet its conditions, the revision and names of its experiments, what
    lacks where and what runs are draws of; a cell that is not in `drawn` has runs each of which is a draw of its own.

    Points that fall into one cell must not share runs; unfinished points (n = 0) give the axes their values and stay
    blank, but for what refinements say of them: `inferred`, a phase or null. `sides` are those of the level that one is
    refined by, of what was measured, too.
    """

    points: Sequence[PointSummary]
    revision: int = 0
    names: tuple[str, ...] = ()
    lacks: Mapping[Place, Lack] = field(default_factory=dict)
    drawn: Mapping[Place, Drawn] = field(default_factory=dict)
    inferred: Mapping[Place, Phase | None] = field(default_factory=dict)
    sides: Mapping[Place, Mark] = field(default_factory=dict)
    refinements: tuple[Refined, ...] = ()

    def by_place(self) -> Mapping[Place, Sequence[PointSummary]]:
        """The points of every place that has any."""
        found: defaultdict[Place, list[PointSummary]] = defaultdict(list)
        for point in self.points:
            found[point.place].append(point)
        return found


def cells_at(places: Iterable[Place], query: CellQuery, found: Found) -> dict[Place, Cell]:
    """The cell of every place, with points or without."""
    of_place = found.by_place()
    points = {place: of_place.get(place, ()) for place in places}
    intervals = _intervals(query, points, found.drawn)
    cells = {
        place: _cell(query, some, found.drawn.get(place, _OWN), intervals[place], found.lacks.get(place, _NOTHING))
        for place, some in points.items()
    }
    blank = {place: label for place, label in found.inferred.items() if place in cells and cells[place].runs == 0}
    inferred = {place: replace(cells[place], phase=label, state=CellState.INFERRED) for place, label in blank.items()}
    return cells | inferred


def _state(measured: bool, has_points: bool, lack: Lack) -> CellState | None:
    if measured:
        return CellState.MEASURED
    if has_points:
        return CellState.FAILED if lack.all_failed else CellState.PENDING
    return CellState.IMPOSSIBLE if lack.impossible else None


def _intervals(
    query: CellQuery, cells: Mapping[Place, Sequence[PointSummary]], drawn: Mapping[Place, Drawn]
) -> dict[Place, Interval | None]:
    """The interval of the measure in every cell, all at once."""
    measure = MEASURES[query.measure]
    over = [
        _of_runs(query, points) if (draws := drawn.get(place, Drawn())).n is None else draws.summary
        for place, points in cells.items()
    ]
    found = mean_intervals(measure, over, [_points_of(measure, points) for points in cells.values()], query.confidence)
    return dict(zip(cells, found, strict=True))


def _of_runs(query: CellQuery, points: Sequence[PointSummary]) -> Summary | None:
    return merge_all(point.measures.get(query.measure) for point in points)


def _cell(
    query: CellQuery,
    points: Sequence[PointSummary],
    drawn: Drawn,
    interval: Interval | None,
    lack: Lack,
) -> Cell:
    runs = sum(point.n for point in points)
    state = _state(runs > 0, bool(points), lack)
    if runs == 0:
        return Cell(state=state, failed=lack.failed)
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
        state=state,
        failed=lack.failed,
    )


def _points_of(measure: Measure, points: Sequence[PointSummary]) -> int | None:
    """The points that a share is of, of each draw: the fewest of any of some settings; None where that is unknown."""
    if measure.share_of is None or any(point.settings is None for point in points):
        return None
    settings = [point.settings for point in points if point.settings is not None]
    return min(points_of(measure.share_of, one) for one in settings)


def settings_of(points: Sequence[PointSummary], marginalize: Sequence[str]) -> Settings | Silence | None:
    """The settings of a cell, of which theory can speak; why it cannot where its runs are averaged over several; None
    without points, and where this version cannot read them."""
    if any(point.mixed for point in points):
        return Silence(f"runs are averaged over {' and '.join(marginalize)}")
    return points[0].settings if points else None
