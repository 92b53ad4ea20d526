"""Reports: phase diagrams, robustness curves and runs, as values."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from db import packing, reports, run_rows
from db.database import Database, Session
from db.leases import settings_from
from db.reports import PointRow
from db.run_rows import RunRow, WholeRun
from db.summaries import DEFAULT_THRESHOLDS
from domain.conditions import Condition
from domain.curves import CurveQuery, Curves, RunCurve, group_curves
from domain.diagram import Diagram, DiagramQuery, PointSummary, build_diagram
from domain.faults import Fault, InvalidInput, pointer
from domain.measures import MEASURES
from domain.parameters import Value
from domain.phases import Thresholds
from domain.resolve import radii
from service.errors import NotFound
from service.selection import Selection, check_nothing_hides, check_parameters, select

_PHASE_MEASURES = ("test_accuracy", "feature_fraction", "averaging_index")
"""The measures that decide a phase."""
MAX_PAGE = 1000


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
    """One summary for each settings in each cell, so that no run counts twice in a cell."""
    places: dict[tuple[Value, Value, int], list[PointRow]] = defaultdict(list)
    for point in selection.points:
        cell = selection.value(point, query.x), selection.value(point, query.y)
        places[(*cell, point.settings_id)].append(point)
    from_runs = thresholds != DEFAULT_THRESHOLDS
    chosen = {place: None if from_runs else _covering(selection, found) for place, found in places.items()}
    unions = _unions(session, selection, [place[2] for place, one in chosen.items() if one is None], thresholds)
    stored = [one for one in chosen.values() if one is not None]
    rows = iter(packing.from_bytes([one.summary for one in stored]) if stored else ())
    names = tuple(dict.fromkeys((query.measure, *_PHASE_MEASURES)))
    return [
        _point_summary(query, place, next(rows) if one is not None else unions[place[2]], names, selection.texts)
        for place, one in chosen.items()
    ]


def _covering(selection: Selection, points: Sequence[PointRow]) -> PointRow | None:
    """The point, among some with equal settings, whose experiment's seeds hold all seeds of the others."""
    if len(points) == 1:
        return points[0]
    seeds = {point.experiment_id: _seeds(selection.experiments[point.experiment_id].spec["seeds"]) for point in points}
    every = set().union(*seeds.values())
    return next((point for point in points if seeds[point.experiment_id] == every), None)


def _seeds(given: int | Sequence[int]) -> set[int]:
    return set(range(given)) if isinstance(given, int) else set(given)


def _unions(
    session: Session, selection: Selection, settings_ids: Sequence[int], thresholds: Thresholds
) -> Mapping[int, packing.Floats]:
    """Summaries, from run rows, of settings whose runs no single point covers."""
    if not settings_ids:
        return {}
    return reports.sum_up_union(session, list(selection.experiments), sorted(set(settings_ids)), thresholds)


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
    return Curves(query, group_curves(found), selection.revision, selection.names)


def _run_curves(session: Session, selection: Selection, query: CurveQuery) -> Iterator[RunCurve]:
    """The curves asked for of every run, in the order of the points; a run counts once in a group."""
    groups: dict[int, list[dict[str, Value]]] = defaultdict(list)
    for point in selection.points:
        group = {path: selection.value(point, path) for path in query.by}
        if group not in groups[point.settings_id]:
            groups[point.settings_id].append(group)
    stored = defaultdict(list)
    for settings_id, arrays in reports.read_arrays(session, query.experiments, sorted(groups)):
        stored[settings_id].append(arrays)
    for settings_id, same in groups.items():
        settings = settings_from(selection.texts[settings_id])
        places = np.array(radii(settings.attack))
        for arrays in stored[settings_id]:
            for curve in arrays.curves:
                if curve.method in query.methods and curve.readout in query.readouts:
                    for group in same:
                        yield RunCurve(group, settings, curve.readout, curve.method, places, curve.accuracy)


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
