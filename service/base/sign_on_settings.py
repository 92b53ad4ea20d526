"""Settings of single sign-on by OpenID Connect: what of them belongs together, and what they come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

EVERYONE = "*"
"""In the list of who may come in: whoever the provider knows."""
_GO_WITH = ("client_id", "client_secret", "client_secret_file", "name", "allow", "new_accounts", "admins")
"""Settings that mean nothing without an issuer."""


@dataclass(frozen=True)
class SignOn:
    """How people log in at a provider: its issuer, what it calls this service, and by which secret it knows it; what
    the login page calls it; scopes that are asked for; the claims that name the account and its groups; who may come in
    (groups, @domains, EVERYONE; empty: whose account is linked), the role of accounts that are made (null: none are),
    the groups of admins, and how long a login is good."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    name: str
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    account_claim: str = "preferred_username"
    groups_claim: str = "groups"
    allow: tuple[str, ...] = ()
    new_accounts: str | None = None
    admins: tuple[str, ...] = ()
    login_seconds: float = 43_200.0

    @property
    def wanted(self) -> frozenset[str]:
        """The claims that decide."""
        groups = any(not one.startswith("@") and one != EVERYONE for one in self.allow) or self.admins
        domains = any(one.startswith("@") for one in self.allow)
        email = ("email", "email_verified") if domains or self.account_claim == "email" else ()
        return frozenset({self.account_claim, *email, *((self.groups_claim,) if groups else ())})


def misfit(values: Mapping[str, Any]) -> str | None:
    """What of the settings `oidc_*` (here without that) does not go together, with the remedy."""
    if values["issuer"] is None:
        alone = next((name for name in _GO_WITH if values[name]), None)
        return alone and f"{_named(alone)} is set, and no provider: set {_named('issuer')} too, or neither"
    if values["client_id"] is None:
        return f"{_named('issuer')} is set, and not what it calls this service: set {_named('client_id')} too"
    if (values["client_secret"] is None) is (values["client_secret_file"] is None):
        return f"set {_named('client_secret')} or {_named('client_secret_file')}, one of the two"
    if "openid" not in values["scopes"]:
        return f"{_named('scopes')} has to hold openid"
    if values["new_accounts"] is not None and not values["allow"]:
        detail = f"{_named('new_accounts')} is set, and not for whom: set {_named('allow')} too"
        return f"{detail} (groups, @domains, or {EVERYONE} for everyone whom the provider knows)"
    return None


def sign_on_of(values: Mapping[str, Any]) -> SignOn | None:
    """What the settings come to; None where there is no provider. Raises ValueError for a file without a secret."""
    issuer = values["issuer"]
    if issuer is None:
        return None
    file, secret = values["client_secret_file"], values["client_secret"]
    return SignOn(
        issuer=issuer,
        client_id=values["client_id"],
        secret=_secret_in(Path(file)) if secret is None else secret.get_secret_value(),
        name=values["name"] or urlsplit(issuer).netloc,
        scopes=values["scopes"],
        account_claim=values["account_claim"],
        groups_claim=values["groups_claim"],
        allow=values["allow"],
        new_accounts=values["new_accounts"],
        admins=values["admins"],
        login_seconds=3600.0 * values["login_hours"],
    )


def _secret_in(file: Path) -> str:
    try:
        secret = file.read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ValueError(f"{_named('client_secret_file')}: {file} cannot be read: {why}") from None
    if not secret:
        raise ValueError(f"{_named('client_secret_file')}: {file} is empty; the secret belongs there")
    return secret


def _named(name: str) -> str:
    return f"PHASELAB_OIDC_{name.upper()}"
