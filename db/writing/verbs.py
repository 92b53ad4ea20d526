"""What users do to experiments: cancel, pause, resume, retry, delete. Each is safe at any moment and idempotent."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete as sql_delete
from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import chunks
from phaselab.db.schema.tables import PENDING, Want, experiment_runs, experiments, run_arrays, runs
from phaselab.db.writing.described import read_measure_lists
from phaselab.db.writing.queueing import let_wait, queue_again
from phaselab.db.writing.refining import hold_again
from phaselab.db.writing.settings_rows import read_settings
from phaselab.db.writing.status import recount, set_status, settle, status_of
from phaselab.domain.results.measures import measures_of
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.domain.settings.runs import RECIPE
from phaselab.domain.specs.stored import readable_settings

_ENDED_WANTS = (Want.FAILED.value, Want.CANCELLED.value)


def cancel(session: Session, experiment_id: int) -> bool:
    """Give up what is pending or held; what has landed stays, and where that is everything, the experiment has
    finished. False when it had finished otherwise."""
    status = status_of(session, experiment_id)
    if status is None or status.is_finished:
        return status is ExperimentStatus.CANCELLED
    _give_up_wants(session, experiment_id)
    whole = exists().where(experiments.c.id == experiment_id, experiments.c.done == experiments.c.total)
    has_all = session.execute(select(whole)).scalar_one()
    set_status(session, experiment_id, ExperimentStatus.FINISHED if has_all else ExperimentStatus.CANCELLED)
    return True


def pause(session: Session, experiment_id: int) -> bool:
    """Hand nothing more out until it is resumed. False when the experiment has finished."""
    status = status_of(session, experiment_id)
    if status is None or status.is_finished:
        return False
    set_status(session, experiment_id, ExperimentStatus.PAUSED)
    return True


def resume(session: Session, experiment_id: int) -> bool:
    """Go on after a pause. False when the experiment has finished."""
    status = status_of(session, experiment_id)
    if status is None or status.is_finished:
        return False
    if status is ExperimentStatus.PAUSED:
        _start_again(session, experiment_id)
    return True


@dataclass(frozen=True)
class Lacking:
    """The runs of an experiment whose results lack measures that the catalogue has for their family and source: those
    that can be computed again, and how many an older recipe has computed, whose numbers this one does not give."""

    ids: tuple[int, ...] = ()
    older: int = 0


NOTHING_LACKING = Lacking()


def retry(session: Session, experiment_id: int, lacking: Lacking = NOTHING_LACKING, asked: int = 0) -> int:
    """Ask again for every run that failed or was cancelled, and for results that lack measures, beside those that were
    `asked` for already; for how many. A paused experiment stays paused.

    A result stays what and where it is while its run waits to be computed again, and after it. What was cancelled of a
    refinement is held again, which lets go what it needs.
    """
    here = experiment_runs.c.experiment_id == experiment_id
    held = hold_again(session, experiment_id)
    query = select(experiment_runs.c.run_id).where(here, experiment_runs.c.want.in_(_ENDED_WANTS))
    again = [*session.execute(query).scalars(), *lacking.ids]
    if not again and not asked and not held:
        return 0
    for some in chunks(again):
        ended = select(runs.c.id).where(runs.c.id.in_(some), runs.c.state.in_((RunState.FAILED, RunState.CANCELLED)))
        queue_again(session, session.execute(ended).scalars().all())
        results = update(runs).where(runs.c.id.in_(some), runs.c.state == RunState.DONE, runs.c.leased_by.is_(None))
        session.execute(results.values(attempts=0))
        wants = update(experiment_runs).where(here, experiment_runs.c.run_id.in_(some))
        session.execute(wants.values(want=Want.PENDING.value))
    recount(session, experiment_id)
    if status_of(session, experiment_id) is not ExperimentStatus.PAUSED:
        _start_again(session, experiment_id)
    return len(again) + asked


def lacking_runs(session: Session, experiment_id: int) -> Lacking:
    """Which results lack measures."""
    done = (experiment_runs.c.experiment_id == experiment_id, experiment_runs.c.want == Want.DONE)
    columns = (runs.c.id, runs.c.recipe, runs.c.settings_id, runs.c.measure_list_id)
    query = select(*columns).join(experiment_runs, experiment_runs.c.run_id == runs.c.id).where(*done)
    rows = session.execute(query).all()
    texts = read_settings(session, sorted({row.settings_id for row in rows}))
    lists = read_measure_lists(session)
    found = {
        (settings_id, list_id): bool(set(_measures_of(texts[settings_id])) - set(lists[list_id]))
        for settings_id, list_id in {(row.settings_id, row.measure_list_id) for row in rows}
    }
    lacking = [row for row in rows if found[row.settings_id, row.measure_list_id]]
    ids = tuple(row.id for row in lacking if row.recipe == RECIPE)
    return Lacking(ids, len(lacking) - len(ids))


def _measures_of(text: str) -> tuple[str, ...]:
    """The measures that runs of stored settings have; none where this version cannot compute them."""
    settings = readable_settings(text)
    return () if settings is None else measures_of(settings)


def delete(session: Session, experiment_id: int) -> bool:
    """Remove the experiment, and of its runs those that no other experiment has; False when there is none."""
    if status_of(session, experiment_id) is None:
        return False
    _give_up_wants(session, experiment_id)
    mine = select(experiment_runs.c.run_id).where(experiment_runs.c.experiment_id == experiment_id)
    run_ids = session.execute(mine).scalars().all()
    session.execute(sql_delete(experiments).where(experiments.c.id == experiment_id))
    for some in chunks(run_ids):
        remove_alone(session, some)
    return True


def remove_alone(session: Session, run_ids: Sequence[int]) -> int:
    """Remove those of some runs that no experiment has; how many. One that is handed out stays until it is given back,
    or lands."""
    shared = exists().where(experiment_runs.c.run_id == runs.c.id)
    alone = select(runs.c.id).where(runs.c.id.in_(run_ids), runs.c.leased_by.is_(None), ~shared)
    ids = session.execute(alone).scalars().all()
    session.execute(sql_delete(run_arrays).where(run_arrays.c.run_id.in_(ids)))
    session.execute(sql_delete(runs).where(runs.c.id.in_(ids)))
    return len(ids)


def _give_up_wants(session: Session, experiment_id: int) -> None:
    """Cancel the pending and held wants, and the runs that nobody else has them of. What has a result keeps it."""
    here = experiment_runs.c.experiment_id == experiment_id
    results = select(runs.c.id).where(runs.c.id == experiment_runs.c.run_id, runs.c.state == RunState.DONE)
    kept = update(experiment_runs).where(here, PENDING, results.exists()).values(want=Want.DONE.value)
    session.execute(kept)
    open_ones = experiment_runs.c.want.in_((Want.PENDING.value, Want.HELD.value))
    given_up = update(experiment_runs).where(here, open_ones).values(want=Want.CANCELLED.value)
    let_wait(session, session.execute(given_up.returning(experiment_runs.c.run_id)).scalars().all())
    recount(session, experiment_id)


def _start_again(session: Session, experiment_id: int) -> None:
    started = select(func.count()).where(experiments.c.id == experiment_id, experiments.c.started_at.is_not(None))
    running = bool(session.execute(started).scalar_one())
    set_status(session, experiment_id, ExperimentStatus.RUNNING if running else ExperimentStatus.QUEUED)
    settle(session, [experiment_id])
