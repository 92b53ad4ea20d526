"""What accounts with quotas have used of them, as it was last counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import quota_use


@dataclass(frozen=True)
class Used:
    """Computing seconds of 24 hours, until when they were too many (null: they were not), and bytes of results."""

    seconds: float
    room_at: datetime | None
    bytes: int


def note(session: Session, used: Mapping[str, Used]) -> None:
    """Replace what was noted before."""
    now = database_time(session)
    session.execute(delete(quota_use))
    if used:
        rows = [{"account": name, "noted_at": now, **vars(one)} for name, one in used.items()]
        session.execute(insert(quota_use), rows)


def noted(session: Session) -> Mapping[str, Used]:
    """What was last noted, by account."""
    of = quota_use.c
    found = session.execute(select(of.account, of.seconds, of.room_at, of.bytes))
    return {name: Used(seconds, room_at, size) for name, seconds, room_at, size in found}
