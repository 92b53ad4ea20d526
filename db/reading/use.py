"""What an owner has: runs that wait, computing of the last day, bytes of results."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Join, case, func, select
from sqlalchemy.orm import Session

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import Want, experiment_runs, experiments, run_arrays, runs
from phaselab.domain.results.results import MOST_SECONDS

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
    """Computing seconds that were landed for an owner in each of the last hours, the last one first, as of a moment.
    What was computed for several owners counts to each; what was imported, or was done before, to none."""

    at: datetime
    hours: Sequence[float]

    @property
    def seconds(self) -> float:
        """Of the whole day."""
        return sum(self.hours)

    def falls_under(self, most: float) -> datetime:
        """When, with nothing computed in between, so much of it will be a day old that the rest is under `most`."""
        left = self.seconds
        for age in reversed(range(len(self.hours))):
            left -= self.hours[age]
            if left < most:
                return self.at + timedelta(hours=len(self.hours) - age)
        return self.at + timedelta(hours=len(self.hours))


def day_of(session: Session, owner: str) -> Day:
    """The last day of an owner."""
    now = database_time(session)
    part = case(*((runs.c.landed_at > now - timedelta(hours=i + 1), i) for i in range(HOURS))).label("part")
    query = select(part, func.sum(_seconds())).select_from(_landed()).where(*_lately(now), experiments.c.owner == owner)
    hours = [0.0] * HOURS
    for hour, seconds in session.execute(query.group_by(part)):
        hours[hour] += seconds
    return Day(now, hours)


def seconds_of(session: Session, owners: Collection[str]) -> dict[str, float]:
    """Computing seconds of the last day of these owners; those with none are left out."""
    now = database_time(session)
    query = select(experiments.c.owner, func.sum(_seconds())).select_from(_landed()).where(*_lately(now))
    found = session.execute(query.where(experiments.c.owner.in_(owners)).group_by(experiments.c.owner))
    return {owner: float(seconds) for owner, seconds in found}


def _landed() -> Join:
    wants = experiments.join(experiment_runs, experiment_runs.c.experiment_id == experiments.c.id)
    return wants.join(runs, runs.c.id == experiment_runs.c.run_id)


def _seconds() -> ColumnElement[float]:
    return case((runs.c.seconds.between(0, MOST_SECONDS), runs.c.seconds), else_=0.0)


def _lately(now: datetime) -> Sequence[ColumnElement[bool]]:
    return (
        experiment_runs.c.want == Want.DONE,
        experiment_runs.c.cached.is_(False),
        runs.c.landed_at > now - timedelta(hours=HOURS),
        runs.c.seconds.is_not(None),
        runs.c.import_id.is_(None),
    )
