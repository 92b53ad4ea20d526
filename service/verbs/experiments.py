"""Experiments as users see them, and what users do to them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from phaselab.db.queue import progress
from phaselab.db.queue.progress import RunningProgress as RunningProgress
from phaselab.db.reading import accounts, experiments
from phaselab.db.reading.experiments import EVERY
from phaselab.db.reading.experiments import Counts as Counts
from phaselab.db.reading.experiments import ExperimentRow as ExperimentRow
from phaselab.db.reading.experiments import Search as Search
from phaselab.db.reading.sight import sees as sees
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database, Session
from phaselab.db.writing import audit, imports, verbs
from phaselab.db.writing.pool_moves import open_results
from phaselab.domain.results.states import ExperimentStatus
from phaselab.domain.settings.faults import Fault, InvalidInput
from phaselab.domain.specs.spec import Changes
from phaselab.domain.specs.visibility import Visibility as Visibility
from phaselab.service.base.configuration import NO_QUOTAS, Quotas
from phaselab.service.base.cursors import place_of
from phaselab.service.base.editions import insist_seen
from phaselab.service.base.errors import Conflict
from phaselab.service.base.quotas import Room, room_of
from phaselab.service.verbs.rights import Caller, Deed, insist
from phaselab.service.verbs.seen import seen_experiment

MAX_PAGE = 1000
Seen = Collection[int] | None
"""The editions that somebody has seen; null: no matter."""


@dataclass(frozen=True)
class ExperimentView:
    """An experiment, where its runs stand, and in how many seconds it will have finished at the pace so far (null
    while that is not known, and when it is not running). `progress` of long runs that are running; of one experiment,
    not in lists."""

    row: ExperimentRow
    counts: Counts
    eta_seconds: float | None
    progress: tuple[RunningProgress, ...] = ()


@dataclass(frozen=True)
class ExperimentPage:
    """Some experiments, newest first, and the cursor of those that follow, if any."""

    items: tuple[ExperimentView, ...]
    next: str | None


def experiment(database: Database, experiment_id: int) -> ExperimentView:
    """One experiment. Raises NotFound."""
    with database.reading() as session:
        return _view(session, experiment_id)


def list_experiments(
    database: Database, cursor: str | None = None, limit: int = 50, search: Search = EVERY
) -> ExperimentPage:
    """A page of experiments. Raises InvalidInput for a cursor that was never given out."""
    before = place_of(cursor)
    with database.reading() as session:
        rows, following = experiments.list_experiments(session, before, min(limit, MAX_PAGE), search)
        views = _views(session, rows)
    return ExperimentPage(tuple(views), None if following is None else str(following))


def cancel(database: Database, experiment_id: int, caller: Caller | None = None, seen: Seen = None) -> ExperimentView:
    """Stop; what has landed stays. Raises NotFound, or Conflict when it has finished.

    Here and below, `caller` is who asks, and Forbidden is raised for one who may not (`rights`), as when the experiment
    is another's; None when everyone may do everything. `seen` are the editions that it may be of, null for any;
    Outdated is raised where it is of another.
    """
    return _do(database, experiment_id, caller, seen, "cancel", verbs.cancel)


def pause(database: Database, experiment_id: int, caller: Caller | None = None, seen: Seen = None) -> ExperimentView:
    """Hand nothing more out until it is resumed. Raises NotFound, Forbidden, or Conflict when it has finished."""
    return _do(database, experiment_id, caller, seen, "pause", verbs.pause)


def resume(
    database: Database,
    experiment_id: int,
    caller: Caller | None = None,
    seen: Seen = None,
    usual: Quotas = NO_QUOTAS,
) -> ExperimentView:
    """Go on after a pause. Raises NotFound, Forbidden, Conflict when it has finished, or QuotaExceeded when its owner
    has more runs that wait than may, by its own quotas or the `usual` ones."""
    room = _room(database, experiment_id, usual)

    def resumed(session: Session, experiment_id: int) -> bool:
        room.insist_on_queue(session)
        return verbs.resume(session, experiment_id)

    return _do(database, experiment_id, caller, seen, "resume", resumed)


def retry(
    database: Database,
    experiment_id: int,
    caller: Caller | None = None,
    missing: bool = False,
    imported: bool = False,
    seen: Seen = None,
    usual: Quotas = NO_QUOTAS,
) -> ExperimentView:
    """Ask again for the runs that failed or were cancelled; nothing happens when there are none.

    With `missing`, also for those whose results lack a measure that they could have, for it is newer: each is computed
    again and given what it lacks, and keeps the rest. With `imported`, also for those whose results were imported and
    stand apart, to be computed here. Raises NotFound, Forbidden, Conflict when every result that lacks one was
    computed by an older recipe, whose numbers this version does not give, or QuotaExceeded when its owner may not ask
    for more.
    """
    room = _room(database, experiment_id, usual)
    with database.transaction() as session:
        before = _own(session, experiment_id, caller, seen)
        asked = imports.recompute(session, experiment_id) if imported else 0
        lacking = verbs.lacking_runs(session, experiment_id) if missing else verbs.NOTHING_LACKING
        if lacking.older and not lacking.ids:
            raise Conflict(
                f"{lacking.older} results of experiment {experiment_id} lack a measure, and all were computed by an"
                " older recipe, whose numbers this version does not give: submit the experiment's spec again"
            )
        verbs.retry(session, experiment_id, lacking, asked)
        audit.note(session, "retry", experiment_id, missing=missing, imported=imported)
        view = _view(session, experiment_id)
        if view.counts.queued > before.counts.queued:
            room.insist(session)
        return view


def patch(
    database: Database, experiment_id: int, changes: Changes, caller: Caller | None = None, seen: Seen = None
) -> ExperimentView:
    """Change what is given of name, priority, note, tags and archived, of who sees it, and of whose it is, which admins
    may. Raises NotFound or Forbidden, InvalidInput for an owner who has no account, and Conflict for what was open to
    others and is to be private."""
    given = changes.model_dump()
    if given["tags"] is not None:
        given["tags"] = list(dict.fromkeys(given["tags"]))
    with database.transaction() as session:
        before = _own(session, experiment_id, caller, seen).row.visibility
        if given["visibility"] is not None:
            _show(session, experiment_id, before, given["visibility"])
        owner = given.pop("owner")
        if owner is not None:
            insist(caller, Deed.ADMINISTER)
            _give(session, experiment_id, owner)
        experiments.patch(session, experiment_id, given)
        told = {name: value for name, value in given.items() if value is not None}
        audit.note(session, "change", experiment_id, **told | ({"owner": owner} if owner is not None else {}))
        return _view(session, experiment_id)


def _show(session: Session, experiment_id: int, before: Visibility, after: Visibility) -> None:
    """Let others see more of a private experiment, or less of one that is open. Raises Conflict where its results were
    everyone's and are to be its owner's alone."""
    if before is after:
        return
    if after is Visibility.OWNER:
        raise Conflict(
            f"the results of experiment {experiment_id} have served everyone, which cannot be taken back; delete it and"
            " submit it again with `visibility: owner`"
        )
    if before is Visibility.OWNER:
        open_results(session, experiment_id)


def _give(session: Session, experiment_id: int, owner: str) -> None:
    """Make the experiment an account's. Raises InvalidInput when there is none of this name."""
    if accounts.get_account(session, owner) is None:
        raise InvalidInput([Fault("/owner", f"there is no account {owner[:80]!r}")])
    accounts.give_experiments(session, [experiment_id], owner)


