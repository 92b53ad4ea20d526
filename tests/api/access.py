"""Who may do what, as docs/access.md says it, and the callers that are held against it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqlalchemy import update

from phaselab.db.schema import tables
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.db.writing.create import create_experiment
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec
from phaselab.service.verbs import accounts, logins
from phaselab.service.verbs import tokens as token_verbs

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text()
COOKIE = "phaselab_login"
NUMBERS = count()


def table(head: str) -> list[list[str]]:
    """The rows of the table of the page whose first column has this head, the head first."""
    found = re.search(rf"^\| {head} \|.*?(?=\n\n|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, head
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[0].strip().splitlines()]
    return [row for row in rows if set(row[0]) != {"-"}]


_HEAD, *_ROWS = table("rule")
RULES = {row[0]: dict(zip(_HEAD[1:], row[1:], strict=True)) for row in _ROWS}
"""What a caller may do under a rule: `yes` and how, `to read`, or the status that refuses it."""
CALLS = {row[0].strip("`"): row[1] for row in table("call")[1:]}
"""The rule of every call: method and address, without formats."""


def calls_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every (method, path) of the app's own routes; whatever is mounted is read."""
    for route in iter_route_contexts(app.routes):
        assert route.path is not None
        yield from ((method, route.path) for method in sorted(route.methods or ("GET",)))


def name_of(method: str, path: str) -> str:
    """A call as the page writes it."""
    return f"{method} {path}".replace("{experiment_id}", "{id}").replace(".{suffix}", "")


@dataclass(frozen=True)
class Site:
    """A server with experiment 1 to read, and what its callers need."""

    url: str
    database: Database
    key: str
    file: bytes
    tokens: Mapping[str, str] = field(default_factory=dict)

    def login(self, name: str) -> str:
        return logins.log_in(self.database, self.tokens[name], 600.0)

    def new_account(self) -> str:
        """The name of one that nothing has happened to."""
        name = f"new{next(NUMBERS)}"
        accounts.create(self.database, name)
        return name

    def new_token(self, account: str | None) -> str:
        """The name of one of an account; of nobody where there is no account."""
        name = f"new{next(NUMBERS)}"
        if account is not None:
            token_verbs.make(self.database, account, name)
        return name

    def new_experiment(self) -> int:
        """One of ada's that nothing has happened to."""
        spec = parse_spec({"name": f"ada's {next(NUMBERS)}", "data": {"d": 64, "n": 20}, "seeds": 2})
        with self.database.transaction() as session:
            return create_experiment(session, plan(spec), "ada")


@dataclass(frozen=True)
class Caller:
    """Who asks: a column of the rules, the account (None: none), and the headers that a request has."""

    column: str
    account: str | None
    headers: Callable[[Site], Mapping[str, str]]


def bearer(name: str) -> Callable[[Site], Mapping[str, str]]:
    return lambda site: {"Authorization": f"Bearer {site.tokens[name]}"}


def cookie(secret: Callable[[Site], str], **more: str) -> Callable[[Site], Mapping[str, str]]:
    return lambda site: {"Cookie": f"{COOKIE}={secret(site)}"} | more


def logged_in(name: str) -> Callable[[Site], str]:
    return lambda site: site.login(name)


def logged_out(site: Site) -> str:
    secret = site.login("ada")
    logins.log_out(site.database, secret)
    return secret


def expired(site: Site) -> str:
    secret, hashed = site.login("ada"), tables.logins.c.secret_hash
    with site.database.transaction() as session:
        ended = update(tables.logins).where(hashed == token_verbs.hash_of(secret))
        session.execute(ended.values(expires_at=database_time(session)))
    return secret


def nothing(site: Site) -> Mapping[str, str]:
    return {}


NO_TOKEN, WORTHLESS, OTHER, TRUSTED, OWNER, READER, ADMIN, TO_READ, TO_SUBMIT, OTHER_SITE, *_WITHOUT = _HEAD[1:]
ALONE, ELSEWHERE, NONE_MADE = _WITHOUT
CALLERS: Mapping[str, Caller] = {
    "no token": Caller(NO_TOKEN, None, nothing),
    "no scheme": Caller(WORTHLESS, None, lambda site: {"Authorization": site.tokens["ada"]}),
    "token of nobody": Caller(WORTHLESS, None, lambda site: {"Authorization": "Bearer " + "x" * 43}),
    "replaced token": Caller(WORTHLESS, None, bearer("former")),
    "disabled account": Caller(WORTHLESS, None, bearer("cyd")),
    "login that was logged out": Caller(WORTHLESS, None, cookie(logged_out)),
    "login whose time is over": Caller(WORTHLESS, None, cookie(expired)),
    "login of a disabled account": Caller(WORTHLESS, None, cookie(lambda site: site.tokens["cyd's login"])),
    "token as a login": Caller(WORTHLESS, None, cookie(lambda site: site.tokens["ada"])),
    "login as a token": Caller(WORTHLESS, None, lambda site: {"Authorization": f"Bearer {site.login('ada')}"}),
    "worthless token beside a login": Caller(
        WORTHLESS, None, lambda site: {"Authorization": "Bearer x", "Cookie": f"{COOKIE}={site.login('ada')}"}
    ),
    "another account": Caller(OTHER, "bob", bearer("bob")),
    "login of another account": Caller(OTHER, "bob", cookie(logged_in("bob"))),
    "trusted account": Caller(TRUSTED, "tess", bearer("tess")),
    "owner": Caller(OWNER, "ada", bearer("ada")),
    "login of the owner": Caller(OWNER, "ada", cookie(logged_in("ada"))),
    "reader": Caller(READER, "rae", bearer("rae")),
    "admin": Caller(ADMIN, "boss", bearer("boss")),
    "token to read": Caller(TO_READ, "ada", bearer("ada reads")),
    "login by a token to read": Caller(TO_READ, "ada", cookie(logged_in("ada reads"))),
    "token to submit": Caller(TO_SUBMIT, "ada", bearer("ada submits")),
    "token that was revoked": Caller(WORTHLESS, None, bearer("revoked")),
    "token that has run out": Caller(WORTHLESS, None, bearer("run out")),
    "login by a token that was revoked": Caller(WORTHLESS, None, cookie(lambda site: site.tokens["revoked login"])),
    "page of another site": Caller(OTHER_SITE, "ada", cookie(logged_in("ada"), Origin="http://elsewhere.example")),
    "page of no site": Caller(OTHER_SITE, "ada", cookie(logged_in("ada"), Origin="null")),
}
WITHOUT: Mapping[str, Caller] = {
    "this machine": Caller(ALONE, None, nothing),
    "with some token": Caller(ALONE, None, lambda site: {"Authorization": "Bearer x"}),
    "by a proxy": Caller(ELSEWHERE, None, lambda site: {"X-Forwarded-For": "192.0.2.7"}),
    "under another name": Caller(ELSEWHERE, None, lambda site: {"Host": "lab.example.org"}),
}
REQUIRED: Mapping[str, Caller] = {
    "no token": Caller(NONE_MADE, None, nothing),
    "some token": Caller(NONE_MADE, None, lambda site: {"Authorization": "Bearer x"}),
}
