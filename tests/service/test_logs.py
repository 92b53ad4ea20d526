"""Logs of a whole service: one request from the api to the worker that computed for it, and no secret anywhere."""

import json
import os
import re
import subprocess
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from phaselab.db.care.maintenance import backup
from phaselab.db.schema.database import Database
from phaselab.domain.settings.faults import OperatorFault
from phaselab.service.base.configuration import Configuration, load_configuration
from phaselab.service.base.errors import NoAccount
from phaselab.service.base.plainly import told_plainly
from phaselab.service.base.storage import open_database
from phaselab.service.scheduling.ray_session import TEMP_PREFIX
from phaselab.service.verbs import accounts, audit
from phaselab.service.verbs.experiments import experiment
from phaselab.service.verbs.rights import Role
from tests.faults.harness import TINY, ServiceProcess
from tests.service.receiver import Receiver


def session_logs(service: ServiceProcess) -> list[Path]:
    """The files that the service's Ray writes."""
    folders = Path("/tmp").glob(f"{TEMP_PREFIX}{service.scheduler()}-*")
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def lines_of(text: str) -> Iterator[Mapping[str, Any]]:
    """The lines of a log that are JSON."""
    for line in text.splitlines():
        if line.startswith("{"):
            told = json.loads(line)
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", told["at"])
            yield told


def worker_lines(service: ServiceProcess, request: str) -> list[Mapping[str, Any]]:
    found = (path.read_text(errors="replace") for path in session_logs(service) if path.name.startswith("worker-"))
    return [told for text in found for told in lines_of(text) if told.get("request") == request]


def test_a_request_is_followed_from_the_api_to_the_worker(service: ServiceProcess, service_database: Database) -> None:
    name = f"followed-{os.getpid()}"
    sweep = {"training.learning_rate": [1e-3, 1e6], "training.optimizer": ["momentum"]}
    spec = (
        {"name": "followed"} | TINY | {"training": {"steps": 300, "weight_decay": 10.0}, "sweep": sweep, "seeds": [91]}
    )
    with httpx.Client(base_url=f"{service.url()}/api/v1", headers={"X-Request-Id": name}) as client:
        number = client.post("/experiments", json=spec | {"seeds": [91]}).raise_for_status().json()["id"]
    service.wait_until(lambda: experiment(service_database, number).row.status.is_finished, "it has finished")
    service.wait_until(lambda: len(worker_lines(service, name)) > 1, "its worker has told so")
    keys = {
        run["key"][:12]: run["state"]
        for run in httpx.get(f"{client.base_url}experiments/{number}/runs").json()["items"]
    }
    said = [told for told in lines_of(service.log()) if told.get("request") == name]
    asked, *stacks = said
    assert (asked["method"], asked["path"], asked["status"]) == ("POST", "/api/v1/experiments", 201)
    whose = {"experiment": number, "owner": "local", "request": name}
    landed = [told for told in stacks if told["stacks"] == "landed"]
    handed = [told for told in stacks if told["stacks"] == "handed out"]
    computed = {told["stack"]: told for told in worker_lines(service, name) if told["stacks"] == "computed"}
    begun = {told["stack"] for told in worker_lines(service, name) if told["stacks"] == "begun"}
    assert {told["stack"] for told in handed} == {told["stack"] for told in landed} == begun == computed.keys()
    for told in (*stacks, *computed.values()):
        assert told.items() >= whose.items()
    assert sorted(key for told in landed for key in told["runs"]) == sorted(keys)
    assert {key for told in landed for key in told["failed"]} == {key for key in keys if keys[key] == "failed"} != set()
    for told in landed:
        by = computed[told["stack"]]
        assert (told["worker"], told["runs"], len(told["failed"])) == (by["worker"], by["runs"], by["failed"])
        assert 0 < by["seconds"] <= told["seconds"] + 0.001 <= told["out"] + 0.002


