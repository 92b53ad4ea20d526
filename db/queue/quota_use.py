"""How many bytes of results accounts have that have a quota of them, as it was last counted."""

from collections.abc import Mapping

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import quota_use


def note(session: Session, stored: Mapping[str, int]) -> None:
    """Replace what was noted before: bytes by account."""
    now = database_time(session)
    session.execute(delete(quota_use))
    if stored:
        rows = [{"account": name, "bytes": size, "noted_at": now} for name, size in stored.items()]
        session.execute(insert(quota_use), rows)


def noted(session: Session) -> Mapping[str, int]:
    """What was last noted, by account."""
    found = session.execute(select(quota_use.c.account, quota_use.c.bytes))
    return {row.account: row.bytes for row in found}
