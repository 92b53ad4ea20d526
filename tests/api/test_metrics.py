"""Metrics count what was answered, by route and status."""

import re

import httpx


def test_requests_are_counted_by_route_and_status(http: httpx.Client) -> None:
    for path in ("/experiments/1", "/experiments/2", "/experiments/99", "/nothing/here"):
        http.get(path)
    answer = http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    counted = dict(re.findall(r"^phaselab_request_seconds_count\{(.*)\} (\S+)$", answer.text, re.MULTILINE))
    known = {labels: number for labels, number in counted.items() if "{experiment_id}" in labels}
    assert sorted(known.values()) == ["1.0", "2.0"]
    assert [number for labels, number in counted.items() if 'route="none"' in labels] == ["1.0"]
