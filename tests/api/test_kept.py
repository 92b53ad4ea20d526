"""Idempotency-Key: what changes something is done once, and a request that comes again gets the same answer again."""

import inspect
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select, update

from phaselab.api.app import PARTS
from phaselab.api.entrance.access import ONLY_LOOKS
from phaselab.db.schema import tables
from phaselab.db.schema.away import DatabaseAway
from phaselab.db.schema.database import Database
from phaselab.db.writing import kept
from phaselab.service.base.configuration import Configuration
from phaselab.service.verbs import accounts
from phaselab.service.verbs.rights import Role
from tests.api.conftest import NEW_SPEC, serving
from tests.db.rows import store

AT_ONCE = 8
REPLAYED = "Idempotency-Replayed"


@pytest.fixture
def lab(database: Database) -> Iterator[httpx.Client]:
    """An admin of a server over each kind of database, with an experiment of ada's."""
    with asked_by_an_admin(database) as client:
        yield client


@pytest.fixture
def one_lab(sqlite_database: Database) -> Iterator[httpx.Client]:
    """The same over SQLite alone."""
    with asked_by_an_admin(sqlite_database) as client:
        yield client


@contextmanager
def asked_by_an_admin(database: Database) -> Iterator[httpx.Client]:
    store(database, owner="ada")
    token = accounts.create(database, "boss", role=Role.ADMIN)
    with (
        serving(Configuration(), database) as url,
        httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60) as client,
    ):
        yield client


def rows(database: Database, table: str = "kept_answers") -> int:
    with database.reading() as session:
        return session.execute(select(func.count()).select_from(tables.metadata.tables[table])).scalar_one()


def test_every_call_that_changes_something_takes_a_key() -> None:
    for router in (part.router for part in PARTS):
        for route in router.routes:
            changes = route.methods - {"GET", "HEAD"} and not f"/api/v1{route.path}".startswith(ONLY_LOOKS)
            takes = "idempotency_key" in inspect.signature(route.endpoint).parameters
            assert takes is bool(changes), f"{route.methods} {route.path}"


