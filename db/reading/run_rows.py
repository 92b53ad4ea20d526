"""Reading runs: rows of an experiment's runs, and one run whole."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from phaselab.db.reading.run_columns import STATE
from phaselab.db.reading.sight import seen, seen_run
from phaselab.db.schema.bulk import among
from phaselab.db.schema.tables import (
    Want,
    experiment_runs,
    experiments,
    imports,
    measure_lists,
    provenances,
    run_arrays,
    runs,
    settings,
)
from phaselab.db.writing import arrays
from phaselab.db.writing.pools import COMMON_KEY
from phaselab.domain.results.measures import MEASURES, Measures
from phaselab.domain.results.states import RunState
from phaselab.domain.results.summaries import MeasureList
from phaselab.domain.settings.faults import Damaged

log = logging.getLogger(__name__)

_BRIEF = (
    runs.c.id,
    runs.c.key,
    runs.c.settings_id,
    runs.c.seed,
    runs.c.state,
    runs.c.attempts,
    runs.c.landed_at,
    runs.c.seconds,
    runs.c.reason,
    runs.c.trust,
    runs.c.flags,
    imports.c.owner.label("imported_by"),
    *(runs.c[name] for name in MEASURES),
)
_BEHIND = "g"
"""Behind every letter of a key."""
_MEASURES_AT = len(_BRIEF) - len(MEASURES)
_WHOLE = (
    select(
        *_BRIEF,
        COMMON_KEY.label("common_key"),
        runs.c.recipe,
        runs.c.traceback,
        settings.c.canonical,
        run_arrays.c.content.label("arrays"),
        provenances.c.content.label("provenance"),
        measure_lists.c.content.label("measured"),
        imports.c.imported_at,
        imports.c.source,
    )
    .join(settings, settings.c.id == runs.c.settings_id)
    .outerjoin(run_arrays, run_arrays.c.run_id == runs.c.id)
    .outerjoin(provenances, provenances.c.id == runs.c.provenance_id)
    .outerjoin(measure_lists, measure_lists.c.id == runs.c.measure_list_id)
    .outerjoin(imports, imports.c.id == runs.c.import_id)
)


@dataclass(frozen=True)
class RunRow:
    """A run as a list shows it. `trust` and the measures are null until it is done, `reason` says why it failed,
    `imported_by` whose file its result came from, null for what was computed here."""

    id: int
    key: str
    settings_id: int
    seed: int
    state: RunState
    attempts: int
    landed_at: datetime | None
    seconds: float | None
    reason: str | None
    trust: str | None
    flags: tuple[str, ...]
    imported_by: str | None
    measures: Measures


@dataclass(frozen=True)
class Origin:
    """Where a result came from that was not computed here: who read it in, when, and of which experiment elsewhere."""

    imported_by: str
    imported_at: datetime
    source: str


@dataclass(frozen=True)
class WholeRun:
    """Everything stored of one run: its row, its canonical settings as text; when it is done its arrays, and the names
    of the measures that it was given. In its row those are null too that it was not given. `common_key` is that of
    the run of everyone that it is the same as, its own where it serves everyone."""

    row: RunRow
    common_key: str
    recipe: int
    settings: str
    arrays: arrays.RunArrays | None
    provenance: Mapping[str, str] | None
    measured: MeasureList
    traceback: str | None
    origin: Origin | None
    experiments: tuple[int, ...] = ()


def read_rows(session: Session, experiment_id: int, run_ids: Sequence[int]) -> Mapping[int, RunRow]:
    """Runs of an experiment, by id."""
    wants = experiment_runs.c
    query = (
        select(*_BRIEF, STATE.label("seen"))
        .join(experiment_runs, wants.run_id == runs.c.id)
        .outerjoin(imports, imports.c.id == runs.c.import_id)
        .where(wants.experiment_id == experiment_id, among(session, runs.c.id, run_ids))
    )
    return {row.id: _row(row, row.seen) for row in session.execute(query)}


def find_keys(session: Session, prefix: str) -> Sequence[str]:
    """The keys of runs of experiments that are seen that begin with these letters, in order; two at most."""
    begins = (runs.c.key >= prefix, runs.c.key <= prefix + _BEHIND)
    query = select(runs.c.key).where(*begins, seen_run(session, by_whole_key=False))
    return session.execute(query.order_by(runs.c.key).limit(2)).scalars().all()


def whole_run(session: Session, key: str) -> WholeRun | None:
    """The run of this whole key, and those of its experiments that are seen; None when there is none that is. Raises
    Damaged."""
    mine = _WHOLE.where(runs.c.key == key, seen_run(session, by_whole_key=True))
    found = session.execute(mine).one_or_none()
    if found is None:
        return None
    joined = experiments.c.id == experiment_runs.c.experiment_id
    wanted_by = select(experiments.c.id).where(joined, experiment_runs.c.run_id == found.id, seen(session))
    return replace(_whole(found, _arrays(found)), experiments=tuple(sorted(session.execute(wanted_by).scalars())))


def page_of_results(session: Session, experiment_id: int, after: int, limit: int) -> list[WholeRun]:
    """The experiment's runs that are done and whose id is above `after`, whole but for the experiments that they
    belong to, in order of id. Those whose arrays are damaged come without them."""
    wants = experiment_runs.c
    query = (
        _WHOLE.join(experiment_runs, wants.run_id == runs.c.id)
        .where(wants.experiment_id == experiment_id, wants.want == Want.DONE, wants.run_id > after)
        .order_by(wants.run_id)
        .limit(limit)
    )
    return [_whole(found, _undamaged_arrays(found)) for found in session.execute(query)]


def damaged_arrays(key: str, damage: Exception) -> Damaged:
    """What is said of a run whose arrays cannot be read."""
    remedy = "restore the last backup, or delete the experiments that have this run and submit them again"
    return Damaged(f"the curves and cosines of run {key} are damaged: {damage}; {remedy}")


def _arrays(found: Any) -> arrays.RunArrays | None:
    try:
        return None if found.arrays is None else arrays.decode(found.arrays)
    except Damaged as damage:
        raise damaged_arrays(found.key, damage) from None


def _undamaged_arrays(found: Any) -> arrays.RunArrays | None:
    try:
        return _arrays(found)
    except Damaged as damage:
        log.error("left out: %s", damage)
        return None


def _whole(found: Any, stored: arrays.RunArrays | None) -> WholeRun:
    return WholeRun(
        row=_row(found, found.state),
        common_key=found.common_key,
        recipe=found.recipe,
        settings=found.canonical,
        arrays=stored,
        provenance=found.provenance,
        measured=tuple(found.measured or ()),
        traceback=found.traceback,
        origin=_origin(found),
    )


def _origin(found: Any) -> Origin | None:
    return None if found.imported_by is None else Origin(found.imported_by, found.imported_at, found.source)


def _row(row: Any, state: str) -> RunRow:
    return RunRow(
        id=row.id,
        key=row.key,
        settings_id=row.settings_id,
        seed=row.seed,
        state=RunState(state),
        attempts=row.attempts,
        landed_at=row.landed_at,
        seconds=row.seconds,
        reason=row.reason,
        trust=row.trust,
        flags=tuple(row.flags or ()),
        imported_by=row.imported_by,
        measures=dict(zip(MEASURES, row[_MEASURES_AT : len(_BRIEF)], strict=True)),
    )