def environment_of(pid: int) -> Mapping[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


WEBHOOK = "/a-webhook-of-somebody"
"""Whoever knows its address may send to it."""


def mixed_work(service: ServiceProcess, boss: str, receiver: Receiver) -> Mapping[str, str]:
    """What people do with tokens and logins, and what they do wrong with them; the secrets that it was done by."""
    url, told_before = service.url(), len(receiver.got)
    secrets = {
        "an admin's token": boss,
        "a mistyped token": f"wrong-{boss[:30]}",
        "one in a query": f"query-{boss[:30]}",
    }
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {boss}"}, timeout=60) as admin:
        made = admin.post("/api/v1/accounts", json={"name": "ada"}, headers={"Idempotency-Key": "a"})
        ada = {"Authorization": f"Bearer {made.json()['token']}", "Idempotency-Key": "b"}
        told = admin.post("/api/v1/tokens", json={"name": "ci", "scope": "submit"}, headers=ada)
        secrets |= {"an account's first token": made.json()["token"], "a token": told.json()["token"]}
        ci = {"Authorization": f"Bearer {told.json()['token']}"}
        spec = {"name": "secrets", "notify": f"{receiver.url}{WEBHOOK}"} | TINY
        number = admin.post("/api/v1/experiments", json=spec, headers=ci).json()["id"]
        admin.patch(f"/api/v1/experiments/{number}", json={"note": "by a token"}, headers=ci).raise_for_status()
        admin.get("/api/v1/audit").raise_for_status()
        service.wait_until(lambda: len(receiver.got) > told_before, "its end is told")
    with httpx.Client(base_url=url, timeout=60) as person:
        wrong = {"Authorization": f"Bearer {secrets['a mistyped token']}"}
        assert person.get("/api/v1/experiments", headers=wrong).status_code == 401
        assert person.post("/login", data={"token": secrets["a mistyped token"]}).status_code == 401
        asked = person.get("/api/v1/experiments", params={"token": secrets["one in a query"]}, headers=ci)
        assert asked.status_code == 422
        assert person.post("/login", data={"token": told.json()["token"]}).status_code == 303
        secrets |= {"a login": person.cookies["phaselab_login"]}
        assert person.get("/").status_code == 200
        assert person.post(f"/experiments/{number}/retry", headers={"Origin": url}).status_code == 303
        assert person.post(f"/experiments/{number}/delete", headers={"Origin": url}).status_code == 303
        assert person.post("/logout", headers={"Origin": url}).status_code == 303
    return secrets


def written(service: ServiceProcess, database: Database, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything that the service has written, by where."""
    yield "its log", service.log().encode()
    for path in session_logs(service):
        with suppress(OSError):  # a socket, or gone
            yield str(path), path.read_bytes()
    backup(database, folder / "copy.db")
    for path in (folder / "copy.db", *folder.glob("phaselab.db*")):
        # By another process: whoever closes a file that SQLite has open in his own takes its locks away, and what he
        # writes from then on is lost.
        yield str(path), subprocess.run(["cat", path], capture_output=True, check=True).stdout
    yield "the audit", repr(audit.deeds(database, limit=1000).items).encode()


def test_no_secret_is_written_anywhere(
    service: ServiceProcess, service_database: Database, service_folder: Path, service_receiver: Receiver
) -> None:
    boss = accounts.create(service_database, "boss", role=Role.ADMIN)
    try:
        secrets = dict(mixed_work(service, boss, service_receiver))
    finally:
        for name in ("ada", "boss"):  # other tests know no accounts
            with suppress(NoAccount):
                accounts.remove(service_database, name)
    secrets["Ray's token"] = environment_of(service.scheduler())["RAY_AUTH_TOKEN"]
    secrets["what signs notices"] = service.environment["PHASELAB_NOTIFY_SECRET"]
    assert min(map(len, secrets.values())) >= 16
    found = list(written(service, service_database, service_folder))
    places = [(place, name) for place, text in found for name, secret in secrets.items() if secret.encode() in text]
    assert places == []
    hooked = [place for place, text in found if WEBHOOK.encode() in text]
    assert [place for place in hooked if "db" not in place] == [], "its spec alone tells it"
    assert any("worker-" in place for place, _ in found)
    assert any(b"by a token" in text for place, text in found if place.endswith("copy.db")), "it was looked through"
    assert b"add token" in found[-1][1]


PASSWORD = "s3cret/of:the@database"


@pytest.mark.parametrize("address", ["127.0.0.1:1/x", "127.0.0.1:1/x?sslmode=nonsense", "[::1/x"])
@pytest.mark.parametrize("quoted", [True, False])
def test_a_database_s_password_is_not_told(
    address: str, quoted: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://ada:{quote(PASSWORD, safe='') if quoted else PASSWORD}@{address}"
    assert "s3cret" not in repr(Configuration(database_url=url))
    monkeypatch.setenv("PHASELAB_DATABASE_URL", url)
    with pytest.raises((OperatorFault, SystemExit)) as raised, told_plainly():
        open_database(load_configuration())
    told = "".join(traceback.format_exception(raised.value)) + "".join(capsys.readouterr())
    assert "phaselab: " in told, "it is told what is wrong"
    assert "s3cret" not in told
    assert "the@database" not in told
