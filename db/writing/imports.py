"""Imported results: marked with where they came from, and kept apart from what is computed here.

A result that a file brings stands in a run of its own, which only the experiment that it was imported for has: nobody
else is served it, and no run that somebody waits for ends by it. Such a run has a key of its own, and in place of a
recipe the number of its import, below zero, for no recipe of ours vouches for it.
"""

import hashlib
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import among, chunks, insert_many, update_many
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import Want, experiment_runs, imports, run_arrays, runs
from phaselab.db.writing.create import next_id
from phaselab.db.writing.pools import COMMON_KEY, has_key, pool_of_experiment, serves, store_runs
from phaselab.db.writing.queueing import let_wait, queue_again
from phaselab.db.writing.settings_rows import read_settings
from phaselab.db.writing.status import recount
from phaselab.db.writing.summaries import rebuild_summaries
from phaselab.domain.results.states import RunState
from phaselab.domain.settings.runs import RECIPE, run_key


def note_import(session: Session, owner: str, digest: str, source: str) -> int:
    """The number of an owner's import of the file with this digest; the same one each time it is read in."""
    mine = select(imports.c.id).where(imports.c.owner == owner, imports.c.digest == digest)
    known = session.execute(mine).scalar_one_or_none()
    if known is not None:
        return int(known)
    row = {"owner": owner, "digest": digest, "source": source, "imported_at": database_time(session)}
    return int(session.execute(insert(imports).values(row).returning(imports.c.id)).scalar_one())


def key_apart(import_id: int, key: str) -> str:
    """The key of the run that stands apart for the run of this key."""
    return hashlib.sha256(f"import {import_id}\n{key}".encode()).hexdigest()


def set_apart(session: Session, experiment_id: int, import_id: int, keys: Sequence[str]) -> None:
    """Give the experiment runs that stand apart, queued, in place of those of these keys that it has and that have no
    result; of those, what nobody else has or waits for is gone."""
    table = experiment_runs.c
    query = (
        select(runs.c.id, COMMON_KEY.label("key"), runs.c.settings_id, runs.c.seed)
        .join(experiment_runs, table.run_id == runs.c.id)
        .where(has_key(session, keys), table.experiment_id == experiment_id, runs.c.state != RunState.DONE)
    )
    found = session.execute(query.order_by(runs.c.id)).all()
    first, queued = next_id(session, runs.c.id), RunState.QUEUED.value
    columns = [runs.c[name] for name in ("id", "key", "settings_id", "seed", "recipe", "state", "import_id")]
    rows = (
        (new, key_apart(import_id, row.key), row.settings_id, row.seed, -import_id, queued, import_id)
        for new, row in enumerate(found, start=first)
    )
    insert_many(session, columns, rows)
    moved = ((new, experiment_id, row.id) for new, row in enumerate(found, start=first))
    update_many(session, [table.run_id], [table.experiment_id, table.run_id], moved)
    shared = exists().where(table.run_id == runs.c.id)
    for some in chunks([row.id for row in found]):
        session.execute(delete(runs).where(runs.c.id.in_(some), runs.c.leased_by.is_(None), ~shared))
        let_wait(session, some)


def mark(session: Session, import_id: int, keys: Sequence[str]) -> None:
    """Mark results, which have just landed, as imported."""
    session.execute(update(runs).where(among(session, runs.c.key, keys)).values(import_id=import_id))


def recompute(session: Session, experiment_id: int) -> int:
    """Ask for the experiment's imported results that stand apart to be computed here; how many. Its status is still to
    be settled."""
    table = experiment_runs.c
    query = (
        select(runs.c.id, runs.c.settings_id, runs.c.seed)
        .join(experiment_runs, table.run_id == runs.c.id)
        .where(table.experiment_id == experiment_id, runs.c.import_id.is_not(None), runs.c.recipe < 0)
        .order_by(runs.c.id)
    )
    apart = session.execute(query).all()
    if not apart:
        return 0
    pool = pool_of_experiment(session, experiment_id)
    homes = _homes(session, [(row.settings_id, row.seed) for row in apart], pool)
    moved = [(*homes[row.settings_id, row.seed], experiment_id, row.id) for row in apart]
    update_many(session, [table.run_id, table.want], [table.experiment_id, table.run_id], moved)
    for some in chunks([row.id for row in apart]):
        session.execute(delete(run_arrays).where(run_arrays.c.run_id.in_(some)))
        session.execute(delete(runs).where(runs.c.id.in_(some)))
    recount(session, experiment_id)
    rebuild_summaries(session, [experiment_id])
    return len(apart)


def _homes(session: Session, wanted: Sequence[tuple[int, int]], pool: str) -> Mapping[tuple[int, int], tuple[int, str]]:
    """By settings and seed, the run that is computed here and serves a pool, asked for if it has no result, and the
    want of it."""
    kinds = sorted({settings_id for settings_id, _ in wanted})
    here = select(runs.c.settings_id, runs.c.seed, runs.c.id, runs.c.state).where(
        among(session, runs.c.settings_id, kinds), runs.c.recipe == RECIPE, serves(pool)
    )
    found = session.execute(here.order_by(runs.c.pool.desc())).all()  # everyone's at last, which is taken first
    known = {(row.settings_id, row.seed): (row.id, RunState(row.state)) for row in found}
    new = [one for one in wanted if one not in known]
    texts, first = read_settings(session, kinds), next_id(session, runs.c.id)
    queued = RunState.QUEUED.value
    rows = ((i, run_key(texts[kind], seed), kind, seed, RECIPE, queued) for i, (kind, seed) in enumerate(new, first))
    store_runs(session, rows, pool)
    ended = (RunState.FAILED, RunState.CANCELLED, RunState.HELD)
    for some in chunks([known[one][0] for one in wanted if one in known and known[one][1] in ended]):
        queue_again(session, some)
    known |= {one: (i, RunState.QUEUED) for i, one in enumerate(new, first)}
    return {
        one: (known[one][0], (Want.DONE if known[one][1] is RunState.DONE else Want.PENDING).value) for one in wanted
    }
