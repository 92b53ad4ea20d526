"""Storing an experiment: its settings, its runs, its wants on them and its points, in bulk."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import chunks, insert_many
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import Want, experiment_runs, experiments, points, runs, settings
from phaselab.db.writing.audit import ACTOR
from phaselab.db.writing.described import measure_list_ids
from phaselab.db.writing.pools import pool_of, serves, store_runs
from phaselab.db.writing.queueing import queue_again
from phaselab.db.writing.status import settle
from phaselab.db.writing.summaries import rebuild_summaries
from phaselab.domain.results import summaries
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.domain.settings.runs import RECIPE
from phaselab.domain.settings.settings import Settings
from phaselab.domain.specs.draft import DistinctSettings, Draft, make_draft
from phaselab.domain.specs.points import Plan


def create_experiment(session: Session, planned: Plan | Draft, owner: str, idempotency_key: str | None = None) -> int:
    """Store the plan as an experiment and give its id. Drafting a large plan takes seconds; do it before the
    transaction, so that others need not wait.

    Runs that are done count at once and are never computed again; runs that failed or were cancelled are queued
    anew; runs that another experiment waits for are shared; of a private experiment only with its owner's others
    (`db.writing.pools`). A refinement holds all that is not done, and lets go what it begins with.
    """
    draft = _drafted(planned)
    pool = pool_of(draft.plan.spec.visibility, owner)
    idle = _find_known(session, draft, pool)
    _store_settings(session, draft.distinct)
    if not _is_refined(draft):
        queue_again(session, idle)
    _store_runs(session, draft, pool)
    experiment_id = _store_experiment(session, draft, owner, idempotency_key)
    _store_wants(session, experiment_id, draft)
    _store_points(session, experiment_id, draft)
    if any(run.cached for run in draft.runs):
        rebuild_summaries(session, [experiment_id])
    settle(session, [experiment_id])
    return experiment_id


@dataclass(frozen=True)
class Survey:
    """What a plan would come to: distinct runs, those that are done, and for each settings how many are left."""

    runs: int
    cached: int
    to_compute: tuple[tuple[Settings, int], ...]


def survey(session: Session, planned: Plan | Draft, owner: str) -> Survey:
    """What the plan would come to if the owner submitted it now; stores nothing."""
    draft = _drafted(planned)
    _find_known(session, draft, pool_of(draft.plan.spec.visibility, owner))
    left = Counter(run.distinct.digest for run in draft.runs if not run.cached)
    to_compute = tuple((one.settings, left[one.digest]) for one in draft.distinct if left[one.digest])
    return Survey(len(draft.runs), sum(run.cached for run in draft.runs), to_compute)


def _drafted(planned: Plan | Draft) -> Draft:
    return planned if isinstance(planned, Draft) else make_draft(planned)


def next_id(session: Session, column: Any) -> int:
    """The first id that is free; stays so until the transaction ends, for only one writes at a time."""
    return int(session.execute(select(func.coalesce(func.max(column), 0))).scalar_one()) + 1


def _find_known(session: Session, draft: Draft, pool: str) -> list[int]:
    """Fill in the settings, and the runs that are stored and serve the pool; the ids of those runs that have no result,
    and for which nobody waits."""
    by_digest = {one.digest: one for one in draft.distinct}
    for some in chunks(list(by_digest)):
        stored = select(settings.c.digest, settings.c.id).where(settings.c.digest.in_(some))
        for digest, settings_id in session.execute(stored):
            by_digest[digest].id = settings_id
    known: dict[tuple[int | None, int], tuple[int, str]] = {}
    for ids in chunks([one.id for one in draft.distinct if one.id is not None]):
        query = select(runs.c.settings_id, runs.c.seed, runs.c.id, runs.c.state).order_by(runs.c.pool.desc())
        # What serves everyone comes last, and is taken before the pool's own.
        found = session.execute(query.where(runs.c.settings_id.in_(ids), runs.c.recipe == RECIPE, serves(pool)))
        known |= {(row.settings_id, row.seed): (row.id, row.state) for row in found}
    idle = []
    for run in draft.runs if known else ():
        run.id, state = known.get((run.distinct.id, run.seed), (None, ""))
        run.cached = state == RunState.DONE
        if run.id is not None and state in (RunState.FAILED, RunState.CANCELLED, RunState.HELD):
            idle.append(run.id)
    return idle


def _store_settings(session: Session, distinct: Sequence[DistinctSettings]) -> None:
    """Store the settings that are new."""
    new = [one for one in distinct if one.id is None]
    for i, one in enumerate(new, start=next_id(session, settings.c.id)):
        one.id = i
    columns = [settings.c.id, settings.c.digest, settings.c.canonical]
    insert_many(session, columns, ((one.id, one.digest, one.text) for one in new))


def _is_refined(draft: Draft) -> bool:
    return draft.plan.spec.refine is not None


def _store_runs(session: Session, draft: Draft, pool: str) -> None:
    """Store the runs that are new, in their pool, queued or held."""
    new = [run for run in draft.runs if run.id is None]
    for i, run in enumerate(new, start=next_id(session, runs.c.id)):
        run.id = i
    state = (RunState.HELD if _is_refined(draft) else RunState.QUEUED).value
    rows = ((run.id or 0, run.key, run.distinct.id, run.seed, RECIPE, state) for run in new)
    store_runs(session, rows, pool)


def _store_experiment(session: Session, draft: Draft, owner: str, idempotency_key: str | None) -> int:
    cached = sum(run.cached for run in draft.runs)
    row = {
        "name": draft.plan.spec.name,
        "owner": owner,
        "idempotency_key": idempotency_key,
        "priority": draft.plan.spec.priority,
        "status": ExperimentStatus.QUEUED,
        "spec": draft.plan.spec.model_dump(mode="json"),
        "created_at": database_time(session),
        "points": len(draft.plan.points),
        "skipped": draft.plan.skipped,
        "total": len(draft.runs),
        "cached": cached,
        "done": cached,
        "request": ACTOR.get().request[:64],
        "held": len(draft.runs) - cached if _is_refined(draft) else 0,
        "visibility": draft.plan.spec.visibility,
    }
    return int(session.execute(insert(experiments).values(row).returning(experiments.c.id)).scalar_one())


def _store_wants(session: Session, experiment_id: int, draft: Draft) -> None:
    table = experiment_runs.c
    columns = [table.experiment_id, table.run_id, table.want, table.cached, table.rank, table.shape, table.data]
    done, other = Want.DONE.value, (Want.HELD if _is_refined(draft) else Want.PENDING).value
    rows = (
        (experiment_id, run.id, done if run.cached else other, run.cached, run.rank, run.distinct.shape, run.data)
        for run in draft.runs
    )
    insert_many(session, columns, rows)


def _store_points(session: Session, experiment_id: int, draft: Draft) -> None:
    blank = summaries.to_bytes(summaries.empty(1))[0]
    layout = measure_list_ids(session, [summaries.LAYOUT])[summaries.LAYOUT]
    table = points.c
    place = [table.experiment_id, table.position, table.settings_id, table.axis_values]
    columns = [*place, table.summary, table.measure_list_id]
    rows = (
        (experiment_id, point.index, one.id, json.dumps(dict(point.values)), blank, layout)
        for point, one in zip(draft.plan.points, draft.distinct_of_point, strict=True)
    )
    insert_many(session, columns, rows)
