"""Accounts as stored: who may come in and what they are, and their part in the fair share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.account_tables import Role, accounts
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import experiments
from phaselab.db.writing.kept import forget
from phaselab.db.writing.pool_moves import forget_pool, give_results

QUOTAS = ("runs_each", "runs_queued", "seconds_a_day", "bytes_stored")
EDITED = {"edition": accounts.c.edition + 1}
CHANGEABLE = frozenset({"role", "weight", "trials", *QUOTAS})


@dataclass(frozen=True)
class Account:
    """An account, less its tokens. `weight` is its part in the fair share; `trials` the most that work for it at a
    time, null for the service's own limit, as are its quotas; `disabled_at` null while it may come in."""

    name: str
    role: Role
    weight: float
    trials: int | None
    created_at: datetime
    disabled_at: datetime | None
    runs_each: int | None = None
    runs_queued: int | None = None
    seconds_a_day: float | None = None
    bytes_stored: int | None = None
    edition: int = 1


def any_account(session: Session) -> bool:
    """Whether there is an account, disabled or not."""
    return session.execute(select(accounts.c.id).limit(1)).first() is not None


def list_accounts(session: Session) -> Sequence[Account]:
    """Every account, by name."""
    return [account_of(row) for row in session.execute(select(accounts).order_by(accounts.c.name))]


def get_account(session: Session, name: str) -> Account | None:
    """The account of this name."""
    found = session.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
    return account_of(found) if found else None


def add_account(session: Session, name: str, role: Role, weight: float, trials: int | None) -> None:
    """Store a new account; the name must be free."""
    row = {"name": name, "role": role, "weight": weight, "trials": trials}
    session.execute(insert(accounts).values(row | {"created_at": database_time(session)}))


def change_account(session: Session, name: str, **changes: Any) -> None:
    """Set columns of CHANGEABLE, which makes another edition of the account. Raises ValueError for another column."""
    if not changes.keys() <= CHANGEABLE:
        raise ValueError(f"not to be changed: {', '.join(changes.keys() - CHANGEABLE)}")
    session.execute(update(accounts).where(accounts.c.name == name).values(changes | EDITED))


def set_disabled(session: Session, name: str, disabled: bool) -> None:
    """Shut an account out, or let it in again; the moment it was first shut out stays."""
    change = update(accounts).where(accounts.c.name == name)
    if disabled:
        change = change.where(accounts.c.disabled_at.is_(None))
    session.execute(change.values(disabled_at=database_time(session) if disabled else None))


def remove_account(session: Session, name: str) -> None:
    """Remove an account with its tokens, logins and kept answers, and what is left of its private runs."""
    forget(session, name)
    forget_pool(session, name)
    session.execute(delete(accounts).where(accounts.c.name == name))


def experiments_of(session: Session, owner: str) -> Sequence[int]:
    """The experiments that an owner has, oldest first."""
    query = select(experiments.c.id).where(experiments.c.owner == owner).order_by(experiments.c.id)
    return session.execute(query).scalars().all()


def give_experiments(session: Session, ids: Sequence[int], owner: str) -> None:
    """Make experiments an owner's, with the results that private ones among them alone have. Their idempotency keys
    stay behind: they were of whoever submitted."""
    give_results(session, ids, owner)
    counted = {name: experiments.c[name] + 1 for name in ("revision", "edition")}
    changed: dict[str, Any] = {"owner": owner, "idempotency_key": None} | counted
    for experiment_id in ids:
        session.execute(update(experiments).where(experiments.c.id == experiment_id).values(changed))


def account_of(row: Row[Any]) -> Account:
    """The account in a row of the table."""
    quotas = {name: getattr(row, name) for name in (*QUOTAS, "edition")}
    return Account(row.name, Role(row.role), row.weight, row.trials, row.created_at, row.disabled_at, **quotas)
