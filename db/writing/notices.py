"""Notices: who is still to be told that an experiment has ended. Stored with the end itself, so none is ever lost."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import experiments, notices

_TOLD = ("id", "name", "owner", "status", "total", "done", "cached", "failed", "cancelled", "held")


@dataclass(frozen=True)
class Notice:
    """What is to be sent where. `tries` counts the attempts that failed."""

    id: int
    url: str
    content: Mapping[str, Any]
    tries: int


def announce(session: Session, experiment_id: int, ended_at: datetime) -> None:
    """Store a notice of the experiment as it is now, at its end, if its spec names an address.

    `event` in the content is a random id that no other notice has: a receiver that gets a notice twice knows by it.
    """
    row = session.execute(select(experiments).where(experiments.c.id == experiment_id)).one()
    url = row.spec.get("notify")
    if url is None:
        return
    told = {name: row._mapping[name] for name in _TOLD}
    content = {"event": secrets.token_hex(16), "ended_at": ended_at.isoformat(), "experiment": told}
    session.execute(
        insert(notices).values(experiment_id=experiment_id, url=url, content=content, next_at=database_time(session))
    )


def due(session: Session, most: int) -> Sequence[Notice]:
    """At most `most` notices that are to be sent now, oldest first."""
    query = select(notices).where(notices.c.next_at <= database_time(session)).order_by(notices.c.id).limit(most)
    return [Notice(row.id, row.url, row.content, row.tries) for row in session.execute(query)]


def put_off(session: Session, notice_id: int, seconds: float) -> None:
    """An attempt failed: the next one is `seconds` from now."""
    later = {"tries": notices.c.tries + 1, "next_at": database_time(session) + timedelta(seconds=seconds)}
    session.execute(update(notices).where(notices.c.id == notice_id).values(later))


def remove(session: Session, notice_id: int) -> None:
    """It was delivered, or given up."""
    session.execute(delete(notices).where(notices.c.id == notice_id))
