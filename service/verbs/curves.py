"""The verb of robustness curves: robust accuracy against radius, by groups of runs."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from phaselab.db.reading import point_rows
from phaselab.db.schema.database import Database, Session
from phaselab.domain.answers.curves import CurveQuery, Curves, RunCurves, group_curves
from phaselab.domain.families.on_features import inputs_of
from phaselab.domain.results.measure import EXPERIMENT
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.parameters import Value
from phaselab.domain.settings.radii import unit
from phaselab.domain.specs.stored import readable_settings, stored_radii, stored_radii_in, stored_value
from phaselab.service.verbs.apart import of_each
from phaselab.service.verbs.selection import Selection, check_nothing_hides, check_parameters, select

MOST_CURVES = 20_000
"""Most curves of single runs in an answer."""


def curves(database: Database, query: CurveQuery) -> Curves:
    """Robustness curves by group. Raises NotFound for an unknown experiment, InvalidInput for a query that has no
    answer: an unknown parameter, conditions that nothing meets, a parameter that varies inside a group, or radii in
    several units."""
    faults = check_parameters({pointer("by", i): path for i, path in enumerate(query.by) if path != EXPERIMENT})
    if faults:
        raise InvalidInput(faults)
    with database.reading() as session:
        found, revision, names = _found(session, query)
    if query.per_seed:
        found = _of_seeds(found)
    if len({alike.radii_in for alike in found}) > 1:
        detail = "radii are in data units in some of these runs and in norms of centres in others"
        raise InvalidInput([Fault(pointer("experiment"), f"{detail}; ask for experiments of one unit at a time")])
    read = [alike.settings for alike in found if alike.settings is not None]
    sources, units = frozenset(map(inputs_of, read)), frozenset(map(unit, read))
    return Curves(query, group_curves(found), revision, names, sources, units)


def _found(session: Session, query: CurveQuery) -> tuple[list[RunCurves], int, tuple[str, ...]]:
    """The curves asked for, of each experiment by itself where groups are told apart by it; revision and names."""
    if EXPERIMENT not in query.by:
        selection = select(session, query.experiments, query.where)
        check_nothing_hides(selection, query.by, "/by", "or tell the groups apart by it with by={path}")
        return list(_run_curves(session, selection, query)), selection.revision, selection.names
    rest = tuple(path for path in query.by if path != EXPERIMENT)
    parts = of_each(query.experiments, lambda number: _found(session, replace(query, experiments=(number,), by=rest)))
    curves = [
        replace(alike, group={path: number if path == EXPERIMENT else alike.group[path] for path in query.by})
        for number, (some, _, _) in parts.items()
        for alike in some
    ]
    names = tuple(name for _, _, some in parts.values() for name in some)
    return curves, sum(revision for _, revision, _ in parts.values()), names


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
        text = selection.texts[settings_id]
        settings, places, radii_in = readable_settings(text), np.array(stored_radii(text)), stored_radii_in(text)
        for (readout, method), (seeds, accuracy, upper) in stored.get(settings_id, {}).items():
            if method in query.methods and readout in query.readouts:
                data_seeds = data_seeds_of(text, seeds)
                for group in same:
                    yield RunCurves(
                        group, settings, readout, method, places, accuracy, data_seeds, seeds, upper, radii_in
                    )


def _of_seeds(found: Sequence[RunCurves]) -> list[RunCurves]:
    """Every run's curves by themselves. Raises InvalidInput where there are more than are answered."""
    number = sum(len(alike.seeds) for alike in found)
    if number > MOST_CURVES:
        detail = (
            f"these are {number:,} curves of single runs; at most {MOST_CURVES:,} are answered: narrow them with where"
        )
        raise InvalidInput([Fault("/per", detail)])
    return [one for alike in found for one in alike.of_seeds()]


def data_seeds_of(text: str, seeds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The seeds [runs] of the data of runs with these stored settings and seeds of their own [runs]."""
    fixed = stored_value(text, "data.seed")
    return np.full_like(seeds, fixed) if isinstance(fixed, int) else seeds
