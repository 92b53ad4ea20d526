"""Reports: phase diagrams, robustness curves and runs, as values."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phaselab.db.queue.leases import settings_from
from phaselab.db.reading import point_rows, run_rows
from phaselab.db.reading.point_rows import PointRow
from phaselab.db.reading.run_rows import RunRow, WholeRun
from phaselab.db.schema.database import Database, Session
from phaselab.db.writing.summaries import DEFAULT_THRESHOLDS
from phaselab.domain.answers.conditions import Condition
from phaselab.domain.answers.curves import CurveQuery, Curves, RunCurves, group_curves
from phaselab.domain.answers.diagram import Diagram, DiagramQuery, PointSummary, build_diagram
from phaselab.domain.families.on_features import inputs_of
from phaselab.domain.families.resolve import radii
from phaselab.domain.results import packing
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.phases import Thresholds
from phaselab.domain.results.statistics import is_quantile
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.parameters import Value
from phaselab.service.base.errors import NotFound
from phaselab.service.verbs.selection import Selection, check_nothing_hides, check_parameters, select

_PHASE_MEASURES = ("test_accuracy", "feature_fraction", "averaging_index")
"""The measures that decide a phase."""
MAX_PAGE = 1000
_Place = tuple[Value, Value, int]
"""A cell, by its values of x and y, and settings."""


def diagram(database: Database, query: DiagramQuery, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> Diagram:
    """The phase diagram. Raises NotFound for an unknown experiment, InvalidInput for a query that has no answer: an
    unknown parameter or measure, conditions that nothing meets, or a parameter that varies unseen."""
    _check_diagram(query)
    with database.reading() as session:
        selection = select(session, query.experiments, query.where)
        remedy = "or put it on an axis, or average over it with marginalize={path}"
        check_nothing_hides(selection, (query.x, query.y, *query.marginalize), "/marginalize", remedy)
        points = _summaries(session, selection, query, thresholds)
    return build_diagram(query, points, thresholds, selection.revision, selection.names)


def _check_diagram(query: DiagramQuery) -> None:
    named = {"/x": query.x, "/y": query.y}
    named |= {pointer("marginalize", i): path for i, path in enumerate(query.marginalize)}
    faults = check_parameters(named)
    if query.measure not in MEASURES:
        faults.append(Fault("/measure", f"no measure {query.measure!r}; known: {', '.join(MEASURES)}"))
    if query.x == query.y:
        faults.append(Fault("/y", "x and y are the same parameter; name two"))
    faults += [
        Fault(pointer("marginalize", i), f"{path} is an axis of the diagram; leave it out here")
        for i, path in enumerate(query.marginalize)
        if path in (query.x, query.y)
    ]
    if faults:
        raise InvalidInput(faults)


def _summaries(
    session: Session, selection: Selection, query: DiagramQuery, thresholds: Thresholds
) -> list[PointSummary]:
    """One summary for each cell (of quantiles: for each settings in each cell), in which no run counts twice."""
    places: dict[_Place, list[PointRow]] = defaultdict(list)
    for point, x, y in zip(selection.points, selection.values(query.x), selection.values(query.y), strict=True):
        places[x, y, point.settings_id].append(point)
    from_runs = thresholds != DEFAULT_THRESHOLDS
    chosen = {place: () if from_runs else _covering(selection, found) for place, found in places.items()}
    unions = _unions(session, selection, [place[2] for place, found in chosen.items() if not found], thresholds)
    whole = is_quantile(query.statistic)
    first = {place if whole else place[:2]: place for place in reversed(places)}  # of each cell, its first settings
    numbers = {group: i for i, group in enumerate(dict.fromkeys(place if whole else place[:2] for place in places))}
    stored = [(one, place) for place, found in chosen.items() for one in found]
    rows = packing.from_bytes([one.summary for one, _ in stored])
    summed = [(unions[place[2]], place) for place, found in chosen.items() if not found]
    if summed:
        rows = np.concatenate([rows, [row for row, _ in summed]])
    dealt = [numbers[place if whole else place[:2]] for _, place in (*stored, *summed)]
    merged = packing.merge_groups(rows, dealt, len(numbers))
    names = tuple(dict.fromkeys((query.measure, *_PHASE_MEASURES)))
    found = [_point_summary(query, first[group], merged[i], names, selection.texts) for group, i in numbers.items()]
    return _with_samples(session, query, found, places) if whole else found


def _with_samples(
    session: Session,
    query: DiagramQuery,
    found: Sequence[PointSummary],
    places: Mapping[tuple[Value, Value, int], Sequence[PointRow]],
) -> list[PointSummary]:
    """The summaries with the measure of every one of their runs, each run once."""
    settings_ids = sorted({place[2] for place in places})
    values = point_rows.read_measure(session, query.experiments, settings_ids, query.measure)
    filled = []
    for summary, points in zip(found, places.values(), strict=True):
        sample: dict[int, float] = {}
        for point in points:
            sample |= values.get((point.experiment_id, point.settings_id), {})
        filled.append(replace(summary, sample=tuple(sample.values())))
    return filled


def _covering(selection: Selection, points: Sequence[PointRow]) -> Sequence[PointRow]:
    """Those points, among some with equal settings, that together count every run of all once: their experiments'
    seeds hold those of the others, and no two have a seed in common. None where there are no such points."""
    if len(points) == 1:
        return points
    seeds = {point.experiment_id: _seeds(selection.experiments[point.experiment_id].spec["seeds"]) for point in points}
    kept: list[PointRow] = []
    held: set[int] = set()
    for point in sorted(points, key=lambda point: -len(seeds[point.experiment_id])):
        own = seeds[point.experiment_id]
        if own <= held:
            continue
        if own & held:
            return ()
        kept.append(point)
        held |= own
    return kept


def _seeds(given: int | Sequence[int]) -> set[int]:
    return set(range(given)) if isinstance(given, int) else set(given)


def _unions(
    session: Session, selection: Selection, settings_ids: Sequence[int], thresholds: Thresholds
) -> Mapping[int, packing.Floats]:
    """Summaries, from run rows, of settings whose runs no single point covers."""
    if not settings_ids:
        return {}
    return point_rows.sum_up_union(session, list(selection.experiments), sorted(set(settings_ids)), thresholds)


def _point_summary(
    query: DiagramQuery,
    place: tuple[Value, Value, int],
    row: packing.Floats,
    names: Sequence[str],
    texts: Mapping[int, str],
) -> PointSummary:
    n, suspect = packing.counts(row)
    return PointSummary(
        values={query.x: place[0], query.y: place[1]},
        settings=settings_from(texts[place[2]]),
        n=n,
        suspect=suspect,
        measures={name: packing.summary_of(row, name) for name in names},
        phases=packing.phase_counts(row),
    )


def curves(database: Database, query: CurveQuery) -> Curves:
    """Robustness curves by group. Raises NotFound for an unknown experiment, InvalidInput for a query that has no
    answer: an unknown parameter, conditions that nothing meets, or a parameter that varies inside a group."""
    faults = check_parameters({pointer("by", i): path for i, path in enumerate(query.by)})
    if faults:
        raise InvalidInput(faults)
    with database.reading() as session:
        selection = select(session, query.experiments, query.where)
        check_nothing_hides(selection, query.by, "/by", "or tell the groups apart by it with by={path}")
        found = list(_run_curves(session, selection, query))
    sources = frozenset(inputs_of(alike.settings) for alike in found)
    return Curves(query, group_curves(found), selection.revision, selection.names, sources)


def _run_curves(session: Session, selection: Selection, query: CurveQuery) -> Iterator[RunCurves]:
    """The curves asked for, in the order of the points; a run counts once in a group."""
    groups: dict[int, list[dict[str, Value]]] = defaultdict(list)
    columns = [selection.values(path) for path in query.by]
    for point, *values in zip(selection.points, *columns, strict=True):
        group = dict(zip(query.by, values, strict=True))
        if group not in groups[point.settings_id]:
            groups[point.settings_id].append(group)
    stored = dict(point_rows.read_curves(session, query.experiments, sorted(groups)))
    for settings_id, same in groups.items():
        settings = settings_from(selection.texts[settings_id])
        places = np.array(radii(settings.attack))
        for (readout, method), accuracies in stored.get(settings_id, {}).items():
            if method in query.methods and readout in query.readouts:
                for group in same:
                    yield RunCurves(group, settings, readout, method, places, accuracies)


@dataclass(frozen=True)
class RunView:
    """A run of an experiment and the axis values of its point."""

    run: RunRow
    values: Mapping[str, Value]


@dataclass(frozen=True)
class RunPage:
    """Some runs of an experiment, and the cursor of those that follow, if any."""

    items: tuple[RunView, ...]
    next: str | None


def runs(
    database: Database,
    experiment_id: int,
    cursor: str | None = None,
    limit: int = 100,
    where: Sequence[Condition] = (),
) -> RunPage:
    """A page of an experiment's runs. Raises NotFound, or InvalidInput for a cursor that was never given out or
    conditions that nothing meets."""
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise InvalidInput([Fault("/cursor", "this is no cursor; send the `next` of the page before")])
    size = min(limit, MAX_PAGE)
    with database.reading() as session:
        selection = select(session, [experiment_id], where)
        values = _first_values(selection)
        only = sorted(values) if where else None
        rows = run_rows.page_of_runs(session, experiment_id, int(cursor or 0), size + 1, only)
    items = tuple(RunView(row, values[row.settings_id]) for row in rows[:size])
    return RunPage(items, str(items[-1].run.id) if len(rows) > size else None)


def all_runs(
    database: Database, experiment_id: int, where: Sequence[Condition] = (), batch: int = 5_000
) -> Iterator[RunView]:
    """Every run of an experiment, in constant memory; the first call to next() raises what `runs` raises."""
    with database.reading() as session:
        selection = select(session, [experiment_id], where)
    values = _first_values(selection)
    only = sorted(values) if where else None
    after = 0
    while True:
        with database.reading() as session:
            rows = run_rows.page_of_runs(session, experiment_id, after, batch, only)
        yield from (RunView(row, values[row.settings_id]) for row in rows)
        if len(rows) < batch:
            return
        after = rows[-1].id


def _first_values(selection: Selection) -> dict[int, Mapping[str, Value]]:
    """The axis values of the first point of every settings."""
    values: dict[int, Mapping[str, Value]] = {}
    for point in selection.points:
        values.setdefault(point.settings_id, point.values)
    return values


@dataclass(frozen=True)
class RunDetail:
    """One run whole: what is stored, its canonical settings, and the radii [E] of its curves."""

    stored: WholeRun
    settings: Mapping[str, Any]
    radii: tuple[float, ...]


def run(database: Database, key: str) -> RunDetail:
    """One run by its key. Raises NotFound."""
    with database.reading() as session:
        found = run_rows.whole_run(session, key)
    if found is None:
        raise NotFound(f"there is no run {key}")
    return RunDetail(found, json.loads(found.settings), radii(settings_from(found.settings).attack))
