"""Accounts: who may come in, and what each may do.

While there is no account, everyone who reaches the service is the owner `local` and may do everything; so only this
machine may reach it. From the first account on, every call needs an account's token.
"""

import hashlib
import math
import re
import secrets
from collections.abc import Sequence

from phaselab.db.reading import accounts, logins
from phaselab.db.reading.accounts import Account as Account
from phaselab.db.schema.database import Database, Session
from phaselab.service.base.addresses import is_loopback
from phaselab.service.base.configuration import Configuration, ConfigurationError
from phaselab.service.base.errors import AccountFault, Unauthorized

LOCAL = "local"
"""The owner of what is submitted while there is no account."""
TOKEN_BYTES = 32
MAX_WEIGHT = 1000.0
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


def create(database: Database, name: str, weight: float = 1.0, trials: int | None = None) -> str:
    """Make an account and give its token, which is not kept and cannot be had again.

    Raises AccountFault for a name, weight or cap on trials that cannot be used, and for a name that is taken.
    """
    _check(name, weight, trials)
    token, token_hash = _new_token()
    with database.transaction() as session:
        if accounts.get_account(session, name) is not None:
            raise AccountFault(f"there is an account {name} already; choose another name")
        accounts.add_account(session, name, token_hash, weight, trials)
    return token


def list_accounts(database: Database) -> Sequence[Account]:
    """Every account, by name."""
    with database.reading() as session:
        return accounts.list_accounts(session)


def rotate(database: Database, name: str) -> str:
    """A new token for the account; the former one, and every login by it, is worth nothing from now on. Raises
    AccountFault."""
    token, token_hash = _new_token()
    with database.transaction() as session:
        _existing(session, name)
        accounts.change_account(session, name, token_hash=token_hash)
        logins.end_logins(session, name)
    return token


def disable(database: Database, name: str) -> None:
    """Refuse the account from now on; what it submitted stays, and goes on. Raises AccountFault."""
    with database.transaction() as session:
        _existing(session, name)
        accounts.set_disabled(session, name, True)
        logins.end_logins(session, name)


def enable(database: Database, name: str) -> None:
    """Let a disabled account in again. Raises AccountFault."""
    with database.transaction() as session:
        _existing(session, name)
        accounts.set_disabled(session, name, False)


def set_share(database: Database, name: str, weight: float, trials: int | None) -> None:
    """Change an account's weight in the fair share and its cap on trials (None: the service's own limit).

    Raises AccountFault for an unknown name, or a value that cannot be used.
    """
    _check(name, weight, trials)
    with database.transaction() as session:
        _existing(session, name)
        accounts.change_account(session, name, weight=weight, trials=trials)


def get(database: Database, name: str) -> Account:
    """The account of this name. Raises AccountFault."""
    with database.reading() as session:
        return _existing(session, name)


def is_open(database: Database, configuration: Configuration) -> bool:
    """Whether everyone who reaches the service may do everything: there is no account, and only this machine can
    reach it."""
    if configuration.require_accounts or not is_loopback(configuration.host):
        return False
    with database.reading() as session:
        return not accounts.any_account(session)


def owner_of(database: Database, token: str) -> str:
    """The name of the account that a token is of. Raises Unauthorized."""
    with database.reading() as session:
        found = accounts.find_by_token(session, hash_of(token))
    if found is None:
        raise Unauthorized(
            "no account has this token; check it, or get a new one from whoever runs the server"
            " (phaselab user rotate NAME)"
        )
    if found.disabled_at is not None:
        raise Unauthorized(f"the account {found.name} is disabled; ask whoever runs the server")
    return found.name


def log_in(database: Database, token: str, seconds: float) -> str:
    """Open a login of the account that a token is of, and give its secret, which is not kept. It ends after so many
    seconds, at log_out, and when the account is disabled or given another token. Raises Unauthorized."""
    name = owner_of(database, token)
    secret, secret_hash = _new_token()
    with database.transaction() as session:
        logins.add_login(session, name, secret_hash, seconds)
    return secret


def log_out(database: Database, secret: str) -> None:
    """End a login; nothing happens when there is none."""
    with database.transaction() as session:
        logins.end_login(session, hash_of(secret))


def owner_of_login(database: Database, secret: str) -> str:
    """The name of the account whose login it is. Raises Unauthorized."""
    with database.reading() as session:
        found = logins.find_login(session, hash_of(secret))
    if found is None or found.disabled_at is not None:
        raise Unauthorized("this login has ended; log in again with your token")
    return found.name


def check_reach(database: Database, configuration: Configuration) -> None:
    """Raises ConfigurationError when others could reach a service that has no accounts."""
    if configuration.require_accounts or is_loopback(configuration.host):
        return
    with database.reading() as session:
        if accounts.any_account(session):
            return
    raise ConfigurationError(
        f"there are no accounts yet, so whoever reaches {configuration.host} could do everything: make one with"
        " `phaselab user add NAME`, or listen on this machine only (--host 127.0.0.1) and use an SSH tunnel from"
        " elsewhere (ssh -L 8000:127.0.0.1:8000 server)"
    )


def hash_of(token: str) -> str:
    """What is stored of a token: its sha256. A slow, salted hash guards passwords, which people choose and attackers
    guess; a token is 32 random bytes, which nobody guesses, however fast the hash."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _new_token() -> tuple[str, str]:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return token, hash_of(token)


def _check(name: str, weight: float, trials: int | None) -> None:
    faults = []
    if not _NAME.fullmatch(name):
        allowed = "1 to 64 of a-z, 0-9, and . _ @ - but not in front"
        faults.append(f"{name[:80]!r} is no name of an account: it is {allowed}")
    if not (math.isfinite(weight) and 0 < weight <= MAX_WEIGHT):
        faults.append(f"a weight is above 0 and at most {MAX_WEIGHT:g}, not {weight:g}")
    if trials is not None and not 1 <= trials <= 2**31 - 1:
        faults.append(f"a cap on trials is at least 1, not {trials}")
    if faults:
        raise AccountFault("; ".join(faults))


def _existing(session: Session, name: str) -> Account:
    found = accounts.get_account(session, name)
    if found is None:
        raise AccountFault(f"there is no account {name}; `phaselab user list` shows which there are")
    return found
