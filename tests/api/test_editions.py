"""If-Match: a change is made to what was seen, or not at all."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.writing.landing import land
from phaselab.domain.specs.spec import Changes
from phaselab.service.base.errors import Outdated
from phaselab.service.verbs import accounts, experiments
from phaselab.service.verbs.rights import Role
from tests.api.conftest import NEW_SPEC, result_of
from tests.db.rows import store

AT_ONCE = 8


def patched(http: httpx.Client, note: str, tag: str | None) -> httpx.Response:
    return http.patch("/experiments/2", json={"note": note}, headers={} if tag is None else {"If-Match": tag})


def test_a_change_is_made_to_what_was_seen_or_not_at_all(http: httpx.Client) -> None:
    seen = http.get("/experiments/2").headers["ETag"]
    mine = patched(http, "mine", seen)
    assert mine.headers["ETag"] not in (seen, seen.replace('"', '-gzip"'))
    late = patched(http, "theirs", seen)
    assert (late.status_code, late.json()["type"]) == (412, "urn:phaselab:problem:changed-since")
    assert late.headers["ETag"] == f'"{mine.json()["edition"]}"'
    assert f"it is edition {mine.json()['edition']} now; read it again" in late.json()["detail"]
    assert http.get("/experiments/2").json()["note"] == "mine"
    assert patched(http, "theirs", late.headers["ETag"]).json()["note"] == "theirs"


def test_conditions_as_http_has_them(http: httpx.Client) -> None:
    edition = http.get("/experiments/2").json()["edition"]
    for tag, status in (
        (f'W/"{edition}"', 412),  # weak tags never match
        ('"of-another-server"', 412),
        (f'"{edition + 1}", "x,y"', 412),
        ("3", 422),
        ('"3" "4"', 422),
        ("*, *", 422),
        ('"of another server"', 422),
        (f'"x,{edition}" , W/"1", "{edition}"', 200),
        ("*", 200),
        (None, 200),
    ):
        answer = patched(http, f"{tag}", tag)
        assert answer.status_code == status, tag
        if status == 422:
            assert answer.json()["errors"][0]["pointer"] == "/if-match"
        edition = answer.json().get("edition", edition)
    assert http.patch("/experiments/9", json={}, headers={"If-Match": "*"}).status_code == 404


def test_the_tag_of_a_compressed_answer_is_taken_back(http: httpx.Client) -> None:
    answer = http.get("/experiments/2", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["ETag"].endswith('-gzip"')
    assert answer.headers["Cache-Control"] == "private, no-cache"
    same = {"If-None-Match": answer.headers["ETag"]}
    assert http.get("/experiments/2", headers=same).status_code == 200, "it is no tag of the bytes"
    assert patched(http, "n", answer.headers["ETag"]).status_code == 200


def test_every_deed_makes_an_edition_and_results_make_none(
    own_server: tuple[str, Database], http: httpx.Client
) -> None:
    tags = [http.get("/experiments/2").headers["ETag"]]
    with own_server[1].transaction() as session:
        leased = take_stack(session, 2, lambda _: 2, "test", 60.0)
        assert leased is not None
        land(session, [result_of(run) for run in leased.stack.runs])  # type: ignore[misc]
    assert http.get("/experiments/2").json()["counts"]["done"] > 0
    assert http.get("/experiments/2").headers["ETag"] == tags[0]
    for verb in ("pause", "resume", "cancel", "retry"):
        done = http.post(f"/experiments/2/{verb}", headers={"If-Match": tags[-1]})
        assert done.status_code == 200
        tags.append(done.headers["ETag"].replace("-gzip", ""))
        assert http.post(f"/experiments/2/{verb}", headers={"If-Match": tags[0]}).status_code == 412
    assert len(set(tags)) == len(tags)
    assert http.delete("/experiments/2", headers={"If-Match": tags[0]}).status_code == 412
    assert http.delete("/experiments/2", headers={"If-Match": tags[-1]}).status_code == 204
    assert http.post("/experiments", json=NEW_SPEC).headers["ETag"]


def raced(change: Callable[[int], object]) -> list[object]:
    """What becomes of changes that come at once."""
    together = threading.Barrier(AT_ONCE)

    def ask(i: int) -> object:
        together.wait()
        try:
            return change(i)
        except Outdated as late:
            return late.edition

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(ask, range(AT_ONCE)))


def test_of_changes_to_one_edition_at_once_one_is_made(database: Database) -> None:
    one = store(database)
    seen = {experiments.experiment(database, one).row.edition}
    found = raced(lambda i: experiments.patch(database, one, Changes(note=f"{i}"), None, seen).row.note)
    notes = [told for told in found if isinstance(told, str)]
    assert notes == [experiments.experiment(database, one).row.note]
    accounts.create(database, "ada")
    seen = {accounts.get(database, "ada").edition}
    found = raced(lambda i: accounts.change(database, "ada", seen=seen, runs_each=i).runs_each)
    assert found.count(accounts.get(database, "ada").edition) >= AT_ONCE - 1


def test_an_account_is_changed_as_it_was_seen(own_server: tuple[str, Database]) -> None:
    url, database = own_server
    token = accounts.create(database, "boss", role=Role.ADMIN)
    accounts.create(database, "ada")
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}) as http:
        edition = http.get("/accounts").json()["items"][0]["edition"]

        def quota(runs: int) -> httpx.Response:
            return http.patch("/accounts/ada", json={"runs_each": runs}, headers={"If-Match": f'"{edition}"'})

        first = quota(1)
        assert first.headers["ETag"] == f'"{first.json()["edition"]}"'
        late = quota(2)
        assert (late.status_code, late.headers["ETag"]) == (412, first.headers["ETag"])
        assert "the account ada has been changed" in late.json()["detail"]
        accounts.disable(database, "ada")
        assert http.get("/accounts").json()["items"][0]["edition"] > first.json()["edition"]


@pytest.mark.parametrize("edition", ["", "x", "²", "9" * 30])
def test_a_form_without_an_edition_changes_what_is_there(own_server: tuple[str, Database], edition: str) -> None:
    given = {"note": "n", "edition": edition}
    assert httpx.post(f"{own_server[0]}/experiments/2/describe", data=given).status_code == 303


def test_a_form_that_was_overtaken_shows_both(own_server: tuple[str, Database]) -> None:
    url, _ = own_server
    shown = httpx.get(f"{url}/experiments/2").text
    edition = shown.partition('name="edition" value="')[2].partition('"')[0]
    httpx.patch(f"{url}/api/v1/experiments/2", json={"note": "their <note>"})
    given = {"note": "my note", "tags": "a, b", "archived": "true", "edition": edition}
    late = httpx.post(f"{url}/experiments/2/describe", data=given)
    assert late.status_code == 412
    assert "their &lt;note&gt;" in late.text
    assert "my note" in late.text
    assert httpx.get(f"{url}/api/v1/experiments/2").json()["note"] == "their <note>"
    now = late.text.partition('name="edition" value="')[2].partition('"')[0]
    assert httpx.post(f"{url}/experiments/2/describe", data=given | {"edition": now}).status_code == 303
    told = httpx.get(f"{url}/api/v1/experiments/2").json()
    assert (told["note"], told["tags"], told["archived"]) == ("my note", ["a", "b"], True)
