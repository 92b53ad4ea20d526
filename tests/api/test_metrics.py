"""Metrics count what was answered, by route and status, and tell the workload of the whole service."""

import re

import httpx
import pytest

from phaselab.db.queue import leadership
from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database


def test_requests_are_counted_by_route_and_status(http: httpx.Client) -> None:
    for path in ("/experiments/1", "/experiments/2", "/experiments/99", "/nothing/here"):
        http.get(path)
    answer = http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    counted = dict(re.findall(r"^phaselab_request_seconds_count\{(.*)\} (\S+)$", answer.text, re.MULTILINE))
    known = {labels: number for labels, number in counted.items() if "{experiment_id}" in labels}
    assert sorted(known.values()) == ["1.0", "2.0"]
    assert [number for labels, number in counted.items() if 'route="none"' in labels] == ["1.0"]


def gauges(http: httpx.Client) -> dict[str, float]:
    lines = re.findall(r"^phaselab_(?!request)(\S+) (\S+)$", http.get("/metrics").text, re.MULTILINE)
    return {name: float(value) for name, value in lines}


def test_the_workload_is_told(http: httpx.Client, own_server: tuple[str, Database]) -> None:
    before = gauges(http)
    states = {name: value for name, value in before.items() if name.startswith("runs")}
    assert states == {
        'runs{state="held"}': 0,
        'runs{state="queued"}': 24,
        'runs{state="leased"}': 0,
        'runs{state="done"}': 23,
        'runs{state="failed"}': 1,
        'runs{state="cancelled"}': 0,
    }
    assert before['experiments{status="finished_with_failures"}'] == before['experiments{status="queued"}'] == 1
    assert before['experiments{status="paused"}'] == before["leases"] == before["scheduler_leads"] == 0
    assert before["queued_age_seconds"] > 0
    with own_server[1].transaction() as session:
        leased = take_stack(session, 2, lambda _: 5, "scheduler", 60.0)
        assert leadership.acquire(session, "someone", 60.0)
    assert leased is not None
    after = gauges(http)
    taken = len(leased.stack.runs)
    assert after["leases"] == after['runs{state="leased"}'] == taken
    assert after['runs{state="queued"}'] == 24 - taken
    assert after["scheduler_leads"] == 1
    http.post("/experiments/2/cancel")
    assert gauges(http)["queued_age_seconds"] == 0


@pytest.mark.parametrize("path", ["/health", "/experiments", "/catalogues"])
def test_head_is_counted_by_its_route(http: httpx.Client, path: str) -> None:
    status = http.head(path).status_code
    route = path if status == 200 else "none"
    assert f'method="HEAD",route="{route}",status="{status}"' in http.get("/metrics").text
