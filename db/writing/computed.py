"""What was computed for owners, summed up by the hour as it lands."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.tables import computed, experiments


def hour_of(at: datetime) -> datetime:
    """When the hour of a moment began."""
    return at.replace(minute=0, second=0, microsecond=0)


def note_computed(session: Session, seconds: Mapping[int, float], at: datetime) -> None:
    """Add computing seconds, by experiment, to those of their owners in the hour of a moment."""
    owners = session.execute(select(experiments.c.id, experiments.c.owner).where(experiments.c.id.in_(seconds)))
    of: defaultdict[str, float] = defaultdict(float)
    for experiment_id, owner in owners:
        of[owner] += seconds[experiment_id]
    for owner, more in of.items():
        place = {"owner": owner, "hour": hour_of(at)}
        there = update(computed).where(computed.c.owner == owner, computed.c.hour == place["hour"])
        # Who writes is alone, so nobody adds the row in between.
        if not session.execute(there.values(seconds=computed.c.seconds + more)).rowcount:  # type: ignore[attr-defined]
            session.execute(insert(computed).values(place | {"seconds": more}))
