"""Storing an experiment: its settings, its runs, its claims on them and its points, in bulk."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import chunks, insert_many
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import Claim, experiment_runs, experiments, points, runs, settings
from phaselab.db.writing.status import settle
from phaselab.db.writing.summaries import rebuild_summaries
from phaselab.domain.results import packing
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.domain.settings.runs import RECIPE
from phaselab.domain.settings.settings import Settings
from phaselab.domain.specs.draft import Draft, DraftRun, Kind, make_draft
from phaselab.domain.specs.points import Plan


def create_experiment(session: Session, planned: Plan | Draft, owner: str, idempotency_key: str | None = None) -> int:
    """Store the plan as an experiment and give its id. Drafting a large plan takes seconds; do it before the
    transaction, so that others need not wait.

    Runs that are done count at once and are never computed again; runs that failed or were cancelled are queued
    anew; runs that another experiment waits for are shared.
    """
    draft = _drafted(planned)
    ended = _find_known(session, draft)
    _store_settings(session, draft.kinds)
    for some in chunks(ended):
        queue_again(session, some)
    _store_runs(session, draft.runs)
    experiment_id = _store_experiment(session, draft, owner, idempotency_key)
    _store_claims(session, experiment_id, draft.runs)
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


def survey(session: Session, planned: Plan | Draft) -> Survey:
    """What the plan would come to if it were submitted now; stores nothing."""
    draft = _drafted(planned)
    _find_known(session, draft)
    left = Counter(run.kind.digest for run in draft.runs if not run.cached)
    to_compute = tuple((kind.settings, left[kind.digest]) for kind in draft.kinds if left[kind.digest])
    return Survey(len(draft.runs), sum(run.cached for run in draft.runs), to_compute)


def _drafted(planned: Plan | Draft) -> Draft:
    return planned if isinstance(planned, Draft) else make_draft(planned)


def queue_again(session: Session, run_ids: Sequence[int]) -> None:
    """Queue runs that had ended without a result, with all their attempts before them."""
    changes = {"state": RunState.QUEUED, "attempts": 0, "reason": None, "traceback": None, "landed_at": None}
    session.execute(update(runs).where(runs.c.id.in_(run_ids)).values(changes))


def next_id(session: Session, column: Any) -> int:
    """The first id that is free; stays so until the transaction ends, for only one writes at a time."""
    return int(session.execute(select(func.coalesce(func.max(column), 0))).scalar_one()) + 1


def _find_known(session: Session, draft: Draft) -> list[int]:
    """Fill in the settings and runs that are stored; the ids of those runs that ended without a result."""
    kinds = {kind.digest: kind for kind in draft.kinds}
    for some in chunks(list(kinds)):
        stored = select(settings.c.digest, settings.c.id).where(settings.c.digest.in_(some))
        for digest, settings_id in session.execute(stored):
            kinds[digest].id = settings_id
    known: dict[tuple[int | None, int], tuple[int, str]] = {}
    for ids in chunks([kind.id for kind in draft.kinds if kind.id is not None]):
        query = select(runs.c.settings_id, runs.c.seed, runs.c.id, runs.c.state)
        found = session.execute(query.where(runs.c.settings_id.in_(ids), runs.c.recipe == RECIPE))
        known |= {(row.settings_id, row.seed): (row.id, row.state) for row in found}
    ended = []
    for run in draft.runs if known else ():
        run.id, state = known.get((run.kind.id, run.seed), (None, ""))
        run.cached = state == RunState.DONE
        if run.id is not None and state in (RunState.FAILED, RunState.CANCELLED):
            ended.append(run.id)
    return ended


def _store_settings(session: Session, kinds: Sequence[Kind]) -> None:
    """Store the settings that are new."""
    new = [kind for kind in kinds if kind.id is None]
    for i, kind in enumerate(new, start=next_id(session, settings.c.id)):
        kind.id = i
    columns = [settings.c.id, settings.c.digest, settings.c.canonical]
    insert_many(session, columns, ((kind.id, kind.digest, kind.text) for kind in new))


def _store_runs(session: Session, wanted: Sequence[DraftRun]) -> None:
    """Store the runs that are new, queued."""
    new = [run for run in wanted if run.id is None]
    for i, run in enumerate(new, start=next_id(session, runs.c.id)):
        run.id = i
    columns = [runs.c.id, runs.c.key, runs.c.settings_id, runs.c.seed, runs.c.recipe, runs.c.state]
    queued = RunState.QUEUED.value
    insert_many(session, columns, ((run.id, run.key, run.kind.id, run.seed, RECIPE, queued) for run in new))


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
    }
    return int(session.execute(insert(experiments).values(row).returning(experiments.c.id)).scalar_one())


def _store_claims(session: Session, experiment_id: int, wanted: Sequence[DraftRun]) -> None:
    table = experiment_runs.c
    columns = [table.experiment_id, table.run_id, table.claim, table.cached, table.rank, table.shape, table.data]
    done, pending = Claim.DONE.value, Claim.PENDING.value
    rows = (
        (experiment_id, run.id, done if run.cached else pending, run.cached, run.rank, run.kind.shape, run.data)
        for run in wanted
    )
    insert_many(session, columns, rows)


def _store_points(session: Session, experiment_id: int, draft: Draft) -> None:
    blank = packing.to_bytes(packing.empty(1))[0]
    table = points.c
    columns = [table.experiment_id, table.position, table.settings_id, table.axis_values, table.summary]
    rows = (
        (experiment_id, point.index, kind.id, json.dumps(dict(point.values)), blank)
        for point, kind in zip(draft.plan.points, draft.kind_of_point, strict=True)
    )
    insert_many(session, columns, rows)
