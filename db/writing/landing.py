"""Landing: storing what runs gave, with everything that follows from it, in one transaction."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Column, Row, and_, select
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import among, chunks, insert_many, update_many
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import Want, points, run_arrays, runs
from phaselab.db.schema.types import storable_text
from phaselab.db.writing import arrays
from phaselab.db.writing.computed import note_computed
from phaselab.db.writing.described import measure_list_ids, provenance_ids, read_measure_lists
from phaselab.db.writing.filling import StoredResult, fill, in_order
from phaselab.db.writing.pools import COMMON, take_common_keys
from phaselab.db.writing.status import settle
from phaselab.db.writing.summaries import MEASURE_COLUMNS, rebuild_points, store_summaries, sum_up
from phaselab.db.writing.wants import count, note_cached, set_wants, wants_of
from phaselab.domain.results import summaries
from phaselab.domain.results.measures import MEASURES, Measures
from phaselab.domain.results.results import MOST_SECONDS, Outcome, RunFailure, RunResult
from phaselab.domain.results.states import RunState

MEASURE_NAMES = tuple(MEASURES)
_RESULT_COLUMNS = [
    *MEASURE_COLUMNS,
    runs.c.measure_list_id,
    runs.c.seconds,
    runs.c.trust,
    runs.c.flags,
    runs.c.provenance_id,
]
_COUNTED = ("done", "failed", "cancelled", "held", "cached")
_FAILURE_COLUMNS = [runs.c.reason, runs.c.traceback]


@dataclass(frozen=True)
class Landed:
    """What became of outcomes: stored results, stored failures, results that were there and were given measures they
    lacked, and those that were ignored (already landed, or of a run that is not known or not wanted)."""

    done: int
    failed: int
    filled: int
    ignored: int


@dataclass(frozen=True)
class _Stored:
    """A run as it was before the landing."""

    id: int
    settings_id: int
    state: RunState
    measure_list_id: int
    opened: bool
    """Whether it was private when it was handed out, and serves everyone now."""


def land(session: Session, outcomes: Sequence[Outcome], here: bool = True) -> Landed:
    """Store outcomes with their arrays, bring the wants, counts, summaries, revisions and statuses of every
    experiment that wants the runs up to date. What was computed `here` counts as its owners' use.

    Idempotent: the first result of a run key wins and is never overwritten; it is only given measures that it lacks. A
    result replaces a failure; a result that cannot be stored (a measure that is unknown or not finite, curves that
    differ in length) lands as a failure.
    """
    by_key: dict[str, Outcome] = {}
    for outcome in _storable(outcomes):
        by_key.setdefault(outcome.key, outcome)
    stored = _stored(session, list(by_key))
    done: list[tuple[_Stored, RunResult]] = []
    failed: list[tuple[_Stored, RunFailure]] = []
    again: list[tuple[StoredResult, Outcome]] = []
    for key, run in stored.items():
        outcome = by_key[key]
        if run.state is RunState.DONE:
            again.append((StoredResult(run.id, run.settings_id, run.measure_list_id), outcome))
        elif isinstance(outcome, RunResult):
            done.append((run, outcome))
        elif isinstance(outcome, RunFailure) and not run.state.is_finished:
            failed.append((run, outcome))
    now = database_time(session)
    _save_results(session, done, now)
    _save_failures(session, failed, now)
    wanted = _tell_experiments(session, done, [run for run, _ in failed])
    if here:
        _note_computed(session, done, wanted, now)
    filled = fill(session, again) if again else 0
    if opened := [run.id for run in stored.values() if run.opened]:
        take_common_keys(session, opened)
    return Landed(len(done), len(failed), filled, len(outcomes) - len(done) - len(failed) - filled)


def stored_measures(session: Session, keys: Sequence[str]) -> Mapping[str, Measures]:
    """The measures that those of the runs that are done were given, as far as the catalogue still holds them."""
    found: dict[str, Measures] = {}
    lists = read_measure_lists(session)
    for some in chunks(keys):
        query = select(runs.c.key, runs.c.measure_list_id, *MEASURE_COLUMNS)
        for row in session.execute(query.where(runs.c.key.in_(some), runs.c.state == RunState.DONE)).all():
            own = lists[row.measure_list_id]
            found[row.key] = {name: row._mapping[runs.c[name]] for name in own if name in MEASURES}
    return found


def _storable(outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """The outcomes; for a result that cannot be stored, a failure that says why."""
    results = [outcome for outcome in outcomes if isinstance(outcome, RunResult)]
    curves = [bound for result in results for curve in result.curves for bound in curve.bounds]
    finite = not curves or bool(np.isfinite(np.concatenate(curves)).all())
    for outcome in outcomes:
        fault = _fault(outcome, finite) if isinstance(outcome, RunResult) else None
        yield RunFailure(outcome.key, fault) if fault else outcome


def _fault(result: RunResult, finite: bool) -> str | None:
    """Why a result cannot be stored, if so; `finite` when its curves are known to be."""
    if not result.measures.keys() <= MEASURES.keys():
        unknown = min(result.measures.keys() - MEASURES.keys())
        return f"the result holds a measure that is not in the catalogue: {unknown}"
    for name, value in result.measures.items():
        if value is not None and not math.isfinite(value):
            return f"the measure {name} is not finite: {value}"
    if not 0 <= result.seconds <= MOST_SECONDS:
        return f"no run takes {result.seconds} seconds"
    if not finite and not all(np.isfinite(bound).all() for curve in result.curves for bound in curve.bounds):
        return "a curve holds a number that is not finite"
    for name, values in result.profiles.items():
        if name not in MEASURES or not MEASURES[name].layered or np.isinf(values).any():
            return f"the profile {name} is none of a measure of layers, or not finite"
    return arrays.misshapen(arrays.RunArrays.of(result))


def _stored(session: Session, keys: Sequence[str]) -> Mapping[str, _Stored]:
    columns = (runs.c.id, runs.c.settings_id, runs.c.state, runs.c.measure_list_id)
    opened = and_(runs.c.pool == COMMON, runs.c.common_key.is_not(None)).label("opened")
    found = session.execute(select(runs.c.key, *columns, opened).where(among(session, runs.c.key, keys))).all()
    return {
        row.key: _Stored(row.id, row.settings_id, RunState(row.state), row.measure_list_id, row.opened) for row in found
    }


def _save_results(session: Session, done: Sequence[tuple[_Stored, RunResult]], now: datetime) -> None:
    if not done:
        return
    computed_by = [tuple(sorted(result.provenance.items())) for _, result in done]
    measured = [in_order(tuple(result.measures)) for _, result in done]
    provenances, lists = provenance_ids(session, computed_by), measure_list_ids(session, measured)
    rows = (
        (
            *map(result.measures.get, MEASURE_NAMES),
            lists[names],
            result.seconds,
            result.trust.verdict,
            list(result.trust.flags) or None,
            provenances[provenance],
            run.id,
        )
        for (run, result), names, provenance in zip(done, measured, computed_by, strict=True)
    )
    ended = _ended(RunState.DONE, now) | {runs.c.reason: None, runs.c.traceback: None}
    update_many(session, _RESULT_COLUMNS, [runs.c.id], rows, ended)
    packed = arrays.encode([arrays.RunArrays.of(result) for _, result in done])
    content = ((run.id, one) for (run, _), one in zip(done, packed, strict=True))
    insert_many(session, [run_arrays.c.run_id, run_arrays.c.content], content)


def _save_failures(session: Session, failed: Sequence[tuple[_Stored, RunFailure]], now: datetime) -> None:
    rows = ((storable_text(it.reason), storable_text(it.traceback) or None, run.id) for run, it in failed)
    update_many(session, _FAILURE_COLUMNS, [runs.c.id], rows, _ended(RunState.FAILED, now))


def _ended(state: RunState, now: datetime) -> dict[Column[Any], object]:
    """What is the same of all runs that end in one landing."""
    lease = (runs.c.leased_by, runs.c.lease_expires_at, runs.c.stage, runs.c.stage_share)
    return {runs.c.state: state.value, runs.c.landed_at: now, **dict.fromkeys(lease)}


def _tell_experiments(
    session: Session, done: Sequence[tuple[_Stored, RunResult]], failed: Sequence[_Stored]
) -> list[tuple[int, int, Want]]:
    """Bring wants, counts, summaries and statuses up to date; the wants of those that are done, as they were."""
    wanted = wants_of(session, [run.id for run, _ in done])
    lost = wants_of(session, [run.id for run in failed], Want.PENDING)
    changes: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_COUNTED, 0))
    for experiment_id, _, want in wanted:
        changes[experiment_id]["done"] += 1
        if want is not Want.PENDING:
            changes[experiment_id][want.value] -= 1
        if want is Want.HELD:  # measured for others: here as good as there before
            changes[experiment_id]["cached"] += 1
    for experiment_id, _, _ in lost:
        changes[experiment_id]["failed"] += 1
    note_cached(session, [run.id for run, _ in done])
    set_wants(session, [run.id for run, _ in done], Want.DONE)
    set_wants(session, [run.id for run in failed], Want.FAILED, Want.PENDING)
    _add_to_summaries(session, done, wanted)
    count(session, changes)
    settle(session, list(changes))
    return wanted


def _note_computed(
    session: Session,
    done: Sequence[tuple[_Stored, RunResult]],
    wanted: Sequence[tuple[int, int, Want]],
    now: datetime,
) -> None:
    """Count the seconds of results to each experiment that asked for them."""
    took = {run.id: result.seconds for run, result in done}
    seconds: defaultdict[int, float] = defaultdict(float)
    for experiment_id, run_id, want in wanted:
        if want is not Want.HELD:
            seconds[experiment_id] += took[run_id]
    note_computed(session, seconds, now)


def _add_to_summaries(
    session: Session, done: Sequence[tuple[_Stored, RunResult]], wanted: Sequence[tuple[int, int, Want]]
) -> None:
    """Add the results to the summaries of every point that they belong to. Points whose phases were counted by another
    rule are summed up from their runs instead."""
    results = {run.id: (run.settings_id, result) for run, result in done}
    landed: dict[tuple[int, int], list[RunResult]] = defaultdict(list)
    for experiment_id, run_id, _ in wanted:
        settings_id, result = results[run_id]
        landed[experiment_id, settings_id].append(result)
    on = _points_with(session, [run.settings_id for run, _ in done])
    lists = read_measure_lists(session)
    touched = [point for point in on if (point.experiment_id, point.settings_id) in landed]
    stale = {
        point.settings_id for point in touched if not summaries.serves(point.summary, lists[point.measure_list_id])
    }
    rebuild_points(session, sorted(stale))
    touched = [point for point in touched if point.settings_id not in stale]
    if not touched:
        return
    dealt = [(i, result) for i, one in enumerate(touched) for result in landed[one.experiment_id, one.settings_id]]
    more = sum_up(
        [result.measures for _, result in dealt],
        [result.trust.verdict == "suspect" for _, result in dealt],
        [i for i, _ in dealt],
        len(touched),
    )
    before = summaries.from_bytes([one.summary for one in touched], [lists[one.measure_list_id] for one in touched])
    places = [(one.experiment_id, one.position) for one in touched]
    store_summaries(session, places, summaries.merge(before, more))


def _points_with(session: Session, settings_ids: Sequence[int]) -> list[Row[Any]]:
    """Every point with one of the settings."""
    columns = ("experiment_id", "position", "settings_id", "summary", "measure_list_id")
    found: list[Row[Any]] = []
    # Sent as one parameter, few ids among few points would make SQLite read every point.
    for some in chunks(sorted(set(settings_ids))):
        query = select(*(points.c[name] for name in columns)).where(points.c.settings_id.in_(some))
        found += session.execute(query).all()
    return found
