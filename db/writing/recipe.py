"""A new recipe: runs that wait under an older one are to be computed by the new one.

Their settings are read as this version reads them, written as this version writes them, and keyed: a recipe may rise
because settings themselves have changed. Results of older recipes keep their keys and stay where they are.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, select, true, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import update_many
from phaselab.db.schema.tables import PENDING, Want, experiment_runs, points, runs
from phaselab.db.writing.landing import land
from phaselab.db.writing.pools import keys_in
from phaselab.db.writing.queueing import queue_again
from phaselab.db.writing.settings_rows import read_settings, rewrite
from phaselab.db.writing.status import recount, settle
from phaselab.db.writing.summaries import rebuild_summaries
from phaselab.db.writing.wants import set_wants, wants_of
from phaselab.domain.results.results import RunFailure
from phaselab.domain.results.states import RunState
from phaselab.domain.settings.runs import RECIPE, canonical, run_key
from phaselab.domain.specs.stored import Misfit, stored_settings

_OPEN = experiment_runs.c.want.in_((Want.PENDING.value, Want.HELD.value))
"""That a want is still to be met, now or once a refinement lets it go."""


def waits_under_older_recipe(session: Session, experiment_id: int | None = None) -> bool:
    """Whether any run waits, for this experiment when one is given, that was asked for under an older recipe."""
    query = _waiting().limit(1)
    if experiment_id is not None:
        query = query.where(experiment_runs.c.experiment_id == experiment_id)
    return session.execute(query).first() is not None


def adopt_recipe(session: Session) -> int:
    """Give every run that waits under an older recipe its settings and its key of today; how many there were.

    Where today's run is stored already, the wants move to it. A run whose settings do not fit this version fails,
    with its reason.
    """
    _leave_results(session)
    waiting: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(_waiting()).all():
        waiting[row.settings_id].append(row)
    texts = read_settings(session, sorted(waiting))
    failed: list[RunFailure] = []
    touched: set[int] = set()
    for settings_id, rows in waiting.items():
        try:
            text = canonical(stored_settings(texts[settings_id]))
        except Misfit as unfit:
            failed += [RunFailure(row.key, str(unfit)) for row in rows]
            _stop_holding(session, [row.id for row in rows])
            continue
        home = rewrite(session, settings_id, text)
        touched |= _renew(session, rows, home, text)
        if home != settings_id:
            touched |= _move_in(session, settings_id, home)
    land(session, failed)
    for experiment_id in touched:
        recount(session, experiment_id)
    rebuild_summaries(session, sorted(touched))
    settle(session, sorted(touched))
    return sum(map(len, waiting.values()))


def _stop_holding(session: Session, run_ids: Sequence[int]) -> None:
    """Let held runs go, for they are to fail."""
    holding = {experiment_id for experiment_id, _, _ in wants_of(session, run_ids, Want.HELD)}
    set_wants(session, run_ids, Want.PENDING, Want.HELD)
    for experiment_id in holding:
        recount(session, experiment_id)


def _leave_results(session: Session) -> None:
    """Wait no more for older results to be measured again: the new recipe does not give their numbers."""
    older = select(runs.c.id).where(runs.c.state == RunState.DONE, runs.c.recipe != RECIPE)
    kept = update(experiment_runs).where(PENDING, experiment_runs.c.run_id.in_(older)).values(want=Want.DONE.value)
    touched = sorted(set(session.execute(kept.returning(experiment_runs.c.experiment_id)).scalars()))
    for experiment_id in touched:
        recount(session, experiment_id)
    settle(session, touched)


def _waiting() -> Any:
    columns = (runs.c.id, runs.c.key, runs.c.seed, runs.c.settings_id, runs.c.pool)
    query = select(*columns).join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
    return query.where(_OPEN, runs.c.recipe != RECIPE).distinct()


def _renew(session: Session, rows: Sequence[Row[Any]], home: int, text: str) -> set[int]:
    """Make waiting runs those of today's recipe; the experiments whose wants moved to runs that were there."""
    columns = (runs.c.seed, runs.c.pool, runs.c.id, runs.c.state)
    found = session.execute(select(*columns).where(runs.c.settings_id == home, runs.c.recipe == RECIPE)).all()
    today = {(row.seed, row.pool): (row.id, RunState(row.state)) for row in found}
    fresh, known = [], []
    for row in rows:
        place = (row.seed, row.pool)
        if place in today:
            known.append((row.id, *today[place]))
        else:
            fresh.append((*keys_in(row.pool, row.id, run_key(text, row.seed)), home, RECIPE, 0, row.id))
            today[place] = (row.id, RunState.QUEUED)
    changed = [runs.c.key, runs.c.common_key, runs.c.settings_id, runs.c.recipe, runs.c.attempts]
    update_many(session, changed, [runs.c.id], fresh)
    touched: set[int] = set()
    for old, kept, state in known:
        touched |= _move_wants(session, old, kept, state, _OPEN)
        lease = ("leased_by", "lease_expires_at", "stage", "stage_share")
        gone = {"state": RunState.CANCELLED.value, **dict.fromkeys(lease)}
        session.execute(update(runs).where(runs.c.id == old).values(gone))
    return touched


