"""Why cells lack results: runs that failed, points that were impossible and left out."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from phaselab.db.reading.failures import read_failed_runs
from phaselab.db.schema.database import Session
from phaselab.domain.answers.cell_queries import CellQuery, Place
from phaselab.domain.answers.cells import Lack
from phaselab.domain.specs.stored import base_value, seeds_of
from phaselab.service.verbs.pieces import places_of
from phaselab.service.verbs.selection import STANDS_FOR, Selection


def lacks(session: Session, selection: Selection, query: CellQuery) -> Mapping[Place, Lack]:
    """What is lacking, by cell; a cell that lacks nothing, or only waits, is left out."""
    found = {cell: Lack(impossible=True) for cell in _impossible(selection, query)}
    for cell, lack in _failed(session, selection, query).items():
        found[cell] = replace(lack, impossible=cell in found)
    return found


def _failed(session: Session, selection: Selection, query: CellQuery) -> Mapping[Place, Lack]:
    failing = [experiment_id for experiment_id, row in selection.experiments.items() if row.failed]
    if not failing:
        return {}
    runs: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for run in read_failed_runs(session, list(selection.experiments)):
        runs[run.experiment_id, run.settings_id].add(run.run_id)
    failed: defaultdict[Place, set[int]] = defaultdict(set)
    wanted: defaultdict[Place, set[tuple[int, int]]] = defaultdict(set)
    seeds = {experiment_id: seeds_of(row.spec) for experiment_id, row in selection.experiments.items()}
    cells = places_of(selection, query)
    for cell, point in zip(cells, selection.points, strict=True):
        failed[cell] |= runs.get((point.experiment_id, point.settings_id), set())
    for cell, point in zip(cells, selection.points, strict=True):
        if failed[cell]:
            wanted[cell] |= {(point.settings_id, seed) for seed in seeds[point.experiment_id]}
    return {cell: Lack(len(ids), len(ids) == len(wanted[cell])) for cell, ids in failed.items() if ids}


def _impossible(selection: Selection, query: CellQuery) -> frozenset[Place]:
    """The cells that an experiment asked for and left out, whatever other experiments have there."""
    named = (query.x, *query.across, *(condition.path for condition in query.where))
    found: set[Place] = set()
    for experiment_id, row in selection.experiments.items():
        if row.skipped and not any(_stands_for_others(row.spec, path) for path in named):
            found |= _lattice(selection, experiment_id, query)
    return frozenset(found)


def _lattice(selection: Selection, experiment_id: int, query: CellQuery) -> set[Place]:
    """Every cell that the experiment asked for, possible or not: its axes are crossed, so it asked for each of its
    values of x with each of those across."""
    places = zip(selection.points, places_of(selection, query), strict=True)
    cells = [place for point, place in places if point.experiment_id == experiment_id]
    return set(product({x for x, _ in cells}, {across for _, across in cells}))


def _stands_for_others(spec: Mapping[str, Any], path: str) -> bool:
    """Whether a value of a parameter, as submitted, stands for another, which depends on the point: then a cell can be
    empty without being impossible."""
    swept = spec["sweep"].get(path)
    return any(value in STANDS_FOR for value in ([base_value(spec, path)] if swept is None else swept))
