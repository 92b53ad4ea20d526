"""`/account`: what an account sees of itself, and does with its tokens and logins, by forms alone."""

import re
from collections.abc import Iterator

import httpx
import pytest

from phaselab.api.app import create_app
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.errors import Unauthorized
from phaselab.service.verbs import accounts, audit, logins, sign_on, tokens
from phaselab.service.verbs.rights import Scope
from tests.api.conftest import NEW_SPEC, serving

PAGE = {"Accept": "text/html"}


@pytest.fixture
def lab(sqlite_database: Database) -> Iterator[tuple[httpx.Client, Database]]:
    """(ada, who is logged in with a browser; database), where runs that wait have a quota."""
    configuration = Configuration(runs_queued=500)
    first = accounts.create(sqlite_database, "ada")
    with (
        serving(configuration, sqlite_database, create_app(configuration, sqlite_database)) as url,
        httpx.Client(base_url=url, headers=PAGE, timeout=30, verify=False) as ada,
    ):
        assert ada.post("/login", data={"token": first}).status_code == 303
        yield ada, sqlite_database


def rows(text: str, label: str) -> list[list[str]]:
    """Cells of the table in the region of this label, without its head."""
    table = text.partition(f'aria-label="{label}"')[2].partition("</table>")[0].partition("<tbody>")[2]
    return [
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in table.split("</tr>")[:-1]
    ]


def test_an_account_sees_what_it_is_and_has(lab: tuple[httpx.Client, Database]) -> None:
    ada, database = lab
    assert ada.post("/api/v1/experiments", json=NEW_SPEC).status_code == 201
    accounts.change(database, "ada", seconds_a_day=3600, weight=2.5, trials=3)
    sign_on.link(database, "ada", "https://id.example.org", "7f3a-1")
    shown = ada.get("/account")
    assert shown.status_code == 200
    assert "member · logged in by first, for all that the account may do" in shown.text
    assert "part in the fair share 2.5, at most 3 trials at a time" in shown.text
    assert rows(shown.text, "Quotas") == [
        ["runs of one experiment", "—", "no limit"],
        ["runs that wait", "24", "500"],
        ["computing seconds of the last 24 hours", "0", "3,600"],
        ["bytes of results", "0", "no limit"],
    ]
    (token,) = rows(shown.text, "Tokens")
    assert token[:2] + token[3:4] == ["first", "all that the account may do", "for good"]
    assert [row[0] for row in rows(shown.text, "Logins in browsers")] == ["the token first"]
    assert "<code>7f3a-1</code> of https://id.example.org" in shown.text
    assert '<a href="/account" aria-current="page">ada</a>' in shown.text


def test_a_token_is_made_shown_once_and_revoked(lab: tuple[httpx.Client, Database]) -> None:
    ada, database = lab
    made = ada.post("/account", data={"name": "lap top", "scope": "read", "days": "30"})
    assert (made.status_code, made.headers["cache-control"]) == (200, "private, no-store")
    secret = re.search(r"<pre[^>]*>([\w-]{43})</pre>", made.text)
    assert secret is not None
    caller = tokens.caller_of(database, secret[1])
    assert (caller.name, caller.scope) == ("ada", Scope.READ)
    assert secret[1] not in ada.get("/account").text
    again = ada.post("/account", data={"name": "lap top", "scope": "read", "days": ""})
    assert (again.status_code, "has a token lap top already" in again.text) == (409, True)
    assert 'value="lap top"' in again.text, "what was typed is there still"
    revoked = ada.post("/account/tokens/lap%20top/revoke")
    assert (revoked.status_code, revoked.headers["location"]) == (303, "/account")
    with pytest.raises(Unauthorized):
        tokens.caller_of(database, secret[1])
    assert ada.post("/account/tokens/lap%20top/revoke").status_code == 404
    assert ada.post("/account/tokens/first/revoke").status_code == 303
    assert ada.get("/account").status_code == 401, "the login was by that one"
    deeds = [(deed.deed, deed.account) for deed in reversed(audit.deeds(database).items)]
    assert deeds[-3:] == [("add token", "ada"), ("revoke token", "ada"), ("revoke token", "ada")]


WRONG = {
    "no name": {"scope": "read", "days": "7"},
    "a name that none is": {"name": "<b>", "scope": "read", "days": "7"},
    "no scope": {"name": "x", "days": "7"},
    "another scope": {"name": "x", "scope": "god", "days": "7"},
    "no number": {"name": "x", "scope": "read", "days": "many"},
    "no time": {"name": "x", "scope": "read", "days": "0"},
    "no finite time": {"name": "x", "scope": "read", "days": "nan"},
    "too long": {"name": "x", "scope": "read", "days": "1e9"},
}


def test_a_form_that_is_wrong_says_so_and_makes_nothing(lab: tuple[httpx.Client, Database]) -> None:
    ada, database = lab
    for kind, form in WRONG.items():
        told = ada.post("/account", data=form)
        assert (told.status_code, 'role="alert"' in told.text) == (422, True), kind
        assert "<b>" not in told.text
    assert [one.name for one in tokens.list_tokens(database, "ada")] == ["first"]


def test_an_account_logs_out_everywhere_else(lab: tuple[httpx.Client, Database]) -> None:
    ada, database = lab
    token = tokens.make(database, "ada", "second")
    other = logins.log_in(database, token, 600.0)
    assert ada.post("/account/logins/end").status_code == 303
    assert ada.get("/account").status_code == 200
    with pytest.raises(Unauthorized):
        logins.caller_of_login(database, other)


def test_a_token_of_a_narrow_scope_sees_who_it_is_alone(lab: tuple[httpx.Client, Database]) -> None:
    ada, database = lab
    narrow = tokens.make(database, "ada", "narrow", Scope.SUBMIT)
    with httpx.Client(base_url=ada.base_url, headers=PAGE | {"Authorization": f"Bearer {narrow}"}) as client:
        shown = client.get("/account")
        assert (shown.status_code, rows(shown.text, "Tokens")) == (200, [])
        assert "does not look after tokens" in shown.text
        assert client.post("/account/logins/end").status_code == 403
        assert client.post("/account", data={"name": "x", "scope": "admin"}).status_code == 403


def test_without_accounts_there_is_nothing_to_look_after(sqlite_database: Database) -> None:
    with serving(Configuration(), sqlite_database) as url:
        assert "There are no accounts here" in httpx.get(f"{url}/account", headers=PAGE).text
        assert httpx.post(f"{url}/account/logins/end", headers=PAGE).status_code == 403
