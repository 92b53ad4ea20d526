"""Roles and scopes: what each may, the tokens that carry them, and what becomes of what an account had."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from phaselab.db.schema import tables
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.specs.spec import Changes
from phaselab.service.base.errors import AccountFault, AccountTaken, Forbidden, NoAccount, Unauthorized
from phaselab.service.verbs import accounts, audit, experiments, logins, tokens
from phaselab.service.verbs.rights import Caller, Deed, Role, Scope, insist
from tests.db.rows import store
from tests.db.test_old_files import Restore
from tests.db.test_old_files import restore as restore

ALLOWED = {
    (Role.READER, Scope.READ): {Deed.READ},
    (Role.READER, Scope.SUBMIT): {Deed.READ},
    (Role.READER, Scope.ADMIN): {Deed.READ, Deed.OWN},
    (Role.MEMBER, Scope.READ): {Deed.READ},
    (Role.MEMBER, Scope.SUBMIT): {Deed.READ, Deed.SUBMIT, Deed.CHANGE},
    (Role.MEMBER, Scope.ADMIN): {Deed.READ, Deed.SUBMIT, Deed.CHANGE, Deed.OWN},
    (Role.ADMIN, Scope.READ): {Deed.READ, Deed.SEE},
    (Role.ADMIN, Scope.SUBMIT): {Deed.READ, Deed.SEE, Deed.SUBMIT, Deed.CHANGE},
    (Role.ADMIN, Scope.ADMIN): set(Deed),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("scope", Scope)
def test_role_and_scope_together_say_what_is_allowed(role: Role, scope: Scope) -> None:
    caller = Caller("ada", role, scope)
    assert {deed for deed in Deed if caller.may(deed)} == ALLOWED[role, scope]
    others = caller.may(Deed.CHANGE, "bob")
    assert others is (role is Role.ADMIN and scope is Scope.ADMIN), "what is another's is for admins"
    assert caller.may(Deed.CHANGE, "ada") is caller.may(Deed.CHANGE)
    if not others:
        with pytest.raises(Forbidden, match="experiment 7 is bob's"):
            insist(caller, Deed.CHANGE, "bob", "experiment 7")


def test_without_accounts_everyone_may_do_everything() -> None:
    for deed in Deed:
        insist(None, deed, "bob")


def test_an_admin_looks_after_what_is_others(database: Database) -> None:
    accounts.create(database, "bob")
    one = store(database, owner="ada")
    boss = Caller("boss", Role.ADMIN)
    assert experiments.pause(database, one, boss).row.status == "paused"
    assert experiments.patch(database, one, Changes(owner="bob"), boss).row.owner == "bob"
    for caller in (Caller("bob"), Caller("ada"), Caller("boss", Role.ADMIN, Scope.SUBMIT)):
        with pytest.raises(Forbidden):
            experiments.patch(database, one, Changes(owner="ada"), caller)
    with pytest.raises(InvalidInput, match="no account 'eve'"):
        experiments.patch(database, one, Changes(owner="eve"), boss)
    assert experiments.resume(database, one, Caller("bob")).row.owner == "bob", "it is bob's now"
    experiments.delete(database, one, boss)


def test_tokens_are_several_each_with_its_scope_and_end(database: Database) -> None:
    first = accounts.create(database, "ada")
    reads = tokens.make(database, "ada", "laptop", Scope.READ)
    short = tokens.make(database, "ada", "a week", Scope.SUBMIT, days=7)
    assert [tokens.caller_of(database, one).scope for one in (first, reads, short)] == ["admin", "read", "submit"]
    listed = {one.name: one for one in tokens.list_tokens(database, "ada")}
    assert list(listed) == ["first", "laptop", "a week"]
    assert (listed["laptop"].expires_at, listed["a week"].scope) == (None, "submit")
    week = listed["a week"]
    assert week.expires_at is not None
    assert week.expires_at - week.created_at == timedelta(days=7)
    login = logins.log_in(database, short, 600.0)
    assert logins.caller_of_login(database, login).scope == "submit", "a login may what its token may"
    with database.transaction() as session:
        over = update(tables.tokens).where(tables.tokens.c.name == "a week")
        session.execute(over.values(expires_at=database_time(session)))
    with pytest.raises(Unauthorized, match="a week has run out"):
        tokens.caller_of(database, short)
    with pytest.raises(Unauthorized, match="has ended"):
        logins.caller_of_login(database, login)
    tokens.revoke(database, "ada", "laptop")
    with pytest.raises(Unauthorized):
        tokens.caller_of(database, reads)
    assert tokens.caller_of(database, tokens.rotate(database, "ada")).scope == "admin"
    assert [one.name for one in tokens.list_tokens(database, "ada")] == ["first"], "all others are gone"


def test_the_last_use_of_a_token_is_shown_to_a_minute(database: Database) -> None:
    token = accounts.create(database, "ada")
    assert tokens.list_tokens(database, "ada")[0].used_at is None
    tokens.caller_of(database, token)
    used = tokens.list_tokens(database, "ada")[0].used_at
    assert used is not None
    tokens.caller_of(database, token)
    assert tokens.list_tokens(database, "ada")[0].used_at == used, "it is not written with every call"


WRONG: dict[str, tuple[Callable[[Database], object], type[AccountFault]]] = {
    "name": (lambda database: tokens.make(database, "ada", "\n"), AccountFault),
    "days": (lambda database: tokens.make(database, "ada", "x", days=0), AccountFault),
    "taken": (lambda database: tokens.make(database, "ada", "first"), AccountTaken),
    "nobody's": (lambda database: tokens.make(database, "eve", "x"), NoAccount),
    "none": (lambda database: tokens.revoke(database, "ada", "x"), NoAccount),
    "quota": (lambda database: accounts.change(database, "ada", runs_each=-1), AccountFault),
    "heir": (lambda database: accounts.remove(database, "ada", "eve"), NoAccount),
    "itself": (lambda database: accounts.remove(database, "ada", "ada"), AccountFault),
    "nobody": (lambda database: accounts.remove(database, "ada"), AccountFault),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_no_token_or_account_can_be_is_refused(sqlite_database: Database, fault: str) -> None:
    accounts.create(sqlite_database, "ada")
    store(sqlite_database, owner="ada")
    call, kind = WRONG[fault]
    with pytest.raises(kind):
        call(sqlite_database)
    assert [one.name for one in accounts.list_accounts(sqlite_database)] == ["ada"]


def test_an_account_that_goes_leaves_its_experiments_to_an_heir(database: Database) -> None:
    token = accounts.create(database, "ada")
    accounts.create(database, "bob")
    login = logins.log_in(database, token, 600.0)
    one = store(database, owner="ada")
    assert accounts.remove(database, "ada", "bob") == 1
    assert experiments.experiment(database, one).row.owner == "bob"
    with pytest.raises(Unauthorized):
        tokens.caller_of(database, token)
    with pytest.raises(Unauthorized):
        logins.caller_of_login(database, login)
    accounts.create(database, "ada")
    assert experiments.experiment(database, one).row.owner == "bob", "a new account of the name gets nothing"


def test_deeds_are_kept_with_what_they_did_and_never_changed(database: Database) -> None:
    acts = audit.ACTOR.set(audit.Actor("boss", "token first", "192.0.2.7", "request-1"))
    secret = accounts.create(database, "ada")
    one = store(database, owner="ada")
    experiments.patch(database, one, Changes(name="other", priority=3))
    experiments.cancel(database, one)
    with pytest.raises(Forbidden):
        experiments.delete(database, one, Caller("bob"))
    experiments.delete(database, one)
    page = audit.deeds(database)
    assert [deed.deed for deed in page.items] == ["delete", "cancel", "change", "add account"], "and nothing refused"
    assert {(deed.account, deed.by, deed.address, deed.request) for deed in page.items} == {
        ("boss", "token first", "192.0.2.7", "request-1")
    }
    assert page.items[2].content == {"name": "other", "priority": 3}
    assert len(audit.deeds(database, account="boss", experiment_id=one).items) == 3
    first = audit.deeds(database, limit=2)
    assert [deed.deed for deed in audit.deeds(database, first.next, 2).items] == ["change", "add account"]
    assert secret not in json.dumps([str(deed) for deed in page.items])
    for change in ("UPDATE audit SET account = 'bob'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="only added to"), database.transaction() as session:
            session.execute(text(change))
    assert len(audit.deeds(database).items) == 4
    audit.ACTOR.reset(acts)


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_accounts_tokens_and_logins_of_the_schema_before_go_on(backend: str, restore: Restore) -> None:
    database = Database(restore("0009", backend))
    moment = "'2026-01-01 00:00:00'"
    with database.transaction() as session:
        for number, name in ((1, "ada"), (2, "bob")):
            row = f"({number}, '{name}', '{tokens.hash_of(name)}', 2.5, {number}, {moment})"
            session.execute(
                text(f"INSERT INTO accounts (id, name, token_hash, weight, trials, created_at) VALUES {row}")
            )
        row = f"('{tokens.hash_of('login')}', 2, '2999-01-01 00:00:00')"
        session.execute(text(f"INSERT INTO logins (secret_hash, account_id, expires_at) VALUES {row}"))
    upgrade(database)
    ada = tokens.caller_of(database, "ada")
    assert (ada.name, ada.role, ada.scope) == ("ada", Role.MEMBER, Scope.ADMIN)
    assert logins.caller_of_login(database, "login").name == "bob"
    assert [(one.name, one.weight, one.trials) for one in accounts.list_accounts(database)] == [
        ("ada", 2.5, 1),
        ("bob", 2.5, 2),
    ]
    assert tokens.caller_of(database, tokens.make(database, "ada", "another")).name == "ada"
    with database.reading() as session:
        assert session.execute(select(tables.tokens.c.account_id).order_by(tables.tokens.c.id)).scalars().all() == [
            1,
            2,
            1,
        ]
    database.close()