def delete(database: Database, experiment_id: int, caller: Caller | None = None, seen: Seen = None) -> None:
    """Remove it with the runs that no other experiment has. Raises NotFound or Forbidden."""
    with database.transaction() as session:
        view = _own(session, experiment_id, caller, seen)
        verbs.delete(session, experiment_id)
        audit.note(session, "delete", experiment_id, owner=view.row.owner, name=view.row.name)


_DONE = {"cancel": "cancelled", "pause": "paused", "resume": "resumed"}


def _do(
    database: Database,
    experiment_id: int,
    caller: Caller | None,
    seen: Seen,
    deed: str,
    verb: Callable[[Session, int], bool],
) -> ExperimentView:
    with database.transaction() as session:
        before = _own(session, experiment_id, caller, seen)
        if not verb(session, experiment_id):
            status = before.row.status.replace("_", " ")
            raise Conflict(f"experiment {experiment_id} is {status} and cannot be {_DONE[deed]}")
        audit.note(session, deed, experiment_id, owner=before.row.owner)
        return _view(session, experiment_id)


def _own(session: Session, experiment_id: int, caller: Caller | None, seen: Seen) -> ExperimentView:
    """The experiment, which the caller may change, and has seen as it is."""
    view = _view(session, experiment_id)
    insist(caller, Deed.CHANGE, view.row.owner, f"experiment {experiment_id}")
    insist_seen(seen, view.row.edition, f"experiment {experiment_id}")
    return view


def _room(database: Database, experiment_id: int, usual: Quotas) -> Room:
    """The room that the experiment's owner has. Raises NotFound."""
    return room_of(database, experiment(database, experiment_id).row.owner, usual)


def _view(session: Session, experiment_id: int) -> ExperimentView:
    view = _views(session, [seen_experiment(session, experiment_id)])[0]
    running = progress.progress_of(session, experiment_id) if view.counts.running else []
    return replace(view, progress=tuple(running))


def _views(session: Session, rows: Sequence[ExperimentRow]) -> list[ExperimentView]:
    counts = experiments.counts_of(session, rows)
    now = database_time(session)
    return [ExperimentView(row, counts[row.id], _eta(row, counts[row.id], now)) for row in rows]


def _eta(row: ExperimentRow, counts: Counts, now: datetime) -> float | None:
    ended, left = counts.done + counts.failed - counts.cached, counts.queued + counts.running
    return eta_seconds(row.status, row.started_at, ended, left, now)


def eta_seconds(
    status: ExperimentStatus, started_at: datetime | None, ended: int, left: int, now: datetime
) -> float | None:
    """Seconds left of an experiment, at the mean pace since its first run was handed out: so many have been computed
    for it since then, and so many are left."""
    if status is not ExperimentStatus.RUNNING or started_at is None or ended <= 0:
        return None
    elapsed = max(0.0, (now - started_at).total_seconds())  # clocks are set back
    return elapsed * left / ended
