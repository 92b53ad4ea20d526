"""Private experiments: whoever may not see one finds what is found where there is none, at every call of the app; and
nothing that they are told of their own depends on one."""

import difflib
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from phaselab.api.app import create_app
from phaselab.api.routes.pages import VERBS
from phaselab.db.schema import tables
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.verbs import accounts
from phaselab.service.verbs import tokens as token_verbs
from phaselab.service.verbs.rights import Role, Scope
from phaselab.service.verbs.submit import submit
from tests.api.access import CALLS, Site, calls_of, name_of
from tests.api.conftest import SPEC, serving
from tests.api.test_access import sent
from tests.db.rows import finish
from tests.test_house import ROOT

API = "/api/v1"
SECRET = SPEC | {"name": "hers alone", "data": {"d": 71, "n": 20}, "visibility": "owner"}
FIRST = 54_321
"""Numbers of experiments go on here, so that they stand in no other text."""
NOWHERE = 98_765
UNKNOWN = "f0" * 32


@dataclass(frozen=True)
class Lab:
    """An app of accounts, one of whom, ada, has experiments; and a client of it by account."""

    database: Database
    clients: Mapping[str, httpx.Client]
    hidden: int
    results: int
    key: str

    def __getitem__(self, name: str) -> httpx.Client:
        return self.clients[name]


@contextmanager
def lab_over(filled: Path, folder: Path) -> Iterator[tuple[Database, dict[str, httpx.Client]]]:
    path = shutil.copy(filled, folder / "phaselab.db")
    database = Database(f"sqlite:///{path}")
    with database.transaction() as session:
        session.execute(text("UPDATE sqlite_sequence SET seq = :last WHERE name = 'experiments'"), {"last": FIRST - 1})
    roles = {"rae": Role.READER, "boss": Role.ADMIN}
    tokens = {one: accounts.create(database, one, role=roles.get(one, Role.MEMBER)) for one in ("ada", "bob", *roles)}
    tokens["boss by a token to read"] = token_verbs.make(database, "boss", "other", Scope.READ, days=1)
    with ExitStack() as opened:
        url = opened.enter_context(serving(Configuration(), database))
        clients = {}
        for name, token in tokens.items():
            headers = {"Authorization": f"Bearer {token}", "X-Request-Id": "the-same"}
            clients[name] = opened.enter_context(httpx.Client(base_url=url, headers=headers, timeout=60))
        yield database, clients
    database.close()


