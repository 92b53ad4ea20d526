"""Accounts, tokens and the audit over REST; names of requests; and logs that hold no secret."""

import json
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from phaselab.client import Client
from phaselab.client.cli import cli
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.verbs import accounts
from phaselab.service.verbs.rights import Role
from tests.api.conftest import NEW_SPEC, served_copy, serving
from tests.api.described import judge
from tests.faults.harness import wait_until

API = "/api/v1"


@pytest.fixture
def boss(filled_sqlite: Path, tmp_path: Path) -> Iterator[tuple[httpx.Client, Database]]:
    """An admin's client of a server with accounts, which fails for an answer that is not as described."""
    with served_copy(filled_sqlite, tmp_path) as (_, database):
        token = accounts.create(database, "boss", role=Role.ADMIN)
        headers = {"Authorization": f"Bearer {token}"}
        with serving(Configuration(), database) as url:
            hooks = {"response": [judge(url, headers)]}
            with httpx.Client(base_url=url, headers=headers, timeout=30, event_hooks=hooks) as client:
                yield client, database


def test_a_lab_is_looked_after_over_rest(boss: tuple[httpx.Client, Database]) -> None:
    client, _ = boss
    made = client.post(f"{API}/accounts", json={"name": "ada", "role": "member"})
    assert made.status_code == 201
    assert client.post(f"{API}/accounts", json={"name": "ada"}).status_code == 409
    assert client.post(f"{API}/accounts", json={"name": "A da"}).status_code == 422
    assert client.post(f"{API}/accounts", json={"name": "x", "role": "king"}).status_code == 422
    ada = {"Authorization": f"Bearer {made.json()['token']}"}
    assert client.get(f"{API}/account", headers=ada).json() == {"name": "ada", "role": "member", "scope": "admin"}
    submitted = client.post(f"{API}/experiments", json=NEW_SPEC, headers=ada)
    number = int(submitted.headers["location"].rpartition("/")[2])
    assert client.get(f"{API}/accounts", headers=ada).status_code == 403
    token = client.post(f"{API}/tokens", json={"name": "ci", "scope": "read", "days": 1}, headers=ada).json()["token"]
    assert [one["name"] for one in client.get(f"{API}/tokens", headers=ada).json()["items"]] == ["first", "ci"]
    reads = {"Authorization": f"Bearer {token}"}
    assert client.post(f"{API}/experiments/{number}/cancel", headers=reads).status_code == 403
    changed = client.patch(f"{API}/accounts/ada", json={"role": "reader", "runs_each": 5, "trials": None}).json()
    assert (changed["role"], changed["runs_each"], changed["trials"]) == ("reader", 5, None)
    assert client.post(f"{API}/experiments/{number}/cancel", headers=ada).status_code == 403, "a role counts at once"
    assert client.patch(f"{API}/experiments/{number}", json={"owner": "boss"}).json()["owner"] == "boss"
    assert client.delete(f"{API}/tokens/ci", headers=ada).status_code == 204
    assert client.get(f"{API}/account", headers=reads).status_code == 401
    with Client(str(client.base_url), client.headers["Authorization"].removeprefix("Bearer ")) as lab:
        assert lab.change(number, owner="ada").owner == "ada"
    given = ["--token", client.headers["Authorization"].removeprefix("Bearer "), "--url", str(client.base_url)]
    told = CliRunner().invoke(cli, [*given, "change", str(number), "--owner", "boss", "--json"])
    assert json.loads(told.stdout)["owner"] == "boss"
    client.patch(f"{API}/accounts/ada", json={"disabled": True})
    assert client.get(f"{API}/account", headers=ada).status_code == 401
    for odd in ("%00", "A", "a%2Fb", "%ED%A0%80", "a" * 65):
        assert client.delete(f"{API}/accounts/{odd}").status_code == 404
        assert client.delete(f"{API}/tokens/{odd}").status_code == 404
        assert client.get(f"{API}/audit?account={odd}").status_code == 422
    assert client.patch(f"{API}/experiments/1", json={"owner": "\0"}).status_code == 422
    assert client.delete(f"{API}/accounts/ada").status_code == 204
    assert client.delete(f"{API}/accounts/ada").status_code == 404
    assert [one["name"] for one in client.get(f"{API}/accounts").json()["items"]] == ["boss"]
    told = client.get(f"{API}/audit", params={"limit": 1000}).json()["items"]
    deeds = [(one["account"], one["deed"], one["experiment"] or one["subject"]) for one in reversed(told)]
    assert deeds == [
        ("local", "add account", "boss"),
        ("boss", "add account", "ada"),
        ("ada", "submit", number),
        ("ada", "add token", "ada"),
        ("boss", "change account", "ada"),
        ("boss", "change", number),
        ("ada", "revoke token", "ada"),
        ("boss", "change", number),
        ("boss", "change", number),
        ("boss", "change account", "ada"),
        ("boss", "delete account", "ada"),
    ]
    assert {one["address"] for one in told[:-1]} == {"127.0.0.1"}
    assert all(re.fullmatch("[0-9a-f]{32}", one["request"]) for one in told[:-1])
    assert {one["by"] for one in told[:-1]} == {"token first"}


