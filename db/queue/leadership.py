"""The leader lock: of all processes that would lead, one does. Judged by the database's clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, insert, literal, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import leader, troubles
from phaselab.db.schema.types import UtcDateTime, storable_text

SCHEDULER = "scheduler"


def acquire(session: Session, holder: str, seconds: float, name: str = SCHEDULER) -> bool:
    """Take or keep the lock for `seconds` from now; False when another holds it. Also renews."""
    now = database_time(session)
    expires = now + timedelta(seconds=seconds)
    held = session.execute(select(leader).where(leader.c.name == name)).one_or_none()
    if held is None:
        session.execute(insert(leader).values(name=name, holder=holder, expires_at=expires, since=now))
        return True
    # The condition is in the change itself: a holder renews without waiting for its turn to write.
    free = (leader.c.holder == holder) | (leader.c.expires_at <= now)
    since = case((leader.c.holder == holder, leader.c.since), else_=literal(now, UtcDateTime()))
    taken = update(leader).where(leader.c.name == name, free).values(holder=holder, expires_at=expires, since=since)
    return session.execute(taken.returning(leader.c.name)).one_or_none() is not None


def renew(session: Session, holder: str, seconds: float, name: str = SCHEDULER) -> bool:
    """Keep the lock for `seconds` from now; False when it is another's or nobody's, also after it ran out unnoticed
    by others: then it is still the holder's."""
    expires = database_time(session) + timedelta(seconds=seconds)
    mine = (leader.c.name == name) & (leader.c.holder == holder)
    kept = session.execute(update(leader).where(mine).values(expires_at=expires).returning(leader.c.name))
    return kept.one_or_none() is not None


def release(session: Session, holder: str, name: str = SCHEDULER) -> None:
    """Give the lock back; nothing happens when another holds it."""
    session.execute(delete(leader).where(leader.c.name == name, leader.c.holder == holder))


@dataclass(frozen=True)
class Held:
    """Who holds a lock, and since when (null where an older version took it)."""

    holder: str
    since: datetime | None


def held(session: Session, name: str = SCHEDULER) -> Held | None:
    """Who holds the lock now, and since when; None when nobody does."""
    now = database_time(session)
    query = select(leader.c.holder, leader.c.since).where(leader.c.name == name, leader.c.expires_at > now)
    found = session.execute(query).one_or_none()
    return None if found is None else Held(*found)


def holder_of(session: Session, name: str = SCHEDULER) -> str | None:
    """Who holds the lock now; None when nobody does."""
    found = held(session, name)
    return None if found is None else found.holder


def note_trouble(session: Session, reason: str, name: str = SCHEDULER) -> None:
    """Write down what keeps the holder of the lock from its work."""
    session.execute(delete(troubles).where(troubles.c.name == name))
    row = {"name": name, "reason": storable_text(reason), "noted_at": database_time(session)}
    session.execute(insert(troubles).values(row))


def end_trouble(session: Session, name: str = SCHEDULER) -> None:
    """It works."""
    session.execute(delete(troubles).where(troubles.c.name == name))


def trouble_of(session: Session, name: str = SCHEDULER) -> str | None:
    """What keeps the holder of the lock from its work; None when nothing is known to."""
    found: str | None = session.execute(select(troubles.c.reason).where(troubles.c.name == name)).scalar_one_or_none()
    return found


_ASIDE = "experiment "


def note_aside(session: Session, experiment_id: int, why: str | None) -> None:
    """Write down why nothing of an experiment can be handed out; null: it can again."""
    name = f"{_ASIDE}{experiment_id}"
    end_trouble(session, name) if why is None else note_trouble(session, why, name)


def asides(session: Session) -> Mapping[int, str]:
    """Why nothing can be handed out, of the experiments of which that is so."""
    found = session.execute(select(troubles.c.name, troubles.c.reason).where(troubles.c.name.startswith(_ASIDE)))
    return {int(row.name.removeprefix(_ASIDE)): row.reason for row in found}


def end_asides(session: Session) -> None:
    """Forget all of these: whoever leads next finds out for itself."""
    session.execute(delete(troubles).where(troubles.c.name.startswith(_ASIDE)))
