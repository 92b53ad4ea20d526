"""Landing: storing what runs gave, with everything that follows from it, in one transaction."""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Column, insert, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import among, chunks, insert_many, update_many
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import Claim, experiment_runs, experiments, points, provenances, run_arrays, runs
from phaselab.db.writing import arrays
from phaselab.db.writing.status import settle
from phaselab.db.writing.summaries import MEASURE_COLUMNS, SUMMARY_AT, sum_up
from phaselab.domain.results import packing
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.results import MOST_SECONDS, Outcome, RunFailure, RunResult
from phaselab.domain.results.states import RunState

MEASURE_NAMES = tuple(MEASURES)
_RESULT_COLUMNS = [*MEASURE_COLUMNS, runs.c.seconds, runs.c.trust, runs.c.flags, runs.c.provenance_id]
_FAILURE_COLUMNS = [runs.c.reason, runs.c.traceback]


@dataclass(frozen=True)
class Landed:
    """What became of outcomes: stored results, stored failures, and those that were ignored (already landed, or of a
    run that is not known or not wanted)."""

    done: int
    failed: int
    ignored: int


@dataclass(frozen=True)
class _Stored:
    """A run as it was before the landing."""

    id: int
    settings_id: int
    state: RunState


def land(session: Session, outcomes: Sequence[Outcome]) -> Landed:
    """Store outcomes with their arrays, bring the claims, counts, summaries, revisions and statuses of every
    experiment that wants the runs up to date.

    Idempotent: the first result of a run key wins and is never overwritten. A result replaces a failure; a result
    that cannot be stored (a measure that is unknown or not finite, curves that differ in length) lands as a failure.
    """
    by_key: dict[str, Outcome] = {}
    for outcome in _storable(outcomes):
        by_key.setdefault(outcome.key, outcome)
    stored = _stored(session, list(by_key))
    done: list[tuple[_Stored, RunResult]] = []
    failed: list[tuple[_Stored, RunFailure]] = []
    for key, run in stored.items():
        outcome = by_key[key]
        if isinstance(outcome, RunResult) and run.state is not RunState.DONE:
            done.append((run, outcome))
        elif isinstance(outcome, RunFailure) and not run.state.is_finished:
            failed.append((run, outcome))
    now = database_time(session)
    _save_results(session, done, now)
    _save_failures(session, failed, now)
    _tell_experiments(session, done, [run for run, _ in failed])
    return Landed(len(done), len(failed), len(outcomes) - len(done) - len(failed))


def measures_of(session: Session, keys: Sequence[str]) -> Mapping[str, Sequence[float | None]]:
    """The measures, in the order of MEASURE_NAMES, of those of the runs that are done."""
    found: dict[str, Sequence[float | None]] = {}
    for some in chunks(keys):
        query = select(runs.c.key, *MEASURE_COLUMNS).where(runs.c.key.in_(some), runs.c.state == RunState.DONE)
        found |= {row[0]: row[1:] for row in session.execute(query).all()}
    return found


