"""Accounts over HTTP: nothing without a token, the owner of what is submitted, and the login page."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import select, update

from phaselab.api.entrance.access import FORWARDED
from phaselab.client import Client, Unauthorized
from phaselab.db.schema import tables
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.verbs import accounts
from phaselab.service.verbs import tokens as token_verbs
from tests.api.conftest import NEW_SPEC, serving

PAGE = {"Accept": "text/html"}


@pytest.fixture
def lab(own_server: tuple[str, Database]) -> tuple[str, Database, dict[str, str]]:
    """(URL, database, token by name) of a server with the accounts ada and bob."""
    url, database = own_server
    return url, database, {name: accounts.create(database, name) for name in ("ada", "bob")}


@pytest.fixture
def site(lab: tuple[str, Database, dict[str, str]]) -> Iterator[httpx.Client]:
    """Someone without a token."""
    with httpx.Client(base_url=lab[0], timeout=30) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_refusal_says_what_to_do(site: httpx.Client) -> None:
    answer = site.get("/api/v1/experiments")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'Bearer realm="phaselab"'
    assert "phaselab user add NAME" in answer.json()["detail"]
    for header in ("Bearer nonsense", "Bearer " + "x" * 43, "bearer é".encode()):
        wrong = site.get("/api/v1/experiments", headers={"Authorization": header})
        assert wrong.status_code == 401
        assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
        assert "no account has this token" in wrong.json()["detail"]
    assert site.get("/api/v1/experiments", headers={"Authorization": "Basic YTpi"}).status_code == 401


def test_the_account_is_the_owner_and_others_may_only_read(lab: tuple[str, Database, dict[str, str]]) -> None:
    url, _, tokens = lab
    ada, bob = (httpx.Client(base_url=f"{url}/api/v1", headers=bearer(tokens[name])) for name in ("ada", "bob"))
    submitted = ada.post("/experiments", json=NEW_SPEC).json()
    assert submitted["owner"] == "ada"
    address = f"/experiments/{submitted['id']}"
    assert bob.get(address).json()["owner"] == "ada"
    assert bob.get(f"{address}/runs").status_code == 200
    refused = [bob.post(f"{address}/{verb}") for verb in ("cancel", "pause", "resume", "retry")]
    refused += [bob.patch(address, json={"priority": 9}), bob.delete(address)]
    for answer in refused:
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:phaselab:problem:forbidden"
        assert "ada's; only its owner" in answer.json()["detail"]
    assert ada.get(address).json()["status"] == "queued"
    assert ada.post(f"{address}/pause").json()["status"] == "paused"
    assert ada.patch(address, json={"priority": 9}).json()["priority"] == 9
    assert bob.post(f"{url}/experiments/{submitted['id']}/cancel").status_code == 403, "nor by the page's button"
    assert ada.delete(address).status_code == 204
    ada.close()
    bob.close()


def test_changes_of_accounts_count_at_once(own_server: tuple[str, Database]) -> None:
    url, database = own_server
    with httpx.Client(base_url=f"{url}/api/v1") as client:
        assert client.get("/experiments").status_code == 200
        first = accounts.create(database, "ada")
        assert client.get("/experiments").status_code == 401
        assert client.get("/experiments", headers=bearer(first)).status_code == 200
        second = token_verbs.rotate(database, "ada")
        assert client.get("/experiments", headers=bearer(first)).status_code == 401
        assert client.get("/experiments", headers=bearer(second)).status_code == 200
        accounts.disable(database, "ada")
        told = client.get("/experiments", headers=bearer(second))
        assert told.status_code == 401
        assert "disabled" in told.json()["detail"]


def test_an_idempotency_key_is_its_owner_s(lab: tuple[str, Database, dict[str, str]]) -> None:
    url, _, tokens = lab
    found = []
    for name in ("ada", "bob", "ada"):
        headers = bearer(tokens[name]) | {"Idempotency-Key": "k"}
        found.append(httpx.post(f"{url}/api/v1/experiments", json=NEW_SPEC, headers=headers).json()["id"])
    assert found[0] == found[2] != found[1]


def test_the_python_client_takes_a_token(lab: tuple[str, Database, dict[str, str]]) -> None:
    url, _, tokens = lab
    with Client(url, tokens["ada"]) as client:
        assert client.experiment(1).owner == "local"
        with pytest.raises(Unauthorized, match="only its owner"):
            client.cancel(2)
    with Client(url) as client, pytest.raises(Unauthorized, match="PHASELAB_TOKEN"):
        client.experiment(1)


def test_a_person_logs_in_and_out(lab: tuple[str, Database, dict[str, str]], site: httpx.Client) -> None:
    asked = site.get("/experiments/2?measure=train_loss", headers=PAGE)
    assert asked.status_code == 401
    assert 'action="/login"' in asked.text
    assert 'role="alert"' not in asked.text, "nobody has done anything wrong yet"
    (after,) = re.findall(r'name="after" value="([^"]*)"', asked.text)
    wrong = site.post("/login", data={"token": "wrong", "after": after})
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    assert "no account has this token" in wrong.text
    done = site.post("/login", data={"token": f" {lab[2]['ada']}\n", "after": after})
    assert (done.status_code, done.headers["location"]) == (303, "/experiments/2?measure=train_loss")
    cookie = done.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/"))
    assert "secure" not in cookie, "the test speaks http"
    page = site.get("/experiments/2", headers=PAGE)
    assert page.status_code == 200
    assert re.search(r'action="/logout"><a href="/account">ada</a>', page.text)
    assert "/experiments/2/cancel" not in page.text, "it is another's"
    assert site.get("/api/v1/experiments/2").status_code == 200, "pictures and events of pages use the cookie too"
    new = site.post("/submit", data={"spec": json.dumps(NEW_SPEC), "do": "submit"})
    assert f"{new.headers['location']}/cancel" in site.get(new.headers["location"], headers=PAGE).text
    out = site.post("/logout")
    assert (out.status_code, out.headers["location"]) == (303, "/login")
    assert site.get("/", headers=PAGE).status_code == 401


def test_the_cookie_is_for_encrypted_ways_only_behind_a_proxy_that_encrypts(
    lab: tuple[str, Database, dict[str, str]], site: httpx.Client
) -> None:
    headers = {"X-Forwarded-Proto": "https"}
    done = site.post("/login", data={"token": lab[2]["ada"]}, headers=headers)
    assert "secure" in done.headers["set-cookie"].lower()


def test_a_cookie_that_is_worth_nothing_any_more_is_told(lab: tuple[str, Database, dict[str, str]]) -> None:
    with httpx.Client(base_url=lab[0], cookies={"phaselab_login": "old"}, headers=PAGE) as client:
        page = client.get("/")
        assert page.status_code == 401
        assert "this login has ended" in page.text


@pytest.mark.parametrize(
    "after", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "/\t/evil.example", "/a b"]
)
def test_the_login_leads_nowhere_else(
    lab: tuple[str, Database, dict[str, str]], site: httpx.Client, after: str
) -> None:
    done = site.post("/login", data={"token": lab[2]["ada"], "after": after})
    assert (done.status_code, done.headers["location"]) == (303, "/")


def test_a_form_of_another_site_does_not_log_in(lab: tuple[str, Database, dict[str, str]], site: httpx.Client) -> None:
    forged = site.post("/login", data={"token": lab[2]["ada"]}, headers={"Origin": "http://elsewhere.example"})
    assert forged.status_code == 403


@contextmanager
def logged_in(url: str, token: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=30) as client:
        assert client.post("/login", data={"token": token}).status_code == 303
        assert client.get("/api/v1/experiments").status_code == 200
        yield client


def test_the_cookie_holds_a_login_and_no_token(lab: tuple[str, Database, dict[str, str]]) -> None:
    url, database, tokens = lab
    with logged_in(url, tokens["ada"]) as one, logged_in(url, tokens["ada"]) as other:
        secrets = {client.cookies["phaselab_login"] for client in (one, other)}
        assert len(secrets) == 2
        assert tokens["ada"] not in secrets
        with database.reading() as session:
            stored = set(session.execute(select(tables.logins.c.secret_hash)).scalars())
        assert {token_verbs.hash_of(secret) for secret in secrets} == stored
        for secret in secrets:
            as_token = httpx.get(f"{url}/api/v1/experiments", headers=bearer(secret))
            assert as_token.status_code == 401, "a login is no token"
        as_cookie = httpx.get(f"{url}/api/v1/experiments", cookies={"phaselab_login": tokens["ada"]})
        assert as_cookie.status_code == 401, "and a token is no login"


def test_a_login_ends_for_good(lab: tuple[str, Database, dict[str, str]]) -> None:
    url, database, tokens = lab

    def worth(secret: str) -> int:
        return httpx.get(f"{url}/api/v1/experiments", cookies={"phaselab_login": secret}).status_code

    with logged_in(url, tokens["ada"]) as client, logged_in(url, tokens["ada"]) as elsewhere:
        out, kept = client.cookies["phaselab_login"], elsewhere.cookies["phaselab_login"]
        client.post("/logout")
        assert (worth(out), worth(kept)) == (401, 200)
    token = token_verbs.rotate(database, "ada")
    assert worth(kept) == 401
    with logged_in(url, token) as client:
        kept = client.cookies["phaselab_login"]
    accounts.disable(database, "ada")
    accounts.enable(database, "ada")
    assert worth(kept) == 401, "not even when it may come in again"
    with logged_in(url, token) as client:
        kept = client.cookies["phaselab_login"]
    with database.transaction() as session:
        session.execute(update(tables.logins).values(expires_at=database_time(session)))
    assert worth(kept) == 401


ENDS: dict[str, Callable[[Database, httpx.Client], object]] = {
    "disable": lambda database, client: accounts.disable(database, "ada"),
    "rotate": lambda database, client: token_verbs.rotate(database, "ada"),
    "log-out": lambda database, client: client.post("/logout"),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_open_stream_ends_with_what_let_it_in(lab: tuple[str, Database, dict[str, str]], end: str) -> None:
    url, database, tokens = lab
    with (
        logged_in(url, tokens["ada"]) as client,
        httpx.Client(base_url=url, cookies=client.cookies, timeout=20) as follower,
        httpx.stream("GET", f"{url}/api/v1/experiments/2/events", headers=bearer(tokens["bob"]), timeout=5) as other,
        follower.stream("GET", "/api/v1/experiments/2/events") as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines) == "retry: 2000"
        ENDS[end](database, client)
        assert [line for line in lines if line.startswith("event: finished")] == [], "it ends, without an end to tell"
        assert next(other.iter_lines()) == "retry: 2000"


@pytest.mark.parametrize("name", FORWARDED)
def test_without_accounts_nobody_comes_in_through_a_proxy(http: httpx.Client, name: str) -> None:
    refused = http.get("/experiments", headers={name: "for=192.0.2.7", "Host": "127.0.0.1"})
    assert refused.status_code == 403
    assert name in refused.json()["detail"]
    assert http.get("/health", headers={name: "for=192.0.2.7"}).status_code == 200


def test_with_accounts_a_proxy_speaks_for_whoever_has_a_token(lab: tuple[str, Database, dict[str, str]]) -> None:
    headers = bearer(lab[2]["ada"]) | {"X-Forwarded-For": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
    assert httpx.get(f"{lab[0]}/api/v1/experiments", headers=headers).status_code == 200


def test_without_accounts_only_this_machine_s_names_are_answered_to(http: httpx.Client) -> None:
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert http.get("/experiments", headers={"Host": host}).status_code == 200
    for host in ("lab.example.org", "lab.example.org:8000", "127.0.0.1.evil.example"):
        refused = http.get("/experiments", headers={"Host": host})
        assert refused.status_code == 403
        assert "user add NAME" in refused.json()["detail"]
    assert http.get("/health", headers={"Host": "lab.example.org"}).status_code == 200


def test_nobody_comes_in_while_accounts_are_required_and_there_are_none(own_server: tuple[str, Database]) -> None:
    database = own_server[1]
    for configuration in (Configuration(require_accounts=True), Configuration(host="0.0.0.0")):
        with serving(configuration, database) as url:
            assert httpx.get(f"{url}/api/v1/experiments").status_code == 401
            assert httpx.get(f"{url}/api/v1/health").status_code == 200
    token = accounts.create(database, "ada")
    with serving(Configuration(host="0.0.0.0"), database) as url:
        answer = httpx.get(f"{url}/api/v1/experiments", headers=bearer(token) | {"Host": "lab.example.org"})
        assert answer.status_code == 200
