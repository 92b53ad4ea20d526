"""Logins as stored: who has come in with a browser, by the hash of the secret in its cookie."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from phaselab.db.reading.accounts import Account, account_of
from phaselab.db.schema.account_tables import Scope, accounts, identities, logins, tokens
from phaselab.db.schema.clock import database_time, moment

MOST = 100
"""Logins of one token or identity; another one ends the oldest."""


@dataclass(frozen=True)
class Login:
    """A login: of which account, by which token, or by which provider of single sign-on, since when and until when;
    and, by a token, until when that is good (null: for good)."""

    account: Account
    token: str | None
    scope: Scope
    issuer: str | None
    created_at: datetime
    expires_at: datetime


def add_login(
    session: Session, secret_hash: str, seconds: float, token_id: int | None = None, identity_id: int | None = None
) -> None:
    """Store a login by a token, or by an identity, for so many seconds, and forget those that have run out."""
    now = database_time(session)
    session.execute(delete(logins).where(logins.c.expires_at <= now))
    by = logins.c.token_id == token_id if identity_id is None else logins.c.identity_id == identity_id
    newest = select(logins.c.secret_hash).where(by).order_by(logins.c.created_at.desc(), logins.c.secret_hash)
    session.execute(delete(logins).where(logins.c.secret_hash.in_(newest.offset(MOST - 1).limit(MOST))))
    row = {"secret_hash": secret_hash, "token_id": token_id, "identity_id": identity_id}
    session.execute(insert(logins).values(row | {"created_at": now, "expires_at": now + timedelta(seconds=seconds)}))


def find_login(session: Session, secret_hash: str) -> Login | None:
    """The login with this secret; None when it was ended, or it or its token has run out."""
    row = session.execute(_current(session).where(logins.c.secret_hash == secret_hash)).one_or_none()
    return None if row is None else _login(row)


def list_logins(session: Session, name: str) -> Sequence[Login]:
    """The logins of an account, the newest first."""
    query = _current(session).where(accounts.c.name == name).order_by(logins.c.created_at.desc())
    return [_login(row) for row in session.execute(query)]


def end_login(session: Session, secret_hash: str) -> bool:
    """End one login; whether there was one."""
    ended = session.execute(delete(logins).where(logins.c.secret_hash == secret_hash).returning(logins.c.secret_hash))
    return ended.first() is not None


def end_logins(session: Session, name: str, but: str = "") -> int:
    """End every login of an account but the one with this hash; how many there were."""
    own = select(accounts.c.id).where(accounts.c.name == name).scalar_subquery()
    by_token = logins.c.token_id.in_(select(tokens.c.id).where(tokens.c.account_id == own))
    by_identity = logins.c.identity_id.in_(select(identities.c.id).where(identities.c.account_id == own))
    of: tuple[ColumnElement[bool], ...] = (or_(by_token, by_identity), logins.c.secret_hash != but)
    ended = session.execute(select(logins.c.secret_hash).where(*of)).scalars().all()
    session.execute(delete(logins).where(logins.c.secret_hash.in_(ended)))
    return len(ended)


def _current(session: Session) -> Select[Any]:
    """Logins that have not run out, nor their tokens, each with its account."""
    now = moment(session)
    either = func.coalesce(tokens.c.account_id, identities.c.account_id)
    joined = logins.outerjoin(tokens, tokens.c.id == logins.c.token_id)
    joined = joined.outerjoin(identities, identities.c.id == logins.c.identity_id)
    login = (logins.c.created_at.label("since"), logins.c.expires_at.label("until"))
    by = (tokens.c.name.label("token"), tokens.c.scope, identities.c.issuer)
    query = select(accounts, *login, *by).select_from(joined.join(accounts, accounts.c.id == either))
    good = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)
    return query.where(logins.c.expires_at > now, good)


def _login(row: Any) -> Login:
    scope = Scope.ADMIN if row.scope is None else Scope(row.scope)
    return Login(account_of(row), row.token, scope, row.issuer, row.since, row.until)
