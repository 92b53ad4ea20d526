"""Logins: people who come in with a browser, by a token or by single sign-on, and who was refused."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from phaselab.db.reading import logins, tokens
from phaselab.db.reading.logins import Login as Login
from phaselab.db.schema.database import Database
from phaselab.db.writing import audit
from phaselab.service.base.errors import DatabaseAway, Unauthorized
from phaselab.service.verbs.rights import Caller
from phaselab.service.verbs.tokens import caller_of, existing, hash_of, new_token

SINGLE_SIGN_ON = "single sign-on"
"""The way of a login by an identity."""


def log_in(database: Database, token: str, seconds: float) -> str:
    """Open a login by a token, and give its secret, which is not kept. It ends after so many seconds, at log_out, with
    the token, and when the account is disabled. Raises Unauthorized."""
    caller = caller_of(database, token)
    secret, secret_hash = new_token()
    with database.transaction() as session, audit.acting(caller.name, caller.by):
        found = tokens.find_token(session, hash_of(token))
        if found is None:
            raise Unauthorized("this token was just revoked")
        logins.add_login(session, secret_hash, seconds, token_id=found.token.id)
        audit.note(session, "log in", subject=caller.name, token=found.token.name)
    return secret


def log_out(database: Database, secret: str) -> None:
    """End a login; nothing happens when there is none."""
    with database.reading() as session:  # strangers, who have none, make nobody wait
        found = logins.find_login(session, hash_of(secret))
    if found is None:
        return
    with database.transaction() as session, audit.acting(found.account.name, _way(found)):
        if logins.end_login(session, hash_of(secret)):
            audit.note(session, "log out", subject=found.account.name)


def caller_of_login(database: Database, secret: str) -> Caller:
    """The account whose login it is, and what it may. Raises Unauthorized."""
    with database.glance() as session:
        found = logins.find_login(session, hash_of(secret))
    if found is None or found.account.disabled_at is not None:
        raise Unauthorized("this login has ended; log in again")
    return Caller(found.account.name, found.account.role, found.scope, _way(found))


def list_logins(database: Database, account: str) -> Sequence[Login]:
    """The logins of an account, the newest first. Raises NoAccount."""
    with database.reading() as session:
        existing(session, account)
        return logins.list_logins(session, account)


def end_others(database: Database, account: str, secret: str = "") -> int:
    """End every login of an account but the one with this secret; how many they were. Raises NoAccount."""
    with database.transaction() as session:
        existing(session, account)
        ended = logins.end_logins(session, account, hash_of(secret))
        if ended:
            audit.note(session, "end logins", subject=account, logins=ended)
    return ended


def _way(login: Login) -> str:
    return f"login by {SINGLE_SIGN_ON if login.token is None else login.token}"


class Refusals:
    """Notes log-ins that were refused, in an audit that nothing is ever removed from, and that strangers are not to
    fill: `burst` at once, then one in `seconds`. The next one that is noted tells how many were not."""

    def __init__(self, burst: int = 20, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._seconds, self._clock = burst, seconds, clock
        self._left, self._since, self._untold = float(burst), clock(), 0
        self._one = threading.Lock()

    def note(self, database: Database, way: str, why: str, subject: str = "") -> None:
        """Note that somebody was refused: by which way, why, and as whom (empty: nobody knows). What cannot be noted
        stops nobody from being told."""
        untold = self._untold_if_due()
        if untold is None:
            return
        with suppress(DatabaseAway), database.transaction() as session, audit.acting("", way):
            audit.note(session, "refuse log in", subject=subject, why=why[:300], untold=untold)

    def _untold_if_due(self) -> int | None:
        """How many were not noted before this one; None when this one is not noted either."""
        with self._one:
            now = self._clock()
            self._left = min(self._burst, self._left + (now - self._since) / self._seconds)
            self._since = now
            if self._left < 1:
                self._untold += 1
                return None
            untold, self._left, self._untold = self._untold, self._left - 1, 0
            return untold
