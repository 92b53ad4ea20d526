"""Logins as stored: who has come in with a browser, by the hash of the secret in its cookie."""

from datetime import timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from phaselab.db.reading.accounts import Account, get_account
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import accounts, logins


def add_login(session: Session, name: str, secret_hash: str, seconds: float) -> None:
    """Store a login of an account for so many seconds, and forget those that have run out."""
    now = database_time(session)
    session.execute(delete(logins).where(logins.c.expires_at <= now))
    account = select(accounts.c.id).where(accounts.c.name == name).scalar_subquery()
    row = {"secret_hash": secret_hash, "account_id": account, "expires_at": now + timedelta(seconds=seconds)}
    session.execute(insert(logins).values(row))


def find_login(session: Session, secret_hash: str) -> Account | None:
    """The account whose login this is; None when it was ended or has run out."""
    current = (logins.c.secret_hash == secret_hash, logins.c.expires_at > database_time(session))
    query = select(accounts.c.name).join(logins, logins.c.account_id == accounts.c.id).where(*current)
    name = session.execute(query).scalar_one_or_none()
    return None if name is None else get_account(session, name)


def end_login(session: Session, secret_hash: str) -> None:
    """End one login."""
    session.execute(delete(logins).where(logins.c.secret_hash == secret_hash))


def end_logins(session: Session, name: str) -> None:
    """End every login of an account."""
    account = select(accounts.c.id).where(accounts.c.name == name).scalar_subquery()
    session.execute(delete(logins).where(logins.c.account_id == account))
