"""Accounts as stored: who may come in, by the hash of a token, and their part in the fair share."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import accounts

CHANGEABLE = frozenset({"token_hash", "weight", "trials"})


@dataclass(frozen=True)
class Account:
    """An account, less its token. `weight` is its part in the fair share; `trials` the most that work for it at a
    time, null for the service's own limit; `disabled_at` null while it may come in."""

    name: str
    weight: float
    trials: int | None
    created_at: datetime
    disabled_at: datetime | None


def any_account(session: Session) -> bool:
    """Whether there is an account, disabled or not."""
    return session.execute(select(accounts.c.id).limit(1)).first() is not None


def list_accounts(session: Session) -> Sequence[Account]:
    """Every account, by name."""
    return [_account(row) for row in session.execute(select(accounts).order_by(accounts.c.name))]


def get_account(session: Session, name: str) -> Account | None:
    """The account of this name."""
    found = session.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
    return _account(found) if found else None


def find_by_token(session: Session, token_hash: str) -> Account | None:
    """The account whose token has this hash, disabled or not.

    The index compares hashes, not tokens, so the time it takes tells nothing of a token; what it found is compared
    once more in constant time.
    """
    found = session.execute(select(accounts).where(accounts.c.token_hash == token_hash)).one_or_none()
    if found is None or not hmac.compare_digest(found.token_hash, token_hash):
        return None
    return _account(found)


def add_account(session: Session, name: str, token_hash: str, weight: float, trials: int | None) -> None:
    """Store a new account; the name must be free."""
    row = {"name": name, "token_hash": token_hash, "weight": weight, "trials": trials}
    session.execute(insert(accounts).values(row | {"created_at": database_time(session)}))


def change_account(session: Session, name: str, **changes: Any) -> None:
    """Set columns of CHANGEABLE. Raises ValueError for another one."""
    if not changes.keys() <= CHANGEABLE:
        raise ValueError(f"not to be changed: {', '.join(changes.keys() - CHANGEABLE)}")
    session.execute(update(accounts).where(accounts.c.name == name).values(changes))


def set_disabled(session: Session, name: str, disabled: bool) -> None:
    """Shut an account out, or let it in again; the moment it was first shut out stays."""
    change = update(accounts).where(accounts.c.name == name)
    if disabled:
        change = change.where(accounts.c.disabled_at.is_(None))
    session.execute(change.values(disabled_at=database_time(session) if disabled else None))


def _account(row: Row[Any]) -> Account:
    return Account(row.name, row.weight, row.trials, row.created_at, row.disabled_at)