def _move_in(session: Session, old: int, home: int) -> set[int]:
    """Move points and runs from settings to the same settings in today's words; the experiments that it touches.

    Of two runs of one seed, recipe and pool the one with a result is kept, and has the wants of both.
    """
    moved = update(points).where(points.c.settings_id == old).values(settings_id=home)
    touched = set(session.execute(moved.returning(points.c.experiment_id)).scalars())
    columns = (runs.c.seed, runs.c.recipe, runs.c.pool, runs.c.id, runs.c.state)
    here = {row[:3]: row for row in session.execute(select(*columns).where(runs.c.settings_id == home)).all()}
    for row in session.execute(select(*columns).where(runs.c.settings_id == old)).all():
        twin = here.get(row[:3])
        if twin is not None and (twin.state == RunState.DONE or row.state != RunState.DONE):
            touched |= _move_wants(session, row.id, twin.id, RunState(twin.state))
            # A second result stays under its key, with the old settings; a run without one leaves nothing.
            session.execute(delete(runs).where(runs.c.id == row.id, runs.c.state != RunState.DONE))
            continue
        if twin is not None:
            touched |= _move_wants(session, twin.id, row.id, RunState.DONE)
            session.execute(delete(runs).where(runs.c.id == twin.id))
        session.execute(update(runs).where(runs.c.id == row.id).values(settings_id=home))
    return touched


def _move_wants(
    session: Session, old: int, kept: int, state: RunState, which: ColumnElement[bool] | None = None
) -> set[int]:
    """Move wants on one run, or `which` of them, to another, in this state; the experiments that had them."""
    table = experiment_runs.c
    mine = (table.run_id == old) & (true() if which is None else which)
    holding = select(table.experiment_id).where(table.run_id == kept)
    moved = update(experiment_runs).where(mine, table.experiment_id.not_in(holding)).values(run_id=kept)
    touched = set(session.execute(moved.returning(table.experiment_id)).scalars())
    dropped = delete(experiment_runs).where(mine).returning(table.experiment_id)
    touched |= set(session.execute(dropped).scalars())
    theirs = update(experiment_runs).where(table.run_id == kept, table.experiment_id.in_(touched))
    if state is RunState.DONE:
        session.execute(theirs.values(want=Want.DONE.value))
        return touched
    if which is not None:
        session.execute(theirs.where(table.want != Want.HELD).values(want=Want.PENDING.value))
    waits = select(table.run_id).where(table.run_id == kept, PENDING).limit(1)
    if state not in (RunState.QUEUED, RunState.LEASED) and session.execute(waits).first():
        queue_again(session, [kept])
    return touched