def test_no_admin_locks_itself_out(boss: tuple[httpx.Client, Database]) -> None:
    client, _ = boss
    for refused in (
        client.delete(f"{API}/accounts/boss"),
        client.patch(f"{API}/accounts/boss", json={"role": "reader"}),
        client.patch(f"{API}/accounts/boss", json={"disabled": True}),
    ):
        assert refused.status_code == 403
        assert "your own account; another admin does this" in refused.json()["detail"]
    assert client.patch(f"{API}/accounts/boss", json={"weight": 2}).status_code == 200


def test_every_deed_on_an_experiment_is_in_the_audit(boss: tuple[httpx.Client, Database]) -> None:
    client, _ = boss
    number = int(client.post(f"{API}/experiments", json=NEW_SPEC).headers["location"].rpartition("/")[2])
    file = client.get(f"{API}/experiments/1/portable").content
    gzip = {"Content-Type": "application/gzip"}
    imported = client.post(f"{API}/experiments/import", content=file, headers=gzip).json()["experiment"]
    calls = [("POST", verb) for verb in ("pause", "resume", "cancel", "retry")]
    for method, verb in calls:
        assert client.request(method, f"{API}/experiments/{number}/{verb}").status_code == 200
    client.patch(f"{API}/experiments/{number}", json={"note": "seen"}, headers={"X-Request-Id": "my-request-7"})
    client.delete(f"{API}/experiments/{number}")
    told = client.get(f"{API}/audit", params={"experiment": number}).json()["items"]
    assert [one["deed"] for one in told] == ["delete", "change", "retry", "cancel", "resume", "pause", "submit"]
    assert told[1]["request"] == "my-request-7"
    assert client.get(f"{API}/audit", params={"experiment": imported}).json()["items"][0]["deed"] == "import"
    refused = client.post(f"{API}/experiments/99/cancel")
    assert refused.status_code == 404
    assert client.get(f"{API}/audit").json()["items"][0]["deed"] == "delete", "what failed did nothing"


@pytest.mark.parametrize("given", ["short", "a" * 65, "line\tbreak", "ключ".encode().decode("latin-1")])
def test_a_request_s_name_is_plain(boss: tuple[httpx.Client, Database], given: str) -> None:
    client, _ = boss
    named = client.get(f"{API}/account", headers={"X-Request-Id": given.encode("latin-1")}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", named)


def test_logs_tell_requests_by_name_and_hold_no_secret(
    boss: tuple[httpx.Client, Database], caplog: pytest.LogCaptureFixture
) -> None:
    client, database = boss
    caplog.set_level(logging.DEBUG)
    secrets = [client.headers["Authorization"].removeprefix("Bearer ")]
    secrets.append(client.post(f"{API}/accounts", json={"name": "ada"}).json()["token"])
    ada = {"Authorization": f"Bearer {secrets[1]}"}
    secrets.append(client.post(f"{API}/tokens", json={"name": "x", "scope": "read"}, headers=ada).json()["token"])
    bare = {"Authorization": ""}
    login = client.post("/login", data={"token": secrets[1]})
    secrets.append(login.cookies["phaselab_login"])
    client.get("/", headers={"Cookie": f"phaselab_login={secrets[-1]}"})
    client.get(f"{API}/account", headers={"Authorization": "Bearer wrong-but-secret"})
    client.get(f"{API}/account?token={secrets[2]}", headers=bare)
    named = client.get(f"{API}/experiments/99")

    def logged_by_us() -> str:
        return "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("phaselab"))

    wait_until(lambda: named.headers["x-request-id"] in logged_by_us(), "it is logged, which it is once it is answered")
    logged = logged_by_us()
    lines = [json.loads(line) for line in logged.splitlines() if line.startswith("{")]
    told = {line["request"]: line for line in lines}[named.headers["x-request-id"]]
    assert (told["status"], told["account"], told["path"]) == (404, "boss", f"{API}/experiments/99")
    assert told["ms"] > 0
    assert len(lines) >= 8
    for secret in (*secrets, "wrong-but-secret"):
        assert secret not in logged
    with database.reading() as session:
        stored = " ".join(str(row) for row in session.connection().exec_driver_sql("SELECT * FROM audit").all())
    assert not [secret for secret in secrets if secret in stored]


def test_the_api_writes_a_line_of_json_for_every_request(sqlite_url: str, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"PHASELAB_DATABASE_URL": sqlite_url, "PHASELAB_LOG_LEVEL": "INFO"}
    command = [sys.executable, "-P", "-m", "phaselab.api", "--port", str(port)]
    with (tmp_path / "log").open("wb") as errors:
        process = subprocess.Popen(command, env=environment, stderr=errors, stdout=errors)
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=10), timeout=30) as client:
            named = client.get(f"http://127.0.0.1:{port}/api/v1/experiments?name=secret-words")
    finally:
        process.terminate()
        process.wait(30)
    written = (tmp_path / "log").read_text()
    (line,) = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    assert (line["request"], line["status"]) == (named.headers["x-request-id"], 200)
    assert "secret-words" not in written, "queries may hold secrets"
    assert datetime.fromisoformat(line["at"]).utcoffset() is not None
