"""Pools: runs that are an owner's alone.

A private experiment (`visibility: owner`) is served what has a result for everyone, and shares what its owner's other
private experiments have. Whatever else it asks for is computed in its owner's pool: a run of its own, of the same
settings, seed and recipe, which nobody else is served. Such a run has a key of its own: the key of everyone's run would
tell that it is there.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import among, insert_many
from phaselab.db.schema.tables import experiment_runs, experiments, runs
from phaselab.domain.results.states import RunState
from phaselab.domain.specs.visibility import Visibility

COMMON = ""
"""The pool of everyone."""
COMMON_KEY = func.coalesce(runs.c.common_key, runs.c.key)
"""The key of everyone's run that a run is, or is the same as."""


def pool_of(visibility: Visibility, owner: str) -> str:
    """Where the results of an owner's experiment stand."""
    return owner if visibility is Visibility.OWNER else COMMON


def pool_of_experiment(session: Session, experiment_id: int) -> str:
    """Where the results of an experiment that is there stand."""
    columns = (experiments.c.visibility, experiments.c.owner)
    visibility, owner = session.execute(select(*columns).where(experiments.c.id == experiment_id)).one()
    return pool_of(Visibility(visibility), owner)


def has_key(session: Session, keys: Sequence[str]) -> ColumnElement[bool]:
    """That a run has one of everyone's keys, or is the same as one that has."""
    return or_(among(session, runs.c.key, keys), among(session, runs.c.common_key, keys))


def own_keys(session: Session, experiment_id: int, keys: Sequence[str]) -> Mapping[str, str]:
    """By everyone's key, the key of the run that an experiment has for it."""
    query = select(COMMON_KEY, runs.c.key).join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
    mine = query.where(experiment_runs.c.experiment_id == experiment_id, has_key(session, keys))
    found: dict[str, str] = dict(session.execute(mine).all())
    return found


def key_in_pool(run_id: int, key: str) -> str:
    """The key of the run of this id that stands in a pool for everyone's run of this key. Ids are of rows, so that no
    two rows have one, whatever pool they come to stand in."""
    return hashlib.sha256(f"pool {run_id}\n{key}".encode()).hexdigest()


def keys_in(pool: str, run_id: int, key: str) -> tuple[str, str | None]:
    """The `key` and `common_key` of the run of this id in a pool, whose run of everyone has this key."""
    return (key, None) if pool == COMMON else (key_in_pool(run_id, key), key)


def serves(pool: str) -> ColumnElement[bool]:
    """That a run serves an experiment whose results stand in a pool: it is in it, or has a result for everyone."""
    if pool == COMMON:
        return runs.c.pool == COMMON
    return or_(runs.c.pool == pool, and_(runs.c.pool == COMMON, runs.c.state == RunState.DONE))


def store_runs(session: Session, rows: Iterable[tuple[int, str, Any, int, int, str]], pool: str) -> None:
    """Store new runs in a pool: id, everyone's key, settings, seed, recipe and state of each."""
    columns = [runs.c.id, runs.c.key, runs.c.settings_id, runs.c.seed, runs.c.recipe, runs.c.state]
    if pool == COMMON:
        insert_many(session, columns, rows)
        return
    own = ((number, key_in_pool(number, key), *rest, pool, key) for number, key, *rest in rows)
    insert_many(session, [*columns, runs.c.pool, runs.c.common_key], own)


def take_common_keys(session: Session, run_ids: Sequence[int], *which: ColumnElement[bool]) -> None:
    """Give those of the runs (of `which`) that serve everyone now everyone's keys. One that is handed out keeps its own
    until it lands: whoever works on it knows it by that."""
    opened = (runs.c.pool == COMMON, runs.c.common_key.is_not(None), runs.c.leased_by.is_(None))
    mine = update(runs).where(among(session, runs.c.id, run_ids), *opened, *which)
    session.execute(mine.values(key=runs.c.common_key, common_key=None))
