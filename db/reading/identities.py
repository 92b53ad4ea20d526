"""Identities as stored: whose account somebody is at a provider of single sign-on, by issuer and subject."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select
from sqlalchemy.orm import Session

from phaselab.db.schema.account_tables import accounts, identities
from phaselab.db.schema.clock import database_time


@dataclass(frozen=True)
class Identity:
    """Who somebody is at a provider, the account that they come in as, and since when."""

    id: int
    issuer: str
    subject: str
    account: str
    created_at: datetime


def find_identity(session: Session, issuer: str, subject: str) -> Identity | None:
    """The identity with this issuer and subject."""
    named = (identities.c.issuer == issuer, identities.c.subject == subject)
    found = session.execute(_with_accounts().where(*named)).one_or_none()
    return None if found is None else _identity(found)


def list_identities(session: Session, account: str) -> Sequence[Identity]:
    """The identities of an account, oldest first."""
    query = _with_accounts().where(accounts.c.name == account).order_by(identities.c.id)
    return [_identity(row) for row in session.execute(query)]


def add_identity(session: Session, account: str, issuer: str, subject: str) -> None:
    """Let somebody come in as an account; the identity must be nobody's yet."""
    row = {
        "account_id": select(accounts.c.id).where(accounts.c.name == account).scalar_subquery(),
        "issuer": issuer,
        "subject": subject,
        "created_at": database_time(session),
    }
    session.execute(insert(identities).values(row))


def remove_identity(session: Session, identity_id: int) -> None:
    """Remove an identity, with the logins by it."""
    session.execute(delete(identities).where(identities.c.id == identity_id))


def _with_accounts() -> Select[Any]:
    own = identities.c
    query = select(own.id, own.issuer, own.subject, accounts.c.name, own.created_at)
    return query.join(accounts, accounts.c.id == own.account_id)


def _identity(row: Row[Any]) -> Identity:
    return Identity(row.id, row.issuer, row.subject, row.name, row.created_at)