def _storable(outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """The outcomes; for a result that cannot be stored, a failure that says why."""
    results = [outcome for outcome in outcomes if isinstance(outcome, RunResult)]
    curves = [curve.accuracy for result in results for curve in result.curves]
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
    if not finite and not all(np.isfinite(curve.accuracy).all() for curve in result.curves):
        return "a curve holds a number that is not finite"
    return arrays.misshapen(arrays.RunArrays(result.curves, result.cosines))


def _stored(session: Session, keys: Sequence[str]) -> Mapping[str, _Stored]:
    query = select(runs.c.key, runs.c.id, runs.c.settings_id, runs.c.state)
    found = session.execute(query.where(among(session, runs.c.key, keys)))
    return {key: _Stored(run_id, settings_id, RunState(state)) for key, run_id, settings_id, state in found.all()}


def _save_results(session: Session, done: Sequence[tuple[_Stored, RunResult]], now: datetime) -> None:
    if not done:
        return
    computed_by = _provenance_ids(session, [result.provenance for _, result in done])
    rows = (
        (
            *map(result.measures.get, MEASURE_NAMES),
            result.seconds,
            result.trust.verdict,
            list(result.trust.flags) or None,
            computed_by[_content(result.provenance)],
            run.id,
        )
        for run, result in done
    )
    ended = _ended(RunState.DONE, now) | {runs.c.reason: None, runs.c.traceback: None}
    update_many(session, _RESULT_COLUMNS, [runs.c.id], rows, ended)
    packed = arrays.encode([arrays.RunArrays(result.curves, result.cosines) for _, result in done])
    content = ((run.id, one) for (run, _), one in zip(done, packed, strict=True))
    insert_many(session, [run_arrays.c.run_id, run_arrays.c.content], content)


def _save_failures(session: Session, failed: Sequence[tuple[_Stored, RunFailure]], now: datetime) -> None:
    rows = ((_storable_text(it.reason), _storable_text(it.traceback) or None, run.id) for run, it in failed)
    update_many(session, _FAILURE_COLUMNS, [runs.c.id], rows, _ended(RunState.FAILED, now))


def _storable_text(text: str) -> str:
    """The text without what databases refuse: halves of letters, and on PostgreSQL NUL."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _ended(state: RunState, now: datetime) -> dict[Column[Any], object]:
    """What is the same of all runs that end in one landing."""
    lease = (runs.c.leased_by, runs.c.lease_expires_at, runs.c.stage, runs.c.stage_share)
    return {runs.c.state: state.value, runs.c.landed_at: now, **dict.fromkeys(lease)}


_Content = tuple[tuple[str, str], ...]


def _content(provenance: Mapping[str, str]) -> _Content:
    return tuple(sorted(provenance.items()))


def _provenance_ids(session: Session, given: Sequence[Mapping[str, str]]) -> Mapping[_Content, int]:
    """The id of each distinct provenance; new ones are stored."""
    ids: dict[_Content, int] = {}
    for content in {_content(one) for one in given}:
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        known = session.execute(select(provenances.c.id).where(provenances.c.digest == digest)).scalar_one_or_none()
        if known is None:
            row = {"digest": digest, "content": dict(content)}
            known = session.execute(insert(provenances).values(row).returning(provenances.c.id)).scalar_one()
        ids[content] = known
    return ids


def _tell_experiments(session: Session, done: Sequence[tuple[_Stored, RunResult]], failed: Sequence[_Stored]) -> None:
    """Bring claims, counts, summaries and statuses up to date."""
    claimed = _claims(session, [run.id for run, _ in done])
    lost = _claims(session, [run.id for run in failed], Claim.PENDING)
    changes: dict[int, dict[str, int]] = defaultdict(lambda: {"done": 0, "failed": 0, "cancelled": 0})
    for experiment_id, _, claim in claimed:
        changes[experiment_id]["done"] += 1
        if claim is not Claim.PENDING:
            changes[experiment_id][claim.value] -= 1
    for experiment_id, _, _ in lost:
        changes[experiment_id]["failed"] += 1
    _set_claims(session, [run.id for run, _ in done], Claim.DONE)
    _set_claims(session, [run.id for run in failed], Claim.FAILED, Claim.PENDING)
    _add_to_summaries(session, done, claimed)
    count(session, changes)
    settle(session, list(changes))


def _claims(session: Session, run_ids: Sequence[int], only: Claim | None = None) -> list[tuple[int, int, Claim]]:
    """(experiment, run, claim) of every claim on the runs."""
    table = experiment_runs.c
    query = select(table.experiment_id, table.run_id, table.claim).where(among(session, table.run_id, run_ids))
    if not run_ids:
        return []
    if only is not None:
        query = query.where(table.claim == only)
    return [(experiment, run, Claim(claim)) for experiment, run, claim in session.execute(query).all()]


def _set_claims(session: Session, run_ids: Sequence[int], claim: Claim, only: Claim | None = None) -> None:
    if not run_ids:
        return
    change = update(experiment_runs).where(among(session, experiment_runs.c.run_id, run_ids))
    change = change.values(claim=claim.value)
    session.execute(change if only is None else change.where(experiment_runs.c.claim == only))


def count(session: Session, changes: Mapping[int, Mapping[str, int]]) -> None:
    """Add to experiments' counts of done, failed and cancelled claims, and raise their revisions."""
    for experiment_id, change in changes.items():
        values: dict[str, Any] = {name: experiments.c[name] + more for name, more in change.items() if more}
        values["revision"] = experiments.c.revision + 1
        session.execute(update(experiments).where(experiments.c.id == experiment_id).values(values))


def _add_to_summaries(
    session: Session, done: Sequence[tuple[_Stored, RunResult]], claimed: Sequence[tuple[int, int, Claim]]
) -> None:
    """Add the results to the summaries of every point that they belong to."""
    results = {run.id: (run.settings_id, result) for run, result in done}
    landed: dict[tuple[int, int], list[RunResult]] = defaultdict(list)
    for experiment_id, run_id, _ in claimed:
        settings_id, result = results[run_id]
        landed[experiment_id, settings_id].append(result)
    touched = [
        (experiment_id, position, settings_id, summary)
        for experiment_id, position, settings_id, summary in _points_of(session, [run.settings_id for run, _ in done])
        if (experiment_id, settings_id) in landed
    ]
    if not touched:
        return
    dealt = [(i, result) for i, (one, _, kind, _) in enumerate(touched) for result in landed[one, kind]]
    more = sum_up(
        [result.measures for _, result in dealt],
        [result.trust.verdict == "suspect" for _, result in dealt],
        [i for i, _ in dealt],
        len(touched),
    )
    merged = packing.to_bytes(packing.merge(packing.from_bytes([summary for *_, summary in touched]), more))
    rows = ((content, one, position) for (one, position, _, _), content in zip(touched, merged, strict=True))
    update_many(session, *SUMMARY_AT, rows)


def _points_of(session: Session, settings_ids: Sequence[int]) -> list[tuple[int, int, int, bytes]]:
    """(experiment, position, settings, summary) of every point with one of the settings."""
    found: list[tuple[int, int, int, bytes]] = []
    # Sent as one parameter, so few ids among so few points would make SQLite read every point.
    for some in chunks(sorted(set(settings_ids))):
        table = points.c
        query = select(table.experiment_id, table.position, table.settings_id, table.summary)
        found += [tuple(row) for row in session.execute(query.where(table.settings_id.in_(some))).all()]
    return found
