"""Accounts: who may come in, and what each may do.

While there is no account, everyone who reaches the service is the owner `local` and may do everything; so only this
machine may reach it. From the first account on, every call needs an account's token.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from phaselab.db.reading import accounts, logins, tokens
from phaselab.db.reading.accounts import QUOTAS as QUOTAS
from phaselab.db.reading.accounts import Account as Account
from phaselab.db.schema.database import Database
from phaselab.db.writing import audit
from phaselab.service.base.addresses import is_loopback
from phaselab.service.base.configuration import Configuration, ConfigurationError
from phaselab.service.base.editions import insist_seen
from phaselab.service.base.errors import AccountFault, AccountTaken
from phaselab.service.verbs.rights import Role, Scope
from phaselab.service.verbs.tokens import FIRST, existing, new_token

LOCAL = "local"
"""The owner of what is submitted while there is no account."""
MAX_WEIGHT = 1000.0
LARGEST: Mapping[str, int] = {"trials": 2**31 - 1} | dict.fromkeys(QUOTAS, 2**53)
"""The largest cap on trials, and quotas."""
NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
"""What an account can be called."""


def create(
    database: Database, name: str, weight: float = 1.0, trials: int | None = None, role: Role = Role.MEMBER
) -> str:
    """Make an account and give its first token, which is not kept and cannot be had again.

    Raises AccountFault for a name, weight or cap on trials that cannot be used, AccountTaken for a name that is taken.
    """
    if not NAME.fullmatch(name):
        allowed = "1 to 64 of a-z, 0-9, and . _ @ - but not in front"
        raise AccountFault(f"{name[:80]!r} is no name of an account: it is {allowed}")
    _check({"weight": weight, "trials": trials})
    token, token_hash = new_token()
    with database.transaction() as session:
        if accounts.get_account(session, name) is not None:
            raise AccountTaken(f"there is an account {name} already; choose another name")
        accounts.add_account(session, name, role, weight, trials)
        tokens.add_token(session, name, FIRST, token_hash, Scope.ADMIN)
        audit.note(session, "add account", subject=name, role=role)
    return token


def list_accounts(database: Database) -> Sequence[Account]:
    """Every account, by name."""
    with database.reading() as session:
        return accounts.list_accounts(session)


def disable(database: Database, name: str) -> None:
    """Refuse the account from now on; what it submitted stays, and goes on. Raises NoAccount."""
    change(database, name, disabled=True)


def enable(database: Database, name: str) -> None:
    """Let a disabled account in again. Raises NoAccount."""
    change(database, name, disabled=False)


def change(
    database: Database,
    name: str,
    disabled: bool | None = None,
    seen: Collection[int] | None = None,
    **changes: Any,
) -> Account:
    """Change an account: shut it out, or let it in again, and whatever is given of its role, weight, cap on trials and
    quotas (null: the service's own). Raises NoAccount, Outdated where it is of no edition that was `seen`, or
    AccountFault for a value that cannot be used."""
    _check(changes)
    with database.transaction() as session:
        insist_seen(seen, existing(session, name).edition, f"the account {name}")
        accounts.change_account(session, name, **changes)
        if disabled is not None:
            accounts.set_disabled(session, name, disabled)
        if disabled:
            logins.end_logins(session, name)
        told = changes if disabled is None else changes | {"disabled": disabled}
        audit.note(session, "change account", subject=name, **told)
        return existing(session, name)


def remove(database: Database, name: str, heir: str | None = None) -> int:
    """Remove an account, its tokens and logins; its experiments become `heir`'s. How many they were. Raises NoAccount,
    or AccountFault when it has experiments and no other account is named that gets them."""
    with database.transaction() as session:
        existing(session, name)
        owned = accounts.experiments_of(session, name)
        if owned and (heir is None or heir == name):
            detail = f"{name} has {len(owned)} experiments: name the account that gets them (--heir, `heir=`)"
            raise AccountFault(f"{detail}, or delete them first")
        if heir is not None:
            existing(session, heir)
            accounts.give_experiments(session, owned, heir)
        accounts.remove_account(session, name)
        audit.note(session, "delete account", subject=name, heir=heir, experiments=len(owned))
    return len(owned)


def get(database: Database, name: str) -> Account:
    """The account of this name. Raises NoAccount."""
    with database.reading() as session:
        return existing(session, name)


def owned(database: Database, name: str) -> int:
    """How many experiments an account has."""
    with database.reading() as session:
        return len(accounts.experiments_of(session, name))


def is_open(database: Database, configuration: Configuration) -> bool:
    """Whether everyone who reaches the service may do everything: there is no account, and only this machine can
    reach it."""
    if configuration.needs_accounts or not is_loopback(configuration.host):
        return False
    with database.glance() as session:
        return not accounts.any_account(session)


def check_reach(database: Database, configuration: Configuration) -> None:
    """Raises ConfigurationError when others could reach a service that has no accounts."""
    if configuration.needs_accounts or is_loopback(configuration.host):
        return
    with database.reading() as session:
        if accounts.any_account(session):
            return
    raise ConfigurationError(
        f"there are no accounts yet, so whoever reaches {configuration.host} could do everything: make one with"
        " `phaselab user add NAME`, or listen on this machine only (--host 127.0.0.1) and use an SSH tunnel from"
        " elsewhere (ssh -L 8000:127.0.0.1:8000 server)"
    )


def _check(changes: Mapping[str, Any]) -> None:
    """Raises AccountFault for a value that cannot be used."""
    faults, weight = [], changes.get("weight", 1.0)
    if not (math.isfinite(weight) and 0 < weight <= MAX_WEIGHT):
        faults.append(f"a weight is above 0 and at most {MAX_WEIGHT:g}, not {weight:g}")
    for name in ("trials", *QUOTAS):
        least, value = 1 if name == "trials" else 0, changes.get(name)
        if value is not None and not (math.isfinite(value) and least <= value <= LARGEST[name]):
            told = "a cap on trials" if name == "trials" else f"a quota ({name})"
            faults.append(f"{told} is at least {least}, and not {value:g}")
    if faults:
        raise AccountFault("; ".join(faults))
