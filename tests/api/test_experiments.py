"""Experiments over HTTP: submit, list, follow, change."""

import json
import threading

import httpx
import pytest

from phaselab.db.queue import progress
from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.writing.landing import land
from phaselab.domain.results.states import Stage
from phaselab.service.base.presets import presets
from tests.api.conftest import NEW_SPEC as NEW
from tests.api.conftest import SPEC
from tests.results import made_up


def test_a_spec_is_stored_once_and_found_under_its_location(http: httpx.Client) -> None:
    answer = http.post("/experiments", json=NEW)
    assert answer.status_code == 201
    found = http.get(answer.headers["Location"].removeprefix("/api/v1")).json()
    assert found == answer.json()
    assert found["name"] == "new"
    assert found["status"] == "queued"
    assert found["points"] == 9
    rest = dict.fromkeys(("done", "cached", "running", "failed", "cancelled", "held"), 0)
    assert found["counts"] == {"total": 24, "queued": 24} | rest
    assert found["spec"]["sweep"] == SPEC["sweep"]
    assert [item["id"] for item in http.get("/experiments").json()["items"]] == [3, 2, 1]


def test_the_same_spec_again_is_answered_from_what_is_known(http: httpx.Client) -> None:
    counts = http.post("/experiments", json=SPEC).json()["counts"]
    assert counts["cached"] == 23
    assert counts["queued"] == 1, "the run that failed is asked for again"


@pytest.mark.parametrize("kind", ["application/yaml", "application/x-yaml", "text/yaml; charset=utf-8"])
def test_a_spec_in_yaml_is_the_same_spec(http: httpx.Client, kind: str) -> None:
    text = """
        name: new
        network: {init_scale: 1e-5}
        data: {d: 70, n: 20}
        attack: {radii: [0, 2, 4, 6], test_points: 10}
        sweep: {data.k: [4, 6, 8], network.labels: [binary, 4, clusters]}
        seeds: 3
    """
    answer = http.post("/experiments", content=text, headers={"Content-Type": kind})
    assert answer.status_code == 201
    assert answer.json()["spec"] == http.post("/experiments", json=NEW).json()["spec"]


def test_a_dry_run_counts_and_stores_nothing(http: httpx.Client) -> None:
    answer = http.post("/experiments?dry_run=true", json=SPEC | {"seeds": 4})
    assert answer.status_code == 200
    estimate = answer.json()
    assert {name: estimate[name] for name in ("points", "skipped", "runs", "cached")} == {
        "points": 9,
        "skipped": 0,
        "runs": 32,  # for k = 4 both 4 and clusters are four groups: the same runs
        "cached": 23,
    }
    assert estimate["stacks"] > 0
    assert estimate["seconds"] > 0
    assert len(http.get("/experiments").json()["items"]) == 2


