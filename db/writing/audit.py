"""What was done, by whom, from where: written in the transaction of the deed itself, and only added to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from phaselab.db.schema.account_tables import audit
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import experiments


@dataclass(frozen=True)
class Actor:
    """Who acts: the account (`local` where there are none), by which token, login or command, from which address, in
    which request."""

    account: str = "local"
    by: str = "program"
    address: str = ""
    request: str = ""


NOBODY = Actor()
ACTOR: ContextVar[Actor] = ContextVar("phaselab_actor", default=NOBODY)
"""Who acts in this thread or task: set where a request or a command comes in."""


@contextmanager
def acting(account: str, by: str) -> Iterator[None]:
    """Deeds in the block are an account's, which has just shown who it is, by what it names."""
    before = ACTOR.set(replace(ACTOR.get(), account=account, by=by))
    try:
        yield
    finally:
        ACTOR.reset(before)


def note(session: Session, deed: str, experiment_id: int | None = None, subject: str = "", **content: Any) -> None:
    """Note a deed of whoever acts: on an experiment, whose next edition is what it has made of it, or on what `subject`
    names, with what belongs to it. No content holds a secret."""
    actor = ACTOR.get()
    row: Mapping[str, Any] = {
        "at": database_time(session),
        "account": actor.account,
        "by": actor.by[:80],
        "address": actor.address[:64],
        "request": actor.request[:64],
        "deed": deed,
        "experiment_id": experiment_id,
        "subject": subject,
        "content": content,
    }
    session.execute(insert(audit).values(row))
    if experiment_id is not None:
        changed = update(experiments).where(experiments.c.id == experiment_id)
        session.execute(changed.values(edition=experiments.c.edition + 1))