CHANGES: dict[str, tuple[str, str, object]] = {
    "a description": ("PATCH", "/experiments/1", {"note": "once"}),
    "a pause": ("POST", "/experiments/1/pause", None),
    "a removal": ("DELETE", "/experiments/1", None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_requests_under_one_key_at_once_are_one(lab: httpx.Client, database: Database, name: str) -> None:
    method, address, body = CHANGES[name]
    before, together = rows(database, "audit"), threading.Barrier(AT_ONCE)

    def ask(_: int) -> httpx.Response:
        together.wait()
        return lab.request(method, address, json=body, headers={"Idempotency-Key": "k"})

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(ask, range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {204 if method == "DELETE" else 200}
    assert len({(answer.content, answer.headers.get("content-type")) for answer in answers}) == 1
    assert sorted(answer.headers.get(REPLAYED, "") for answer in answers) == [""] + ["true"] * (AT_ONCE - 1)
    assert rows(database, "audit") == before + 1, "the deed is noted as often as it is done"
    assert rows(database) == 1


def test_a_key_is_for_one_request_of_one_account(one_lab: httpx.Client, sqlite_database: Database) -> None:
    key = {"Idempotency-Key": "k"}
    assert one_lab.patch("/experiments/1", json={"note": "one"}, headers=key).is_success
    for method, address, body in (
        ("PATCH", "/experiments/1", {"note": "two"}),
        ("PATCH", "/experiments/1?a=1", {"note": "one"}),
        ("PATCH", "/accounts/boss", {"note": "one"}),
        ("DELETE", "/experiments/1", None),
    ):
        answer = one_lab.request(method, address, json=body, headers=key)
        assert answer.status_code in (409, 422)
        assert "k" in answer.json()["detail"] or "a=1" in address
    assert one_lab.get("/experiments/1").json()["note"] == "one"
    ada = {"Authorization": f"Bearer {accounts.create(sqlite_database, 'ada')}"}
    assert one_lab.patch("/experiments/1", json={"note": "two"}, headers=key | ada).json()["note"] == "two"
    assert one_lab.patch("/experiments/1", json={"note": ""}, headers={"Idempotency-Key": ""}).status_code == 422


def test_what_changed_nothing_is_not_kept(one_lab: httpx.Client, sqlite_database: Database) -> None:
    key = {"Idempotency-Key": "k"}
    for answer in (
        one_lab.patch("/experiments/9", json={"note": "n"}, headers=key),
        one_lab.patch("/experiments/1", json={"priority": "high"}, headers=key),
        one_lab.post("/experiments/1/retry?often=true", headers=key),
        one_lab.post("/accounts", json={"name": "boss"}, headers=key),
    ):
        assert answer.status_code in (404, 409, 422)
    assert rows(sqlite_database) == 0
    assert one_lab.post("/experiments/1/pause", headers=key).is_success


def test_a_secret_is_not_kept(one_lab: httpx.Client, sqlite_database: Database) -> None:
    for address, body in (("/tokens", {"name": "ci", "scope": "read"}), ("/accounts", {"name": "eve"})):
        key = {"Idempotency-Key": address}
        made = one_lab.post(address, json=body, headers=key)
        assert made.status_code == 201
        again = one_lab.post(address, json=body, headers=key)
        assert again.status_code == 409
        assert "secret, which is not kept" in again.json()["detail"]
        with sqlite_database.reading() as session:
            found = session.execute(select(tables.kept_answers)).all()
        assert made.json()["token"] not in repr(found)
        assert [row.body for row in found] == [None] * len(found)
        files = [*Path(str(sqlite_database.url.database)).parent.glob("phaselab.db*")]
        assert files
        assert not any(made.json()["token"].encode() in file.read_bytes() for file in files)


def test_deed_and_answer_are_stored_together(
    lab: httpx.Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise DatabaseAway("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(kept, "keep", fails)
        before = rows(database, "audit")
        assert lab.patch("/experiments/1", json={"note": "n"}, headers={"Idempotency-Key": "k"}).status_code == 503
    assert rows(database, "audit") == before
    assert lab.get("/experiments/1").json()["note"] == ""
    again = lab.patch("/experiments/1", json={"note": "n"}, headers={"Idempotency-Key": "k"})
    assert again.json()["note"] == "n"
    assert REPLAYED not in again.headers


def aged(database: Database, by: timedelta = kept.KEPT) -> None:
    with database.transaction() as session:
        at = session.execute(select(func.max(tables.kept_answers.c.at))).scalar_one()
        session.execute(update(tables.kept_answers).values(at=at - by))


def test_after_a_day_a_key_is_new_and_answers_are_gone(lab: httpx.Client, database: Database) -> None:
    def ask(note: str, key: str) -> httpx.Response:
        return lab.patch("/experiments/1", json={"note": note}, headers={"Idempotency-Key": key})

    assert ask("one", "a").is_success
    aged(database)
    assert ask("two", "a").json()["note"] == "two"
    aged(database, kept.KEPT - timedelta(minutes=5))
    assert ask("two", "a").headers[REPLAYED] == "true"
    aged(database)
    assert ask("three", "b").is_success
    assert rows(database) == 1


def test_an_account_has_so_many_answers_kept(
    one_lab: httpx.Client, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST", 3)
    for i in range(6):
        assert one_lab.patch("/experiments/1", json={"note": f"{i}"}, headers={"Idempotency-Key": f"{i}"}).is_success
        assert rows(sqlite_database) <= 3
    assert one_lab.patch("/experiments/1", json={"note": "5"}, headers={"Idempotency-Key": "5"}).headers[REPLAYED]


def test_what_is_kept_goes_with_its_account(one_lab: httpx.Client, sqlite_database: Database) -> None:
    for _ in range(2):  # the second has nothing to do with the first
        token = {"Authorization": f"Bearer {accounts.create(sqlite_database, 'eve', role=Role.ADMIN)}"}
        answer = one_lab.patch("/experiments/1", json={"note": "eve"}, headers=token | {"Idempotency-Key": "k"})
        assert REPLAYED not in answer.headers
        accounts.remove(sqlite_database, "eve")
    assert rows(sqlite_database) == 0


def test_a_submission_s_key_stands_for_good(http: httpx.Client) -> None:
    key = {"Idempotency-Key": "k"}
    first = http.post("/experiments", json=NEW_SPEC, headers=key)
    assert REPLAYED not in first.headers
    again = http.post("/experiments", json=NEW_SPEC, headers=key)
    assert (again.status_code, again.headers[REPLAYED]) == (200, "true")
    assert again.json()["id"] == first.json()["id"]


def test_an_import_under_a_key_tells_again_what_it_came_to(http: httpx.Client) -> None:
    file, sent = http.get("/experiments/1/portable").content, {"Content-Type": "application/gzip"}

    def ask(key: str) -> httpx.Response:
        return http.post("/experiments/import", content=file, headers=sent | {"Idempotency-Key": key})

    first = ask("a")
    assert (first.status_code, first.json()["created"]) == (201, True)
    again = ask("a")
    assert (again.status_code, again.content, again.headers[REPLAYED]) == (201, first.content, "true")
    assert ask("b").status_code == 200


def test_what_is_joined_is_undone_together(database: Database) -> None:
    store(database)

    def named(name: str, fails: bool = False) -> None:
        with database.transaction() as session:
            session.execute(update(tables.experiments).values(name=name))
            if fails:
                raise ZeroDivisionError

    def name() -> str:
        with database.reading() as session:
            return str(session.execute(select(tables.experiments.c.name)).scalar_one())

    def two_and_a_fault() -> None:
        with database.joined(first) as joint:
            assert joint.session is None
            named("a")
            named("b")
            assert name() == "b", "what is not stored yet is read where it was written"
            raise ZeroDivisionError

    former, began = name(), []
    first: Callable[[object], None] = began.append
    with pytest.raises(ZeroDivisionError):
        two_and_a_fault()
    assert (name(), len(began)) == (former, 1)
    with database.joined(first):
        with pytest.raises(ZeroDivisionError):
            named("lost", fails=True)
        assert name() == former, "what failed is undone at once, and keeps nobody waiting"
        named("c")
    assert (name(), len(began)) == ("c", 3)
