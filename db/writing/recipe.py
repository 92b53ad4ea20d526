"""A new recipe: runs that wait under an older one are to be computed by the new one, under its key."""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.tables import PENDING, Claim, experiment_runs, runs, settings
from phaselab.db.writing.create import queue_again
from phaselab.db.writing.status import recount, settle
from phaselab.db.writing.summaries import rebuild_summaries
from phaselab.domain.results.states import RunState
from phaselab.domain.settings.runs import RECIPE, run_key


def waits_under_older_recipe(session: Session) -> bool:
    """Whether any run waits that was asked for under an older recipe."""
    query = select(runs.c.id).join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
    return session.execute(query.where(PENDING, runs.c.recipe != RECIPE).limit(1)).first() is not None


def adopt_recipe(session: Session) -> int:
    """Give every run that waits under an older recipe its key of today; how many there were.

    Where a run of today's key is stored already, the claims move to it. Results of older recipes stay what and where
    they are.
    """
    query = (
        select(runs.c.id, runs.c.seed, runs.c.settings_id, settings.c.canonical)
        .join(settings, settings.c.id == runs.c.settings_id)
        .join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
        .where(PENDING, runs.c.recipe != RECIPE)
        .distinct()
    )
    old = session.execute(query).all()
    touched: set[int] = set()
    for row in old:
        key = run_key(row.canonical, row.seed)
        today = session.execute(select(runs.c.id, runs.c.state).where(runs.c.key == key)).one_or_none()
        if today is None:
            changes = {"key": key, "recipe": RECIPE, "attempts": 0}
            session.execute(update(runs).where(runs.c.id == row.id).values(changes))
        else:
            touched |= _move_claims(session, row.id, today.id, RunState(today.state))
    for experiment_id in touched:
        recount(session, experiment_id)
    settle(session, sorted(touched))
    rebuild_summaries(session, sorted(touched))
    return len(old)


def _move_claims(session: Session, old: int, today: int, state: RunState) -> set[int]:
    """Move the pending claims on one run to another; the experiments that had them."""
    if state in (RunState.FAILED, RunState.CANCELLED):
        queue_again(session, [today])
    claim = Claim.DONE if state is RunState.DONE else Claim.PENDING
    table = experiment_runs.c
    holding = select(table.experiment_id).where(table.run_id == today)
    mine = (table.run_id == old) & PENDING
    moved = update(experiment_runs).where(mine, table.experiment_id.not_in(holding))
    moved = moved.values(run_id=today, claim=claim.value)
    experiments = set(session.execute(moved.returning(table.experiment_id)).scalars())
    dropped = delete(experiment_runs).where(mine).returning(table.experiment_id)
    experiments |= set(session.execute(dropped).scalars())
    lease = ("leased_by", "lease_expires_at", "stage", "stage_share")
    gone = {"state": RunState.CANCELLED.value, **dict.fromkeys(lease)}
    session.execute(update(runs).where(runs.c.id == old).values(gone))
    return experiments
