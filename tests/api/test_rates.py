"""Limits of an account at the api: requests a minute, streams of events, and quotas as it tells them."""

from pathlib import Path

import httpx
import pytest

from phaselab.api.base.problems import Problem
from phaselab.api.entrance.rates import Rates
from phaselab.client import Client
from phaselab.client.errors import QuotaExceeded, TooMany
from phaselab.service.base.configuration import Configuration
from phaselab.service.verbs import accounts
from tests.api.conftest import NEW_SPEC, served_copy, serving


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def allowed(rates: Rates, account: str = "ada") -> bool:
    try:
        rates.check(account)
    except Problem as problem:
        return problem.status != 429 or int(problem.headers["Retry-After"]) < 1
    return True


def test_requests_are_let_through_at_their_pace() -> None:
    clock = Clock()
    rates = Rates(60, clock)
    assert sum(allowed(rates) for _ in range(50)) == 10, "a burst of ten seconds"
    assert sum(allowed(rates, "bob") for _ in range(50)) == 10, "each account has its own"
    clock.now += 3
    assert sum(allowed(rates) for _ in range(50)) == 3
    clock.now += 3600
    assert sum(allowed(rates) for _ in range(50)) == 10, "what is not asked for is not saved up"
    assert all(allowed(Rates(None)) for _ in range(50))
    assert sum(allowed(Rates(1, clock)) for _ in range(5)) == 5, "the least pace lets a first request through"


def test_an_account_s_limits_are_told(filled_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Configuration(requests_a_minute=60, max_streams_each=2, runs_each=5)
    with served_copy(filled_sqlite, tmp_path) as (_, database), serving(limits, database) as url:
        ada, bob = ({"Authorization": f"Bearer {accounts.create(database, name)}"} for name in ("ada", "bob"))
        refused = httpx.post(f"{url}/api/v1/experiments", json=NEW_SPEC, headers=ada)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:phaselab:problem:quota-exceeded")
        assert "at most 5 runs, and this one 24" in refused.json()["detail"]
        events = f"{url}/api/v1/experiments/2/events"
        with httpx.stream("GET", events, headers=bob) as one, httpx.stream("GET", events, headers=bob) as two:
            lines = [stream.iter_lines() for stream in (one, two)]  # kept: a stream ends with who reads it
            assert [next(of_stream) for of_stream in lines] == ["retry: 2000"] * 2
            third = httpx.get(events, headers=bob)
            assert (third.status_code, third.headers["retry-after"]) == (429, "10")
            assert "bob follows 2 experiments already" in third.json()["detail"]
            with httpx.stream("GET", events, headers=ada) as other:
                assert other.status_code == 200
        answers = [httpx.get(f"{url}/api/v1/account", headers=ada) for _ in range(20)]
        busy = [answer for answer in answers if answer.status_code == 429]
        assert {answer.status_code for answer in answers} == {200, 429}
        assert {answer.json()["type"] for answer in busy} == {"urn:phaselab:problem:too-many-requests"}
        assert httpx.get(f"{url}/api/v1/health").status_code == 200
        waited: list[float] = []
        monkeypatch.setattr("phaselab.client.transport.time.sleep", waited.append)
        with Client(url, accounts.create(database, "cyd")) as client:
            asked = [client.experiment] * 200
            with pytest.raises(QuotaExceeded, match="at most 5 runs"):
                client.submit(NEW_SPEC)
            with pytest.raises(TooMany, match="more than 60 requests a minute"):
                [ask(1) for ask in asked]
        assert max(waited) >= 1, "the client waits as long as it is told, before it gives up"
