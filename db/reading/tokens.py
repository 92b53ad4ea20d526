"""Tokens as stored: by which secrets accounts come in, each by its hash."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from phaselab.db.reading.accounts import Account, account_of
from phaselab.db.schema.account_tables import Scope, accounts, tokens
from phaselab.db.schema.clock import database_time, moment

NOTED = timedelta(minutes=1)
"""How exact the moment of last use is: it is not written more often."""


@dataclass(frozen=True)
class Token:
    """A token of an account, less the secret: what it is called and for, until when (null: for good), and when it was
    last used, to a minute."""

    id: int
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True)
class Found:
    """The account and the token that a secret is of, whether the token has run out, and whether its use is still to be
    noted."""

    account: Account
    token: Token
    expired: bool
    to_note: bool


def find_token(session: Session, token_hash: str) -> Found | None:
    """What has this hash, its account disabled or not, by one statement.

    The index compares hashes, not tokens, so the time it takes tells nothing of a token; what it found is compared
    once more in constant time.
    """
    own = [column.label(f"token_{column.name}") for column in tokens.c]
    query: Select[Any] = select(*own, *accounts.c, moment(session).label("now")).join_from(tokens, accounts)
    row = session.execute(query.where(tokens.c.token_hash == token_hash)).one_or_none()
    if row is None or not hmac.compare_digest(row.token_token_hash, token_hash):
        return None
    token = Token(
        row.token_id,
        row.token_name,
        Scope(row.token_scope),
        row.token_created_at,
        row.token_expires_at,
        row.token_used_at,
    )
    expired = token.expires_at is not None and token.expires_at <= row.now
    to_note = token.used_at is None or row.now - token.used_at > NOTED
    return Found(account_of(row), token, expired, to_note)


def note_use(session: Session, token_id: int) -> None:
    """Note that a token is used now, unless somebody has done so within a minute."""
    now = database_time(session)
    old = or_(tokens.c.used_at.is_(None), tokens.c.used_at < now - NOTED)
    session.execute(update(tokens).where(tokens.c.id == token_id, old).values(used_at=now))


def list_tokens(session: Session, account: str) -> Sequence[Token]:
    """The tokens of an account, oldest first."""
    query = select(tokens).join(accounts, accounts.c.id == tokens.c.account_id).where(accounts.c.name == account)
    return [_token(row) for row in session.execute(query.order_by(tokens.c.id))]


def add_token(
    session: Session, account: str, name: str, token_hash: str, scope: Scope, seconds: float | None = None
) -> None:
    """Store a token of an account, for so many seconds; its name must be free."""
    now = database_time(session)
    row = {
        "account_id": select(accounts.c.id).where(accounts.c.name == account).scalar_subquery(),
        "name": name,
        "token_hash": token_hash,
        "scope": scope,
        "created_at": now,
        "expires_at": None if seconds is None else now + timedelta(seconds=seconds),
    }
    session.execute(insert(tokens).values(row))


def remove_tokens(session: Session, account: str, name: str | None = None) -> int:
    """Remove the token of this name, or all of an account, with the logins by them; how many there were."""
    of = tokens.c.account_id == select(accounts.c.id).where(accounts.c.name == account).scalar_subquery()
    named = [of] if name is None else [of, tokens.c.name == name]
    ids = session.execute(select(tokens.c.id).where(*named)).scalars().all()
    session.execute(delete(tokens).where(tokens.c.id.in_(ids)))
    return len(ids)


def _token(row: Row[Any]) -> Token:
    return Token(row.id, row.name, Scope(row.scope), row.created_at, row.expires_at, row.used_at)
