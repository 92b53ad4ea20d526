"""What an owner has: runs that wait, computing of the last day, bytes of results."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import Want, computed, experiment_runs, experiments, run_arrays
from phaselab.db.writing.computed import hour_of

HOURS = 24
"""How far back a day goes, in the parts in which it is forgotten."""


def waiting_runs(session: Session, owner: str) -> int:
    """Runs that an owner's experiments wait for, handed out or not; those that a refinement holds are none."""
    of = experiments.c
    left = of.total - of.done - of.failed - of.cancelled - of.held
    return int(session.execute(select(func.coalesce(func.sum(left), 0)).where(of.owner == owner)).scalar_one())


def stored_bytes(session: Session, owner: str) -> int:
    """Bytes of curves, cosines and profiles of runs that an owner's experiments have, each once."""
    has = (
        select(experiment_runs.c.run_id)
        .join(experiments, experiments.c.id == experiment_runs.c.experiment_id)
        .where(experiments.c.owner == owner, experiment_runs.c.want == Want.DONE)
    )
    query = select(func.coalesce(func.sum(func.length(run_arrays.c.content)), 0))
    return int(session.execute(query.where(run_arrays.c.run_id.in_(has))).scalar_one())


@dataclass(frozen=True)
class Day:
    """Computing seconds that landed for an owner in each of the last hours, this one first, as of a moment. What was
    computed for several owners counts to each; what was imported, or was done before, to none."""

    at: datetime
    hours: Sequence[float]

    @property
    def seconds(self) -> float:
        """Of the whole day."""
        return sum(self.hours)

    def falls_under(self, most: float) -> datetime:
        """When, with nothing computed in between, so much of it will be a day old that the rest is under `most`."""
        left, hour = self.seconds, hour_of(self.at)
        for age in reversed(range(len(self.hours))):
            left -= self.hours[age]
            if left < most:
                return hour + timedelta(hours=len(self.hours) - age)
        return hour + timedelta(hours=len(self.hours))


def day_of(session: Session, owner: str) -> Day:
    """The last day of an owner."""
    now = database_time(session)
    rows = session.execute(select(computed.c.hour, computed.c.seconds).where(computed.c.owner == owner, _lately(now)))
    hours = [0.0] * HOURS
    for hour, seconds in rows:
        hours[max(0, int((hour_of(now) - hour) / timedelta(hours=1)))] += seconds  # clocks are set back
    return Day(now, hours)


def seconds_of(session: Session, owners: Collection[str]) -> dict[str, float]:
    """Computing seconds of the last day of these owners; those with none are left out."""
    of = computed.c
    query = select(of.owner, func.sum(of.seconds)).where(of.owner.in_(owners), _lately(database_time(session)))
    return {owner: float(seconds) for owner, seconds in session.execute(query.group_by(of.owner))}


def _lately(now: datetime) -> ColumnElement[bool]:
    return computed.c.hour > hour_of(now) - timedelta(hours=HOURS)