@pytest.fixture(scope="module")
def lab(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Nothing is changed in it: whoever may not see may not change."""
    with lab_over(filled_sqlite, tmp_path_factory.mktemp("private")) as (database, clients):
        hidden = submit(database, SECRET, "ada").id
        results = submit(database, SECRET | {"data": {"d": 72, "n": 20}, "visibility": "results"}, "ada").id
        finish(database, hidden)
        with database.reading() as session:
            key = session.execute(select(tables.runs.c.key).where(tables.runs.c.pool == "ada")).scalars().first()
        yield Lab(database, clients, hidden, results, str(key))


def about(call: str, method: str, path: str, number: int, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The address and the rest of what is sent to ask a call about an experiment and a run, for each place that names
    one; nothing for calls that name none."""
    given = sent(call, Site("", None, "", b""))  # type: ignore[arg-type]
    parts = {"experiment_id": str(number), "key": key, "suffix": "png" if path.endswith("curves.{suffix}") else "csv"}
    if "experiment" in given.get("params", {}):
        told = given["params"]["experiment"]
        places = [str(number)] if isinstance(told, str) else [[str(number), "1"], ["1", str(number)]]
        for place in places:
            yield path.replace(".{suffix}", ".csv"), given | {"params": given["params"] | {"experiment": place}}
    elif path == "/submit" and method == "GET":
        yield path, {"params": {"from": str(number)}}
    elif "{experiment_id}" in path or "{key}" in path:
        for verb in (*VERBS, "nothing") if "{verb}" in path else ("",):
            yield path.format(**parts, verb=verb), given


def every(lab: Lab, number: int, key: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for method, path in calls_of(create_app(Configuration(), lab.database)):
        for address, given in about(name_of(method, path), method, path, number, key):
            yield method, address, given


def told(answer: httpx.Response, number: int, key: str) -> tuple[int, str, list[tuple[str, str]]]:
    """What is to be seen of an answer, but for what it was asked about."""
    body = answer.text.replace(str(number), "N").replace(key, "K").replace(key[:12], "K")
    lines = ((name, value.replace(str(number), "N").replace(key, "K")) for name, value in answer.headers.items())
    return answer.status_code, body, [(name, value) for name, value in lines if name != "date"]


STRANGERS = ("bob", "rae")
SEERS = ("ada", "boss by a token to read")


def asked_of(lab: Lab, stranger: str, number: int, key: str) -> Iterator[tuple[str, tuple[int, str, Any]]]:
    """What every call tells somebody of an experiment and a run; changes are asked for under a key for once, too."""
    for i, (method, address, given) in enumerate(every(lab, number, key)):
        for once in ({}, {"Idempotency-Key": f"asked{i}"}) if method != "GET" else ({},):
            answer = lab[stranger].request(method, address, **(given | {"headers": given.get("headers", {}) | once}))
            yield f"{method} {address.replace(str(number), 'N').replace(key, 'K')}", told(answer, number, key)


@pytest.mark.parametrize("stranger", STRANGERS)
def test_who_may_not_see_it_finds_what_is_found_where_there_is_none(lab: Lab, stranger: str) -> None:
    nowhere = list(asked_of(lab, stranger, NOWHERE, UNKNOWN))
    assert len(nowhere) > 40
    assert {status for _, (status, _, _) in nowhere} == ({403, 404} if stranger == "rae" else {404})
    for number in (lab.hidden, lab.results):
        for (call, found), (same, missed) in zip(asked_of(lab, stranger, number, lab.key), nowhere, strict=True):
            assert (call, found) == (same, missed)


@pytest.mark.parametrize("seer", SEERS)
def test_its_owner_and_admins_find_it(lab: Lab, seer: str) -> None:
    number = {"ada": lab.hidden}.get(seer, lab.results)
    for method, address, given in every(lab, number, lab.key):
        if method == "GET":
            with lab[seer].stream(method, address, **given) as answer:
                missed = answer.status_code >= 400 and answer.read().decode()
            assert not missed or "in common" in missed, (address, missed)
    listed = lab[seer].get(f"{API}/experiments").json()["items"]
    assert {lab.hidden, lab.results} <= {one["id"] for one in listed}


def test_every_call_that_could_name_one_was_asked(lab: Lab) -> None:
    """A new call that takes an experiment in another way is to be added to `about`."""
    app = create_app(Configuration(), lab.database)
    named = ((name_of(method, path), method, path) for method, path in calls_of(app))
    known = {call for call, method, path in named if [*about(call, method, path, 1, "a")]}
    words = {call for call in CALLS if re.search(r"\{id\}|\{key\}|diagram|differ|line|curve|compare", call)}
    assert words | {"GET /submit"} == known


def test_routes_have_the_database_as_whoever_asks_sees_it() -> None:
    """What has the whole of it is named here: who lets requests in, streams, which look once for all that follow, and
    answers that are kept."""
    whole = {"app.py", "base/deps.py", "entrance/access.py", "entrance/kept.py", "routes/events.py"}
    found = {path for path in (ROOT / "api").rglob("*.py") if re.search(r"WholeDb|state\.database", path.read_text())}
    assert {str(path.relative_to(ROOT / "api")) for path in found} == whole


def without_times(value: str) -> str:
    return re.sub(r'"created_at":"[^"]*"|<time [^>]*>[^<]*</time>|\d\d:\d\d(:\d\d)?', "", value)


def test_nothing_that_others_are_told_depends_on_it(filled_sqlite: Path, tmp_path: Path) -> None:
    told: list[list[tuple[int, str, str | None]]] = []
    spec = {key: value for key, value in SECRET.items() if key != "visibility"} | {"name": "his"}
    for there in (True, False):
        folder = tmp_path / str(there)
        folder.mkdir()
        with lab_over(filled_sqlite, folder) as (database, clients):
            bob = clients["bob"]
            number = submit(database, SECRET, "ada").id
            finish(database, number)
            if not there:
                assert clients["ada"].delete(f"{API}/experiments/{number}").status_code == 204
            asked: list[tuple[str, str, dict[str, Any]]] = [
                ("POST", "/experiments?dry_run=true", {"json": spec}),
                ("POST", "/experiments?dry_run=true", {"json": spec | {"visibility": "owner"}}),
                ("POST", "/experiments", {"json": spec, "headers": {"Idempotency-Key": "once"}}),
                ("GET", "/experiments", {}),
                ("GET", "/experiments?limit=1", {}),
                ("GET", f"/experiments?cursor={FIRST}", {}),
                ("GET", "/experiments?owner=ada", {}),
                ("GET", "/experiments?name=alone", {}),
                ("GET", "/experiments?status=finished", {}),
                ("GET", f"/experiments/{FIRST + 1}", {}),
                ("GET", f"/experiments/{FIRST + 1}/runs", {}),
                ("GET", f"/diagrams?experiment={FIRST + 1}&x=data.k&y=network.labels&measure=train_loss", {}),
                ("GET", "/diagrams?experiment=1&x=data.k&y=network.labels&measure=train_loss", {}),
            ]
            answers = [bob.request(method, f"{API}{address}", **given) for method, address, given in asked]
            answers += [bob.get("/"), bob.post("/submit/look", data={"spec": str(spec)})]
            told.append([(one.status_code, without_times(one.text), one.headers.get("etag")) for one in answers])
    for with_it, without in zip(*told, strict=True):
        assert with_it == without, [*difflib.unified_diff(with_it[1].split(), without[1].split(), n=0)]
    assert all(status < 300 for status, _, _ in told[0])


def test_keys_are_found_by_guess_only_where_an_experiment_is_seen(lab: Lab) -> None:
    run = lab["ada"].get(f"{API}/runs/{lab.key[:8]}").json()
    assert run["experiments"] == [lab.hidden]
    assert lab["bob"].get(f"{API}/runs/{lab.key[:8]}").status_code == 404


def test_it_is_opened_and_not_closed_again(filled_sqlite: Path, tmp_path: Path) -> None:
    with lab_over(filled_sqlite, tmp_path) as (database, clients):
        ada, bob, boss = clients["ada"], clients["bob"], clients["boss"]
        number = ada.post(f"{API}/experiments", json=SECRET).json()["id"]
        his = bob.post(f"{API}/experiments", json=SECRET | {"visibility": "everyone"}).json()
        finish(database, number)
        address = f"{API}/experiments/{number}"
        assert bob.patch(address, json={"visibility": "everyone"}).status_code == 404
        opened = ada.patch(address, json={"visibility": "results"})
        assert opened.json()["visibility"] == "results"
        assert bob.get(address).status_code == 404
        assert bob.get(f"{API}/experiments/{his['id']}").json()["counts"]["done"] == his["counts"]["total"]
        key = ada.get(f"{address}/runs").json()["items"][0]["key"]
        assert bob.get(f"{API}/runs/{key}").json()["experiments"] == [his["id"]]
        assert ada.patch(address, json={"visibility": "everyone"}).status_code == 200
        assert bob.get(address).status_code == 200
        refused = ada.patch(address, json={"visibility": "owner"})
        assert (refused.status_code, "cannot be taken back" in refused.json()["detail"]) == (409, True)
        assert ada.patch(address, json={"visibility": "nobody"}).status_code == 422
        deeds = [one["content"] for one in boss.get(f"{API}/audit").json()["items"] if one["deed"] == "change"]
        assert {"visibility": "results"} in deeds


def test_pages_say_what_is_private_and_open_it(filled_sqlite: Path, tmp_path: Path) -> None:
    with lab_over(filled_sqlite, tmp_path) as (database, clients):
        ada = clients["ada"]
        page = f"/experiments/{submit(database, SECRET, 'ada').id}"
        for address in ("/", page, f"{page}/runs", f"/compare?experiment=1&experiment={FIRST}"):
            assert '<span class="private">private</span>' in ada.get(address).text, address
        assert 'name="visibility"' in ada.get(page).text
        sent = {"note": "", "tags": "", "name": "x", "visibility": "everyone"}
        assert "visibility: owner" in ada.get(f"/submit?from={FIRST}").text
        assert ada.post(f"{page}/describe", data=sent).status_code == 303
        assert "visibility: everyone" in ada.get(f"/submit?from={FIRST}").text, (
            "who edits it as new sees what it is now"
        )
        assert '<span class="private">' not in ada.get(page).text
        assert clients["bob"].get(page).status_code == 200


def test_who_loses_sight_of_it_follows_it_no_more(filled_sqlite: Path, tmp_path: Path) -> None:
    with lab_over(filled_sqlite, tmp_path) as (database, clients):
        address = f"{API}/experiments/{submit(database, SECRET | {'visibility': 'everyone'}, 'ada').id}"
        with clients["bob"].stream("GET", f"{address}/events") as stream:
            lines = stream.iter_lines()
            assert next(line for line in lines if line.startswith("event")) == "event: progress"
            assert clients["ada"].patch(address, json={"visibility": "results"}).status_code == 200
            assert not [line for line in lines if line.startswith("data") and '"results"' in line]
            assert clients["bob"].get(f"{address}/events").status_code == 404


def test_without_accounts_everyone_on_the_machine_sees_everything(own_server: tuple[str, Database]) -> None:
    url, database = own_server
    number = httpx.post(f"{url}{API}/experiments", json=SECRET).json()["id"]
    address = f"{url}{API}/experiments/{number}"
    assert httpx.get(address).json()["visibility"] == "owner"
    for name, role, status in (("ada", Role.MEMBER, 404), ("boss", Role.ADMIN, 200)):
        token = accounts.create(database, name, role=role)
        assert httpx.get(address, headers={"Authorization": f"Bearer {token}"}).status_code == status
