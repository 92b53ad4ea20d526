"""Tokens: by which secrets accounts come in, and what each may."""

import hashlib
import math
import re
import secrets
import time
from collections.abc import Hashable, Sequence
from contextlib import suppress

from phaselab.db.reading import accounts, logins, tokens
from phaselab.db.reading.tokens import NOTED, Found
from phaselab.db.reading.tokens import Token as Token
from phaselab.db.schema.database import Database, Session
from phaselab.db.writing import audit
from phaselab.service.base.errors import AccountFault, AccountTaken, DatabaseAway, NoAccount, Unauthorized
from phaselab.service.verbs.rights import Caller, Scope

TOKEN_BYTES = 32
FIRST = "first"
"""What the token is called that an account is made with, and that replaces all others."""
MOST = 100
"""Tokens of one account."""
DAY = 86_400.0
MOST_DAYS = 3_650
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}")


def make(database: Database, account: str, name: str, scope: Scope = Scope.ADMIN, days: float | None = None) -> str:
    """Another token of an account, for so many days, or for good; it is not kept and cannot be had again. Raises
    AccountFault for a name or time that cannot be used, and for a name that is taken."""
    if not _NAME.fullmatch(name):
        raise AccountFault(f"{name[:80]!r} is no name of a token: 1 to 64 letters, digits, spaces and . _ @ -")
    if days is not None and not (math.isfinite(days) and 0 < days <= MOST_DAYS):
        raise AccountFault(f"a token is for more than 0 and at most {MOST_DAYS} days, not {days:g}")
    token, token_hash = new_token()
    with database.transaction() as session:
        existing(session, account)
        there = tokens.list_tokens(session, account)
        if name in {one.name for one in there}:
            raise AccountTaken(f"{account} has a token {name} already; choose another name, or revoke it")
        if len(there) >= MOST:
            raise AccountFault(f"{account} has {MOST} tokens, and no account has more; revoke some")
        tokens.add_token(session, account, name, token_hash, scope, None if days is None else days * DAY)
        audit.note(session, "add token", subject=account, token=name, scope=scope, days=days)
    return token


def list_tokens(database: Database, account: str) -> Sequence[Token]:
    """The tokens of an account, oldest first. Raises NoAccount."""
    with database.reading() as session:
        existing(session, account)
        return tokens.list_tokens(session, account)


def revoke(database: Database, account: str, name: str) -> None:
    """Make a token of an account, and every login by it, worth nothing. Raises NoAccount."""
    with database.transaction() as session:
        existing(session, account)
        if not tokens.remove_tokens(session, account, name):
            raise NoAccount(f"{account} has no token {name[:80]!r}")
        audit.note(session, "revoke token", subject=account, token=name)


def rotate(database: Database, account: str) -> str:
    """A new token for the account; all former ones, and every login, by single sign-on too, are worth nothing from now
    on. Raises NoAccount."""
    token, token_hash = new_token()
    with database.transaction() as session:
        existing(session, account)
        tokens.remove_tokens(session, account)
        logins.end_logins(session, account)
        tokens.add_token(session, account, FIRST, token_hash, Scope.ADMIN)
        audit.note(session, "rotate tokens", subject=account)
    return token


def caller_of(database: Database, token: str) -> Caller:
    """The account that a token is of, and what it may. Raises Unauthorized."""
    with database.glance() as session:
        found = tokens.find_token(session, hash_of(token))
    if found is None:
        raise Unauthorized(
            "no account has this token; check it, or get a new one from whoever runs the server"
            " (phaselab user rotate NAME)"
        )
    return _admitted(database, found)


def _admitted(database: Database, found: Found) -> Caller:
    """Who was found, whose token's use is noted. Raises Unauthorized."""
    if found.account.disabled_at is not None:
        raise Unauthorized(f"the account {found.account.name} is disabled; ask whoever runs the server")
    if found.expired:
        raise Unauthorized(f"the token {found.token.name} has run out; make another one, or ask who runs the server")
    which = (database.url, found.token.id)
    if found.to_note and time.monotonic() - _tried.get(which, -math.inf) > NOTED.total_seconds():
        _tried[which] = time.monotonic()
        with suppress(DatabaseAway), database.transaction(alone=False) as session:  # who cannot write may look
            tokens.note_use(session, found.token.id)
    return Caller(found.account.name, found.account.role, found.token.scope, f"token {found.token.name}")


_tried: dict[Hashable, float] = {}
"""When this process last noted the use of a token: of many requests at a time one waits for the database."""


def hash_of(token: str) -> str:
    """What is stored of a token: its sha256. A slow, salted hash guards passwords, which people choose and attackers
    guess; a token is 32 random bytes, which nobody guesses, however fast the hash."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def new_token() -> tuple[str, str]:
    """A secret, and what is stored of it."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return token, hash_of(token)


def existing(session: Session, name: str) -> accounts.Account:
    """The account of this name. Raises NoAccount."""
    found = accounts.get_account(session, name)
    if found is None:
        raise NoAccount(f"there is no account {name[:80]}; `phaselab user list` shows which there are")
    return found