def test_an_idempotency_key_stores_once(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = http.post("/experiments", json=NEW, headers=headers)
    second = http.post("/experiments", json=NEW, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert first.headers["Location"] == second.headers["Location"]
    other = http.post("/experiments", json=NEW | {"seeds": 1}, headers=headers)
    assert other.status_code == 409


def test_a_spec_can_be_changed_as_it_is_sent(http: httpx.Client) -> None:
    changes = {"set": ["data.d=80", "seeds=[3, 5]", "sweep.data.snr=[1, 2]", "data.k=6", "network.init_scale=1e-4"]}
    spec = http.post("/experiments", json=NEW, params=changes).json()["spec"]
    assert spec["data"]["d"] == 80
    assert spec["seeds"] == [3, 5]
    assert spec["network"]["init_scale"] == 1e-4
    assert spec["sweep"] == {"network.labels": ["binary", 4, "clusters"], "data.snr": [1, 2]}


@pytest.mark.parametrize("change", ["data.d", "=3", "data.d=[", "name.x=3"])
def test_a_change_that_cannot_be_made_is_pointed_at(http: httpx.Client, change: str) -> None:
    answer = http.post("/experiments", json=NEW, params={"set": ["seeds=2", change]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/set/1"


@pytest.mark.parametrize("name", presets())
def test_every_preset_can_be_submitted_and_its_pictures_asked_for(http: httpx.Client, name: str) -> None:
    (preset,) = (item for item in http.get("/presets").json()["items"] if item["name"] == name)
    submitted = http.post("/experiments", json=preset["spec"])
    assert submitted.status_code == 201
    for picture in preset["pictures"]:
        if picture["kind"] == "cosines":
            assert picture["query"] == {}, "they are of a run, and there is nothing to choose"
            continue
        address = {"diagram": "/diagrams", "lines": "/lines", "curves": "/curves"}[picture["kind"]]
        answer = http.get(address, params=picture["query"] | {"experiment": submitted.json()["id"]})
        assert answer.status_code == 200, answer.text


def test_a_list_goes_on_where_its_page_ended(http: httpx.Client) -> None:
    first = http.get("/experiments?limit=1").json()
    assert [item["id"] for item in first["items"]] == [2]
    second = http.get("/experiments", params={"limit": 1, "cursor": first["next"]}).json()
    assert [item["id"] for item in second["items"]] == [1]
    assert second["next"] is None


def test_pause_resume_cancel_retry_delete(http: httpx.Client) -> None:
    assert http.post("/experiments/2/pause").json()["status"] == "paused"
    assert http.post("/experiments/2/resume").json()["status"] == "queued"
    cancelled = http.post("/experiments/2/cancel").json()
    assert cancelled["status"] == "cancelled"
    assert cancelled["counts"]["cancelled"] == cancelled["counts"]["total"]
    assert http.post("/experiments/2/pause").status_code == 409
    assert http.post("/experiments/2/retry").json()["status"] == "queued"
    assert http.delete("/experiments/2").status_code == 204
    assert http.get("/experiments/2").status_code == 404


def test_name_and_priority_can_be_changed(http: httpx.Client) -> None:
    changed = http.patch("/experiments/2", json={"name": "other", "priority": 7}).json()
    assert (changed["name"], changed["priority"]) == ("other", 7)
    refused = http.patch("/experiments/2", json={"priority": 1000, "nam": "x"})
    assert refused.status_code == 422


def test_events_tell_progress_until_the_end(own_server: tuple[str, Database], http: httpx.Client) -> None:
    url, database = own_server

    def work() -> None:
        while True:
            with database.transaction() as session:
                leased = take_stack(session, 2, lambda _: 12, "test", 60.0)
                if leased is None:
                    return
                land(session, [made_up(run) for run in leased.stack.runs])

    events = []
    with httpx.stream("GET", f"{url}/api/v1/experiments/2/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        worker = threading.Thread(target=work)
        for line in stream.iter_lines():
            if line.startswith("data: "):
                events.append(json.loads(line.removeprefix("data: ")))
                if not worker.ident:
                    worker.start()
            elif line.startswith("id: "):
                event_id = line.removeprefix("id: ")
        worker.join()
    done = [event["counts"]["done"] for event in events]
    assert done == sorted(done)
    assert done[0] == 0
    assert events[-1]["status"] == "finished"
    assert done[-1] == events[-1]["counts"]["total"]
    again = http.get("/experiments/2/events", headers={"Last-Event-ID": event_id})
    assert again.status_code == 204


def test_events_of_what_has_ended_are_one(read: httpx.Client) -> None:
    text = read.get("/experiments/1/events").text
    assert text.count("event: ") == 1
    assert "event: finished\n" in text


def test_progress_inside_running_runs_is_shown_while_they_run(own_server: tuple[str, Database]) -> None:
    url, database = own_server
    with database.transaction() as session:
        leased = take_stack(session, 2, lambda _: 2, "test", 60.0)
        assert leased is not None
    keys = [run.key for run in leased.stack.runs]

    def note(stage: Stage, share: float) -> None:
        with database.transaction() as session:
            progress.note(session, "test", keys[:1], stage, share)

    seen = []
    with httpx.Client(base_url=url) as http, http.stream("GET", "/api/v1/experiments/2/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: "))["running_progress"])
                if len(seen) == 1:
                    note(Stage.TRAINING, 0.25)
                elif len(seen) == 2:
                    note(Stage.ATTACK, 0.5)
                elif len(seen) == 3:
                    assert http.get("/api/v1/experiments/2").json()["running_progress"] == seen[-1]
                    assert "1 run: attack 50%" in http.get("/experiments/2").text
                    with database.transaction() as session:
                        land(session, [made_up(run) for run in leased.stack.runs])
                else:
                    break
        items = http.get("/api/v1/experiments").json()["items"]
    trained, attacked = (
        {"runs": 1, "stage": stage, "share": share} for stage, share in (("training", 0.25), ("attack", 0.5))
    )
    assert seen == [[], [trained], [attacked], []]
    assert not [item for item in items if "running_progress" in item], "lists do without"
