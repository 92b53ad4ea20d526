"""Experiments: what a list or a status page reads, and the few things that change on them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select, update
from sqlalchemy.orm import Session

from phaselab.db.reading.sight import seen
from phaselab.db.schema.bulk import among
from phaselab.db.schema.tables import PENDING, experiment_runs, experiments, runs
from phaselab.db.writing.create import Survey, create_experiment, survey
from phaselab.db.writing.status import set_status, settle, status_of
from phaselab.domain.results.states import ExperimentStatus
from phaselab.domain.specs.visibility import Visibility

__all__ = [
    "Counts",
    "ExperimentRow",
    "Survey",
    "counts",
    "counts_of",
    "create_experiment",
    "find_submitted",
    "get_experiment",
    "get_experiments",
    "list_experiments",
    "patch",
    "running_of",
    "set_status",
    "settle",
    "status_of",
    "survey",
]


@dataclass(frozen=True)
class ExperimentRow:
    """An experiment as stored. `total` counts distinct runs, `cached` those that were done before it
    asked for them."""

    id: int
    name: str
    owner: str
    idempotency_key: str | None
    priority: int
    status: ExperimentStatus
    spec: Mapping[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    points: int
    skipped: int
    total: int
    cached: int
    done: int
    failed: int
    cancelled: int
    held: int
    revision: int
    note: str
    tags: Sequence[str]
    archived: bool
    edition: int
    request: str
    visibility: Visibility


@dataclass(frozen=True)
class Search:
    """Which experiments are listed: those with this status, owner and tag, and with this text in their name in whatever
    case; those that are archived, or those that are not."""

    status: ExperimentStatus | None = None
    owner: str | None = None
    name: str | None = None
    tag: str | None = None
    archived: bool = False


EVERY = Search()
"""All that are not archived."""


@dataclass(frozen=True)
class Counts:
    """The runs of an experiment by where they stand; `cached` is part of `done`, the others add up to `total`."""

    total: int
    done: int
    cached: int
    running: int
    failed: int
    cancelled: int
    queued: int
    held: int


def get_experiment(session: Session, experiment_id: int) -> ExperimentRow | None:
    """The experiment; None when there is none of this id that is seen (`db.reading.sight`)."""
    mine = select(experiments).where(experiments.c.id == experiment_id, seen(session))
    found = session.execute(mine).one_or_none()
    return _row(found) if found else None


def get_experiments(session: Session, experiment_ids: Sequence[int]) -> Mapping[int, ExperimentRow]:
    """Those of the experiments that exist and are seen, by id."""
    found = session.execute(select(experiments).where(experiments.c.id.in_(experiment_ids), seen(session)))
    return {row.id: _row(row) for row in found}


def find_submitted(session: Session, owner: str, idempotency_key: str) -> ExperimentRow | None:
    """What the owner submitted before under this idempotency key."""
    query = select(experiments).where(experiments.c.owner == owner, experiments.c.idempotency_key == idempotency_key)
    found = session.execute(query).one_or_none()
    return _row(found) if found else None


def list_experiments(
    session: Session, cursor: int | None = None, limit: int = 50, search: Search = EVERY
) -> tuple[Sequence[ExperimentRow], int | None]:
    """At most `limit` experiments that are seen, newest first, older than the cursor; and the cursor of what follows,
    if any."""
    query = select(experiments).order_by(experiments.c.id.desc()).limit(limit + 1).where(*_found(session, search))
    if cursor is not None:
        query = query.where(experiments.c.id < cursor)
    found = [_row(row) for row in session.execute(query)]
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def counts(session: Session, experiment_id: int) -> Counts | None:
    """Where the experiment's runs stand; None when there is none of this id."""
    found = get_experiment(session, experiment_id)
    return counts_of(session, [found])[found.id] if found else None


def counts_of(session: Session, rows: Sequence[ExperimentRow]) -> Mapping[int, Counts]:
    """Where the runs of several experiments stand, by id."""
    running = running_of(session, [row.id for row in rows])
    counted = {}
    for row in rows:
        busy = running.get(row.id, 0)
        queued = row.total - row.done - row.failed - row.cancelled - row.held - busy
        counted[row.id] = Counts(row.total, row.done, row.cached, busy, row.failed, row.cancelled, queued, row.held)
    return counted


def running_of(session: Session, experiment_ids: Sequence[int]) -> Mapping[int, int]:
    """How many pending runs of each experiment are handed out; experiments without any are left out."""
    # Leased runs are few and have an index of their own. In one query SQLite would read every want of an experiment.
    leased = session.execute(select(runs.c.id).where(runs.c.leased_by.is_not(None))).scalars().all()
    # Grouping would tempt it to read them in the order of their experiments, all of them.
    query = select(experiment_runs.c.experiment_id).where(among(session, experiment_runs.c.run_id, leased), PENDING)
    counted = Counter(session.execute(query).scalars())
    return {experiment_id: counted[experiment_id] for experiment_id in experiment_ids if experiment_id in counted}


def _found(session: Session, search: Search) -> Iterator[ColumnElement[bool]]:
    """The conditions of a search."""
    of = experiments.c
    yield seen(session)
    yield of.archived == search.archived
    for column, value in ((of.status, search.status), (of.owner, search.owner)):
        if value is not None:
            yield column == value
    if search.name is not None:  # SQLite knows the other case of ASCII letters alone
        folded = func.lower(of.name).contains(search.name.lower(), autoescape=True)
        yield or_(of.name.contains(search.name, autoescape=True), folded)
    if search.tag is not None:
        sqlite = session.get_bind().dialect.name == "sqlite"
        listed = (func.json_each if sqlite else func.json_array_elements_text)(of.tags).table_valued("value")
        yield select(listed.c.value).where(listed.c.value == search.tag).exists()


def patch(session: Session, experiment_id: int, given: Mapping[str, object]) -> None:
    """Change what is given of name, priority, note, tags, archived and visibility; null leaves as it is."""
    changes = {name: value for name, value in given.items() if value is not None}
    if changes:
        changed = changes | {"revision": experiments.c.revision + 1}
        session.execute(update(experiments).where(experiments.c.id == experiment_id).values(changed))


def _row(row: Row[Any]) -> ExperimentRow:
    values = dict(row._mapping)
    states = {"status": ExperimentStatus(values["status"]), "visibility": Visibility(values["visibility"])}
    return ExperimentRow(**(values | states))
