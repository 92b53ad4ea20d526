"""Every call of the app as every caller, against the tables of docs/access.md: nothing that has no rule there, nothing
let in or refused that they do not say, and nothing done without its note in the audit."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from phaselab.api.app import create_app
from phaselab.api.routes.pages import VERBS
from phaselab.db.schema import tables
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.verbs import accounts, logins
from phaselab.service.verbs import tokens as token_verbs
from phaselab.service.verbs.rights import Role, Scope
from tests.api.access import CALLERS, CALLS, NUMBERS, REQUIRED, RULES, WITHOUT, Caller, Site, calls_of, name_of
from tests.api.conftest import NEW_SPEC, served_copy, serving

ROLES = {"rae": Role.READER, "boss": Role.ADMIN}
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


@pytest.fixture(scope="module")
def site(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server without accounts."""
    with served_copy(filled_sqlite, tmp_path_factory.mktemp("alone")) as (url, database):
        yield _site(url, database, url)


@pytest.fixture(scope="module")
def lab(filled_sqlite: Path, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with the accounts ada, bob, tess, whose imports are trusted, cyd, who is disabled, rae and boss."""
    with served_copy(filled_sqlite, tmp_path_factory.mktemp("lab")) as (_, database):
        tokens = {name: accounts.create(database, name) for name in ("ada", "bob", "tess", "cyd")}
        tokens |= {name: accounts.create(database, name, role=role) for name, role in ROLES.items()}
        tokens["cyd's login"] = logins.log_in(database, tokens["cyd"], 600.0)
        accounts.disable(database, "cyd")
        tokens |= {"former": tokens["ada"], "ada": token_verbs.rotate(database, "ada")}
        for name, scope in (("reads", Scope.READ), ("submits", Scope.SUBMIT)):
            tokens[f"ada {name}"] = token_verbs.make(database, "ada", name, scope, days=1)
        tokens |= _worthless(database)
        with serving(Configuration(import_trusted=("tess",)), database) as url:
            yield _site(url, database, site.url, tokens)


def _worthless(database: Database) -> dict[str, str]:
    """A token that was revoked, a login by it, and a token whose time is over."""
    revoked, run_out = (token_verbs.make(database, "ada", name, days=1) for name in ("revoked", "run out"))
    login = logins.log_in(database, revoked, 600.0)
    token_verbs.revoke(database, "ada", "revoked")
    over = update(tables.tokens).where(tables.tokens.c.name == "run out")
    with database.transaction() as session:
        session.execute(over.values(expires_at=database_time(session)))
    return {"revoked": revoked, "revoked login": login, "run out": run_out}


@pytest.fixture(scope="module")
def required(filled_sqlite: Path, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that requires accounts, and has none."""
    with (
        served_copy(filled_sqlite, tmp_path_factory.mktemp("required")) as (_, database),
        serving(Configuration(require_accounts=True), database) as url,
    ):
        yield _site(url, database, site.url)


def _site(url: str, database: Database, readable: str, tokens: Mapping[str, str] | None = None) -> Site:
    with database.reading() as session:
        key = session.execute(select(tables.runs.c.key).order_by(tables.runs.c.id)).scalars().first()
    file = httpx.get(f"{readable}/api/v1/experiments/1/portable").raise_for_status().content
    return Site(url, database, str(key), file, tokens or {})


DIAGRAM = {"experiment": "1", "x": "data.k", "y": "network.labels", "measure": "averaging_index"}
TWO = {"experiment": ["1", "2"]}
LINES = {"experiment": "1", "x": "data.k", "by": "network.labels", "measure": "averaging_index"}
CURVES = {"experiment": "1", "by": "network.labels", "where": "data.k=4"}
CSV = {"Content-Type": "text/csv"}


def sent(call: str, site: Site) -> dict[str, Any]:
    """What a call needs to be one that can be answered."""
    needed: dict[str, dict[str, Any]] = {
        "POST /api/v1/experiments": {"json": NEW_SPEC},
        "PATCH /api/v1/experiments/{id}": {"json": {"priority": 3, "name": "changed"}},
        "POST /experiments/{id}/describe": {"data": {"name": "changed", "tags": "a", "note": ""}},
        "POST /api/v1/experiments/import": {"content": site.file, "headers": {"Content-Type": "application/gzip"}},
        "GET /api/v1/diagrams": {"params": DIAGRAM},
        "GET /api/v1/differences": {"params": DIAGRAM | TWO},
        "GET /compare": {"params": TWO},
        "GET /api/v1/lines": {"params": LINES},
        "GET /api/v1/curves": {"params": CURVES},
        "POST /api/v1/curves": {"params": CURVES, "content": "radius,accuracy,label\n1,0.5,a\n", "headers": CSV},
        "POST /submit/look": {"data": {"spec": json.dumps(NEW_SPEC)}},
        "POST /submit": {"data": {"spec": json.dumps(NEW_SPEC), "do": "submit"}},
        "POST /api/v1/accounts": {"json": {"name": f"made{next(NUMBERS)}"}},
        "PATCH /api/v1/accounts/{name}": {"json": {"role": "reader", "runs_each": 5}},
        "POST /api/v1/tokens": {"json": {"name": f"made{next(NUMBERS)}", "scope": "read", "days": 1}},
        "POST /admin/accounts": {"data": {"name": f"made{next(NUMBERS)}", "role": "member"}},
        "POST /admin/accounts/{name}": {"data": {"role": "reader"}},
        "POST /admin/accounts/{name}/delete": {"data": {"heir": "ada"}},
        "POST /account": {"data": {"name": f"made{next(NUMBERS)}", "scope": "read", "days": "7"}},
        "POST /login": {"data": {"token": site.tokens.get("ada", "x")}},
    }
    return needed.get(call, {})


@dataclass(frozen=True)
class Walk:
    """One caller's way along every call of a site."""

    site: Site
    caller: Caller
    client: httpx.Client

    def ask(self, method: str, address: str, call: str) -> httpx.Response:
        given = sent(call, self.site)
        headers = dict(given.pop("headers", {})) | dict(self.caller.headers(self.site))
        answer = self.client.request(method, address, headers=headers, **given)
        self.client.cookies.clear()  # a login is what the caller says it is
        return answer

    def fault(self, method: str, path: str, verb: str) -> str | None:
        """Ask one call; what is not as the page says."""
        call = name_of("GET" if method == "HEAD" else method, path)
        said = RULES[CALLS[call]][self.caller.column]
        if said == "to read":
            said = "yes" if method in ("GET", "HEAD") else "403"
        number = self.experiment(CALLS[call], path, verb)
        address, before = self.address(path, number, verb), self.state()
        answer = self.ask(method, address, call)
        if not said.startswith("yes"):
            assert said in ("401", "403"), said
            kept = str(answer.status_code) == said and self.state() == before
        else:
            kept = answer.status_code < 400 and self.is_done(CALLS[call], said, answer, before)
        kept = kept and self.is_noted(CALLS[call], answer, number, said.startswith("yes"))
        return (
            None if kept else f"{method} {path} {verb}: {answer.status_code} {answer.text[:200]}; the page says {said}"
        )

    def experiment(self, rule: str, path: str, verb: str) -> int:
        """The experiment that a call is about: one of its own for whatever changes one."""
        if rule != "change":
            return 1
        number = self.site.new_experiment()
        if "resume" in (verb, path.rpartition("/")[2]):
            VERBS["pause"](self.site.database, number, None)
        return number

    def is_done(self, rule: str, said: str, answer: httpx.Response, before: object) -> bool:
        """Whether a call that was let in has done what the page says, and no more."""
        if rule in ("submit", "import"):
            made = int(answer.headers["location"].rpartition("/")[2])
            trusted = rule == "import" and answer.json()["trusted"]
            return self.owner(made) == (self.caller.account or "local") and trusted is (said == "yes, for all")
        if answer.request.url.path == "/account/logins/end":
            left = logins.list_logins(self.site.database, self.caller.account or "")
            return len(left) == ("cookie" in answer.request.headers)
        if rule in ("own", "administer"):
            return (answer.request.method in ("GET", "HEAD")) is (self.state() == before)
        changes = rule == "change" and not answer.request.url.path.endswith("/retry")  # nothing has failed yet
        return changes is (self.state() != before)

    def is_noted(self, rule: str, answer: httpx.Response, number: int, let_in: bool) -> bool:
        """Whether the audit has one note of what was done, with who did it, by what, from where and to what, and none
        of what only looked or was refused."""
        of = tables.audit.c
        with self.site.database.reading() as session:
            query = select(tables.audit).where(of.request == answer.headers["X-Request-Id"])
            found = session.execute(query).all()
        if rule in ("open", "log in") or answer.request.url.path == "/account/logins/end":
            return len(found) <= 1  # there may have been no login to end
        if not let_in or answer.request.method in ("GET", "HEAD") or rule == "read":
            return not found
        account = self.caller.account
        about = number if rule == "change" else None
        if rule in ("submit", "import"):
            about = int(answer.headers["location"].rpartition("/")[2])
        told = [(row.account, bool(row.by), row.address, row.experiment_id) for row in found]
        return told == [(account or "local", account is not None, "127.0.0.1", about)]

    def address(self, path: str, number: int, verb: str) -> str:
        suffix = "png" if path.endswith("curves.{suffix}") else "csv"
        parts = {"experiment_id": str(number), "key": self.site.key, "suffix": suffix, "verb": verb}
        if "{name}" in path:
            of_accounts = path.startswith(("/api/v1/accounts", "/admin/accounts")) and self.caller.account is not None
            parts["name"] = self.site.new_account() if of_accounts else self.site.new_token(self.caller.account)
        address = re.sub(r"\{(\w+)\}", lambda part: parts[part[1]], path)
        return "/static/style.css" if address == "/static" else address

    def state(self) -> list[Any]:
        """Every experiment, account and token, as far as a call could change it."""
        found, account, token = tables.experiments.c, tables.accounts.c, tables.tokens.c
        kept = select(found.id, found.name, found.owner, found.status, found.priority, found.total).order_by(found.id)
        who = select(account.name, account.role, account.disabled_at).order_by(account.id)
        by = select(token.id, token.name, token.scope).order_by(token.id)
        with self.site.database.reading() as session:
            return [tuple(row) for query in (kept, who, by) for row in session.execute(query).all()]

    def owner(self, number: int) -> str:
        found = tables.experiments.c
        with self.site.database.reading() as session:
            return str(session.execute(select(found.owner).where(found.id == number)).scalar_one())


def walk(site: Site, caller: Caller) -> list[str]:
    """Everything that is not as the page says, for one caller."""
    faults: list[str | None] = []
    with httpx.Client(base_url=site.url, timeout=60) as client:
        way = Walk(site, caller, client)
        for method, path in calls_of(create_app(Configuration(), site.database)):
            for verb in VERBS if "{verb}" in path else ("",):
                faults += [way.fault(one, path, verb) for one in ([method, "HEAD"] if method == "GET" else [method])]
    return [fault for fault in faults if fault is not None]


def test_every_call_has_a_rule_and_every_rule_a_call(sqlite_database: Database) -> None:
    app = create_app(Configuration(), sqlite_database)
    there = {name_of(*call) for call in calls_of(app)}
    assert there - set(CALLS) == set(), "calls without a rule: add them to docs/access.md"
    assert set(CALLS) - there == set(), "rules for calls that are not there"
    assert set(CALLS.values()) == set(RULES)
    app.add_api_route("/api/v1/surprise", lambda: None, methods=["PUT"])
    assert {name_of(*call) for call in calls_of(app)} - set(CALLS) == {"PUT /api/v1/surprise"}


@pytest.mark.parametrize("name", CALLERS)
def test_callers_where_there_are_accounts(lab: Site, name: str) -> None:
    assert walk(lab, CALLERS[name]) == []


@pytest.mark.parametrize("name", WITHOUT)
def test_callers_where_there_are_no_accounts(site: Site, name: str) -> None:
    assert walk(site, WITHOUT[name]) == []


@pytest.mark.parametrize("name", REQUIRED)
def test_callers_where_accounts_are_required_and_none_is_made(required: Site, name: str) -> None:
    assert walk(required, REQUIRED[name]) == []


def test_methods_that_have_no_rule_are_for_nobody(lab: Site, site: Site) -> None:
    for caller, place in ((CALLERS["owner"], lab), (CALLERS["no token"], lab), (WITHOUT["this machine"], site)):
        known: dict[str, set[str]] = {}
        for method, path in calls_of(create_app(Configuration(), place.database)):
            known.setdefault(path, set()).update([method, "HEAD"] if method == "GET" else [method])
        with httpx.Client(base_url=place.url, timeout=60) as client:
            way = Walk(place, caller, client)
            addresses = {path: way.address(path, 1, "nothing") for path in known}  # which may make accounts and tokens
            before = way.state()
            for path, methods in known.items():
                for method in sorted(METHODS - methods):
                    answer = way.ask(method, addresses[path], "")
                    assert answer.status_code in (401, 404, 405), (method, path)
            assert way.state() == before
