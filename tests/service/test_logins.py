"""Logins: who came in, went out and was refused is noted, and nobody fills the notes, nor the logins."""

import pytest

from phaselab.db.reading import logins as stored
from phaselab.db.schema.database import Database
from phaselab.service.base.errors import NoAccount, Unauthorized
from phaselab.service.verbs import accounts, audit, logins, tokens
from phaselab.service.verbs.logins import Refusals
from phaselab.service.verbs.tokens import hash_of


def deeds(database: Database) -> list[tuple[str, str, str, str]]:
    """(account, by, deed, subject) of what was done to logins, oldest first."""
    found = [one for one in audit.deeds(database).items if "log" in one.deed]
    return [(one.account, one.by, one.deed, one.subject) for one in reversed(found)]


def test_who_came_in_and_went_out_is_noted_as_the_account_s_own_deed(database: Database) -> None:
    token = accounts.create(database, "ada")
    secret = logins.log_in(database, token, 600.0)
    logins.log_out(database, secret)
    logins.log_out(database, secret)  # there is none any more: no deed
    logins.log_out(database, "made up")
    assert deeds(database) == [
        ("ada", "token first", "log in", "ada"),
        ("ada", "login by first", "log out", "ada"),
    ]


def test_who_was_refused_is_noted_and_strangers_do_not_fill_the_audit(database: Database) -> None:
    now = 0.0
    refusals = Refusals(burst=3, seconds=60.0, clock=lambda: now)
    for _ in range(1000):
        refusals.note(database, "token", "no account has this token")
    assert deeds(database) == [("", "token", "refuse log in", "")] * 3
    now = 61.0
    for _ in range(10):
        refusals.note(database, "single sign-on", "x" * 1000, subject="ada")
    last = audit.deeds(database).items[0]
    assert (last.by, last.subject, len(audit.deeds(database).items)) == ("single sign-on", "ada", 4)
    assert last.content == {"why": "x" * 300, "untold": 997}


def test_other_logins_of_an_account_are_ended_and_nobody_else_s(database: Database) -> None:
    ada, bob = (accounts.create(database, name) for name in ("ada", "bob"))
    mine, other, his = (logins.log_in(database, token, 600.0) for token in (ada, ada, bob))
    found = logins.list_logins(database, "ada")
    assert [(one.token, one.scope, one.issuer) for one in found] == [("first", "admin", None)] * 2
    assert logins.end_others(database, "ada", mine) == 1
    assert logins.end_others(database, "ada", mine) == 0
    assert [logins.caller_of_login(database, secret).name for secret in (mine, his)] == ["ada", "bob"]
    with pytest.raises(Unauthorized):
        logins.caller_of_login(database, other)
    assert [one.deed for one in audit.deeds(database).items].count("end logins") == 1
    with pytest.raises(NoAccount):
        logins.end_others(database, "eve")


def test_a_token_has_so_many_logins_and_another_one_ends_the_oldest(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MOST", 3)
    ada, bob = (accounts.create(database, name) for name in ("ada", "bob"))
    his = logins.log_in(database, bob, 600.0)
    secrets = [logins.log_in(database, ada, 600.0) for _ in range(5)]
    left = []
    for secret in secrets:
        with database.reading() as session:
            left.append(stored.find_login(session, hash_of(secret)) is not None)
    assert left == [False, False, True, True, True]
    assert logins.caller_of_login(database, his).name == "bob"


def test_a_login_ends_with_the_time_of_its_token(sqlite_database: Database) -> None:
    accounts.create(sqlite_database, "ada")
    short = tokens.make(sqlite_database, "ada", "short", days=1e-9)
    with pytest.raises(Unauthorized, match="has run out"):
        logins.log_in(sqlite_database, short, 600.0)
