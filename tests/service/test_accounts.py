"""Accounts: tokens that are shown once and kept as hashes, who is let in, and who may change what."""

import hashlib

import pytest
from sqlalchemy import text

from phaselab.db.schema.database import Database
from phaselab.domain.specs.spec import Changes
from phaselab.service.base.configuration import Configuration, ConfigurationError
from phaselab.service.base.errors import AccountFault, Forbidden, NotFound, Unauthorized
from phaselab.service.verbs import accounts, experiments, tokens
from phaselab.service.verbs.rights import Caller
from tests.db.rows import store

OPEN = Configuration()
WORLD = Configuration(host="0.0.0.0")
REQUIRED = Configuration(host="0.0.0.0", require_accounts=True)


def test_a_token_lets_its_account_in_and_is_stored_only_as_a_hash(database: Database) -> None:
    ada, bob = accounts.create(database, "ada"), accounts.create(database, "bob@lab", 2.5, 3)
    assert len(ada) == 43
    assert (tokens.caller_of(database, ada).name, tokens.caller_of(database, bob).name) == ("ada", "bob@lab")
    with database.reading() as session:
        stored = [*session.execute(text("SELECT * FROM tokens")), *session.execute(text("SELECT * FROM accounts"))]
    rows = [tuple(map(str, row)) for row in stored]
    assert not any(token in column for row in rows for column in row for token in (ada, bob))
    assert hashlib.sha256(ada.encode()).hexdigest() in rows[0]
    listed = accounts.list_accounts(database)
    assert [(one.name, one.weight, one.trials, one.disabled_at) for one in listed] == [
        ("ada", 1.0, None, None),
        ("bob@lab", 2.5, 3, None),
    ]
    assert listed[0].created_at.utcoffset() is not None


@pytest.mark.parametrize("token", ["", "x", "é", "\udcff", "a" * 10_000])
def test_no_other_token_lets_anyone_in(sqlite_database: Database, token: str) -> None:
    accounts.create(sqlite_database, "ada")
    with pytest.raises(Unauthorized, match="rotate"):
        tokens.caller_of(sqlite_database, token)


def test_a_rotated_token_replaces_the_former_and_a_disabled_account_stays_out(sqlite_database: Database) -> None:
    first = accounts.create(sqlite_database, "ada")
    second = tokens.rotate(sqlite_database, "ada")
    with pytest.raises(Unauthorized):
        tokens.caller_of(sqlite_database, first)
    accounts.disable(sqlite_database, "ada")
    at = accounts.get(sqlite_database, "ada").disabled_at
    accounts.disable(sqlite_database, "ada")
    assert accounts.get(sqlite_database, "ada").disabled_at == at is not None
    with pytest.raises(Unauthorized, match="disabled"):
        tokens.caller_of(sqlite_database, second)
    third = tokens.rotate(sqlite_database, "ada")
    with pytest.raises(Unauthorized, match="disabled"):
        tokens.caller_of(sqlite_database, third)
    accounts.enable(sqlite_database, "ada")
    assert tokens.caller_of(sqlite_database, third).name == "ada"


@pytest.mark.parametrize(
    ("name", "weight", "trials", "words"),
    [
        ("", 1.0, None, "no name"),
        ("Ada", 1.0, None, "no name"),
        ("-ada", 1.0, None, "no name"),
        ("ada lovelace", 1.0, None, "no name"),
        ("a" * 65, 1.0, None, "no name"),
        ("ada\n", 1.0, None, "no name"),
        ("ada", 0.0, None, "a weight is"),
        ("ada", float("nan"), None, "a weight is"),
        ("ada", float("inf"), None, "a weight is"),
        ("ada", 1.0, 0, "a cap on trials is"),
    ],
)
def test_what_no_account_can_be_is_refused(
    sqlite_database: Database, name: str, weight: float, trials: int | None, words: str
) -> None:
    with pytest.raises(AccountFault, match=words):
        accounts.create(sqlite_database, name, weight, trials)
    assert accounts.list_accounts(sqlite_database) == []


def test_names_are_unique_and_unknown_ones_are_told(sqlite_database: Database) -> None:
    token = accounts.create(sqlite_database, "ada")
    with pytest.raises(AccountFault, match="ada"):
        accounts.create(sqlite_database, "ada")
    assert tokens.caller_of(sqlite_database, token).name == "ada"
    for verb in (tokens.rotate, accounts.disable, accounts.enable):
        with pytest.raises(AccountFault, match="eve"):
            verb(sqlite_database, "eve")


def test_it_is_open_only_without_accounts_and_to_this_machine(sqlite_database: Database) -> None:
    assert accounts.is_open(sqlite_database, OPEN)
    assert accounts.is_open(sqlite_database, Configuration(host="::1"))
    assert not accounts.is_open(sqlite_database, WORLD)
    assert not accounts.is_open(sqlite_database, REQUIRED)
    for configuration in (OPEN, REQUIRED):
        accounts.check_reach(sqlite_database, configuration)
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org"):
        with pytest.raises(ConfigurationError, match="phaselab user add NAME"):
            accounts.check_reach(sqlite_database, Configuration(host=host))
    accounts.create(sqlite_database, "ada")
    accounts.disable(sqlite_database, "ada")
    assert not accounts.is_open(sqlite_database, OPEN), "once closed, closed"
    accounts.check_reach(sqlite_database, WORLD)


def test_only_the_owner_changes_an_experiment(sqlite_database: Database) -> None:
    one = store(sqlite_database, owner="ada")
    for verb in (experiments.cancel, experiments.pause, experiments.resume, experiments.retry):
        with pytest.raises(Forbidden, match="ada's"):
            verb(sqlite_database, one, Caller("bob"))
    with pytest.raises(Forbidden):
        experiments.patch(sqlite_database, one, Changes(priority=5), Caller("bob"))
    with pytest.raises(Forbidden):
        experiments.delete(sqlite_database, one, Caller("bob"))
    before = experiments.experiment(sqlite_database, one)
    assert (before.row.priority, before.row.status) == (0, "queued")
    assert experiments.patch(sqlite_database, one, Changes(priority=5), Caller("ada")).row.priority == 5
    assert experiments.pause(sqlite_database, one, Caller("ada")).row.status == "paused"
    assert experiments.cancel(sqlite_database, one).row.status == "cancelled"
    experiments.delete(sqlite_database, one, Caller("ada"))
    with pytest.raises(NotFound):
        experiments.delete(sqlite_database, one, Caller("ada"))
