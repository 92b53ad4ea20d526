"""Why cells of a diagram lack results: runs that failed, points that were impossible and left out."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from phaselab.db.reading.failures import read_failed_runs
from phaselab.db.schema.database import Session
from phaselab.domain.answers.diagram import DiagramQuery, Lack
from phaselab.domain.settings.parameters import Value
from phaselab.domain.specs.stored import base_value, seeds_of
from phaselab.service.verbs.selection import STANDS_FOR, Selection

_Cell = tuple[Value, Value]
"""A cell, by its values of x and y."""


def lacks(session: Session, selection: Selection, query: DiagramQuery) -> Mapping[_Cell, Lack]:
    """What is lacking, by cell; a cell that lacks nothing, or only waits, is left out."""
    found = {cell: Lack(impossible=True) for cell in _impossible(selection, query)}
    for cell, lack in _failed(session, selection, query).items():
        found[cell] = replace(lack, impossible=cell in found)
    return found


def _failed(session: Session, selection: Selection, query: DiagramQuery) -> Mapping[_Cell, Lack]:
    failing = [experiment_id for experiment_id, row in selection.experiments.items() if row.failed]
    if not failing:
        return {}
    runs: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for run in read_failed_runs(session, list(selection.experiments)):
        runs[run.experiment_id, run.settings_id].add(run.run_id)
    failed: defaultdict[_Cell, set[int]] = defaultdict(set)
    wanted: defaultdict[_Cell, set[tuple[int, int]]] = defaultdict(set)
    seeds = {experiment_id: seeds_of(row.spec) for experiment_id, row in selection.experiments.items()}
    cells = list(zip(selection.values(query.x), selection.values(query.y), strict=True))
    for cell, point in zip(cells, selection.points, strict=True):
        failed[cell] |= runs.get((point.experiment_id, point.settings_id), set())
    for cell, point in zip(cells, selection.points, strict=True):
        if failed[cell]:
            wanted[cell] |= {(point.settings_id, seed) for seed in seeds[point.experiment_id]}
    return {cell: Lack(len(ids), len(ids) == len(wanted[cell])) for cell, ids in failed.items() if ids}


def _impossible(selection: Selection, query: DiagramQuery) -> frozenset[_Cell]:
    """The cells that an experiment asked for and left out, whatever other experiments have there."""
    named = (query.x, query.y, *(condition.path for condition in query.where))
    found: set[_Cell] = set()
    for experiment_id, row in selection.experiments.items():
        if row.skipped and not any(_stands_for_others(row.spec, path) for path in named):
            found |= _lattice(selection, experiment_id, query)
    return frozenset(found)


def _lattice(selection: Selection, experiment_id: int, query: DiagramQuery) -> set[_Cell]:
    """Every cell that the experiment asked for, possible or not: its axes are crossed, so it asked for each of its
    values of x with each of those of y."""
    columns = zip(selection.points, selection.values(query.x), selection.values(query.y), strict=True)
    cells = [(x, y) for point, x, y in columns if point.experiment_id == experiment_id]
    return set(product({x for x, _ in cells}, {y for _, y in cells}))


def _stands_for_others(spec: Mapping[str, Any], path: str) -> bool:
    """Whether a value of a parameter, as submitted, stands for another, which depends on the point: then a cell can be
    empty without being impossible."""
    swept = spec["sweep"].get(path)
    return any(value in STANDS_FOR for value in ([base_value(spec, path)] if swept is None else swept))
