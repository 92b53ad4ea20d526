"""Single sign-on on both databases: who comes first at the same moment, and what ends with what."""

from concurrent.futures import ThreadPoolExecutor

from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.errors import Forbidden
from phaselab.service.base.sign_on_settings import SignOn
from phaselab.service.verbs import accounts, logins, sign_on, tokens

ISSUER = "https://id.example.org"
SETTINGS = SignOn(ISSUER, "phaselab", "secret", "the lab", allow=("*",), new_accounts="member")


def come_in(database: Database, subject: str, name: str) -> str | None:
    """The secret of a login; None for somebody who is not let in."""
    try:
        return sign_on.log_in(database, Configuration(), SETTINGS, {"sub": subject, "preferred_username": name})
    except Forbidden:
        return None


def test_of_several_who_come_by_one_name_at_once_one_gets_it(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = list(pool.map(lambda i: come_in(database, f"person {i % 4}", "ada"), range(8)))
    (mine,) = sign_on.identities_of(database, "ada")
    assert [secret is not None for secret in secrets] == [f"person {i % 4}" == mine.subject for i in range(8)]
    assert [one.name for one in accounts.list_accounts(database)] == ["ada"]
    assert {(one.issuer, one.token) for one in logins.list_logins(database, "ada")} == {(ISSUER, None)}


def test_logins_end_with_what_let_them_in_and_not_with_others(database: Database) -> None:
    token = accounts.create(database, "ada")
    sign_on.link(database, "ada", ISSUER, "1")
    sign_on.link(database, "ada", ISSUER, "2")
    assert logins.log_in(database, token, 600.0)
    assert all(come_in(database, subject, "whatever") for subject in "12")
    assert logins.end_others(database, "ada") == 3
    assert all(come_in(database, subject, "whatever") for subject in "112")
    sign_on.unlink(database, "ada", ISSUER, "1")
    assert len(logins.list_logins(database, "ada")) == 1
    tokens.rotate(database, "ada")
    assert logins.list_logins(database, "ada") == [], "whatever had got out is worth nothing"
    assert come_in(database, "2", "whatever") is not None
    accounts.disable(database, "ada")
    assert logins.list_logins(database, "ada") == []
    accounts.remove(database, "ada")
    assert come_in(database, "2", "ada") is not None, "a person whose account is gone may get a new one"
