"""The audit: what was done, read back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from phaselab.db.schema.account_tables import audit


@dataclass(frozen=True)
class Deed:
    """Something that was done: when, by which account and by which token of it, from where, in which request, to which
    experiment or other subject."""

    id: int
    at: datetime
    account: str
    by: str
    address: str
    request: str
    deed: str
    experiment_id: int | None
    subject: str
    content: Mapping[str, Any]


def list_deeds(
    session: Session,
    before: int | None,
    limit: int,
    account: str | None = None,
    experiment_id: int | None = None,
    deed: str | None = None,
) -> tuple[Sequence[Deed], int | None]:
    """At most `limit` deeds, newest first, older than the cursor `before`: all, or those of an account, on an
    experiment, of a kind; and the cursor of what follows, if any."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(audit.c.id < before)
    if account is not None:
        query = query.where(audit.c.account == account)
    if experiment_id is not None:
        query = query.where(audit.c.experiment_id == experiment_id)
    if deed is not None:
        query = query.where(audit.c.deed == deed)
    found = [Deed(**dict(row._mapping)) for row in session.execute(query)]
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def deeds_done(session: Session) -> Sequence[str]:
    """Every kind of deed that has been done, each by a look into the index."""
    found: list[str] = []
    while (after := session.execute(_after(found[-1] if found else "")).scalar_one()) is not None:
        found.append(after)
    return found


def _after(deed: str) -> Select[Any]:
    return select(func.min(audit.c.deed)).where(audit.c.deed > deed)
