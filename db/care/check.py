"""Checking a database: that what is kept twice agrees, and that nothing hangs in the air."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ColumnElement, FromClause, Select, and_, case, exists, func, or_, select, text
from sqlalchemy.orm import Session

from phaselab.db.schema.tables import PENDING, Want, experiment_runs, experiments, points, run_arrays, runs
from phaselab.db.writing import arrays
from phaselab.db.writing.described import read_measure_lists
from phaselab.db.writing.pools import COMMON
from phaselab.db.writing.queueing import HELD, WANTED
from phaselab.db.writing.summaries import summaries_from_runs
from phaselab.domain.results import summaries
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.domain.specs.visibility import Visibility


@dataclass(frozen=True)
class Finding:
    """Something that is wrong in the database, in one sentence; `rebuild` when rebuilding summaries mends it."""

    detail: str
    rebuild: bool = False


def check(session: Session) -> list[Finding]:
    """Everything that is wrong; empty for a sound database. Reads every run."""
    found = [*_file_faults(session), *_state_faults(session), *_array_faults(session)]
    for row in session.execute(select(experiments).order_by(experiments.c.id)).all():
        found += _count_faults(session, row.id)
        found += _summary_faults(session, row.id)
    return found


def _file_faults(session: Session) -> Iterator[Finding]:
    if session.get_bind().dialect.name != "sqlite":
        return
    for (line,) in session.execute(text("PRAGMA integrity_check")):
        if line != "ok":
            yield Finding(f"the file is damaged: {line}")
    for row in session.execute(text("PRAGMA foreign_key_check")):
        yield Finding(f"a row of {row[0]} names a row of {row[2]} that is not there")


def _state_faults(session: Session) -> Iterator[Finding]:
    """Run states, leases, wants and arrays that contradict each other."""
    want, state = experiment_runs.c.want, runs.c.state
    joined = experiment_runs.join(runs, runs.c.id == experiment_runs.c.run_id)
    has_arrays = exists().where(run_arrays.c.run_id == runs.c.id)
    done = state == RunState.DONE
    rules: dict[str, Select[int]] = {
        "wants that are done of runs that are not, or given up of runs that are": _count(
            joined, or_(and_(want == Want.DONE, ~done), and_(want.in_((Want.FAILED, Want.CANCELLED, Want.HELD)), done))
        ),
        "pending wants of runs that have ended without a result": _count(
            joined, and_(PENDING, state.in_((RunState.FAILED, RunState.CANCELLED)))
        ),
        "runs handed out to nobody, or held though not handed out": _count(
            runs, and_(~done, (state == RunState.LEASED) != runs.c.leased_by.is_not(None))
        ),
        "results without a list of their measures": _count(runs, done != runs.c.measure_list_id.is_not(None)),
        "queued runs that nobody waits for": _count(runs, and_(state == RunState.QUEUED, ~WANTED)),
        "held runs that somebody waits for, or that no refinement holds": _count(
            runs, and_(state == RunState.HELD, or_(WANTED, ~HELD))
        ),
        "runs whose arrays are missing, or there before the run is done": _count(runs, done != has_arrays),
        "private runs of experiments whose results serve everyone": _count(
            joined.join(experiments, experiments.c.id == experiment_runs.c.experiment_id),
            and_(runs.c.pool != COMMON, experiments.c.visibility != Visibility.OWNER),
        ),
        "private runs that do not say which of everyone's they are": _count(
            runs, and_(runs.c.pool != COMMON, runs.c.common_key.is_(None))
        ),
    }
    for detail, query in rules.items():
        number = session.execute(query).scalar_one()
        if number:
            yield Finding(f"{number} {detail}")


def _array_faults(session: Session) -> Iterator[Finding]:
    """Curves and cosines in which bits have changed since they were stored."""
    query = select(run_arrays.c.content, runs.c.key).join(runs, runs.c.id == run_arrays.c.run_id)
    for some in session.execute(query.execution_options(yield_per=2_000)).partitions():
        for content, key in some:
            fault = arrays.damage(content)
            if fault is not None:
                yield Finding(f"the curves and cosines of run {key} are damaged: {fault}")


def _count(source: FromClause, condition: ColumnElement[bool]) -> Select[int]:
    return select(func.count()).select_from(source).where(condition)


def _count_faults(session: Session, experiment_id: int) -> Iterator[Finding]:
    """Counts and status of an experiment that do not follow from its wants."""
    row = session.execute(select(experiments).where(experiments.c.id == experiment_id)).one()
    want = experiment_runs.c.want
    query = select(func.count(), *(func.coalesce(func.sum(case((want == one, 1), else_=0)), 0) for one in Want)).where(
        experiment_runs.c.experiment_id == experiment_id
    )
    counted = session.execute(query).one()
    total, (held, pending, done, failed, cancelled) = counted[0], counted[1:]
    if (row.total, row.done, row.failed, row.cancelled, row.held) != (total, done, failed, cancelled, held):
        yield Finding(
            f"experiment {experiment_id} counts {row.total} runs, {row.done} done, {row.failed} failed,"
            f" {row.cancelled} cancelled, {row.held} held; its wants are {total}, {done}, {failed}, {cancelled}, {held}"
        )
    if ExperimentStatus(row.status).is_finished != (pending == 0):
        yield Finding(f"experiment {experiment_id} is {row.status} with {pending} runs pending")


def _summary_faults(session: Session, experiment_id: int) -> Iterator[Finding]:
    """Stored summaries that are not those of the rows, up to rounding."""
    columns = (points.c.position, points.c.summary, points.c.measure_list_id)
    found = session.execute(select(*columns).where(points.c.experiment_id == experiment_id)).all()
    lists = read_measure_lists(session)
    stored = {row.position: (row.summary, lists[row.measure_list_id]) for row in found}
    for position, row in summaries_from_runs(session, experiment_id).items():
        summary, names = stored[position]
        try:
            known = row if summaries.counted_today(names) else summaries.without_phases(row)
            same = same_summaries(summaries.from_bytes([summary], [names])[0], known)
        except ValueError:
            same = False
        if not same:
            detail = f"the summary of point {position} of experiment {experiment_id} is not that of its runs"
            yield Finding(detail, rebuild=True)


def same_summaries(one: summaries.Floats, other: summaries.Floats) -> bool:
    """Equal counts and extremes; equal means and sums of squares up to the rounding of a different order."""
    return bool(np.allclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True))
