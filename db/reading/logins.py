"""Logins as stored: who has come in with a browser, by the hash of the secret in its cookie."""

from datetime import timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from phaselab.db.reading.tokens import Found, found
from phaselab.db.schema.account_tables import accounts, logins, tokens
from phaselab.db.schema.clock import database_time


def add_login(session: Session, token_id: int, secret_hash: str, seconds: float) -> None:
    """Store a login by a token for so many seconds, and forget those that have run out."""
    now = database_time(session)
    session.execute(delete(logins).where(logins.c.expires_at <= now))
    row = {"secret_hash": secret_hash, "token_id": token_id, "expires_at": now + timedelta(seconds=seconds)}
    session.execute(insert(logins).values(row))


def find_login(session: Session, secret_hash: str) -> Found | None:
    """The account and token whose login this is; None when it was ended or has run out."""
    current = (logins.c.secret_hash == secret_hash, logins.c.expires_at > database_time(session))
    query = select(tokens).join(logins, logins.c.token_id == tokens.c.id).where(*current)
    row = session.execute(query).one_or_none()
    return None if row is None else found(session, row)


def end_login(session: Session, secret_hash: str) -> None:
    """End one login."""
    session.execute(delete(logins).where(logins.c.secret_hash == secret_hash))


def end_logins(session: Session, name: str) -> None:
    """End every login of an account."""
    own = select(tokens.c.id).join(accounts, accounts.c.id == tokens.c.account_id).where(accounts.c.name == name)
    session.execute(delete(logins).where(logins.c.token_id.in_(own)))
