"""Random deaths at random moments: at the end every run is done exactly once, what is kept twice agrees, and a
refinement has measured what it would have measured undisturbed."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from phaselab.db.care.check import check
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import experiment_runs
from phaselab.db.schema.tables import runs as run_table
from phaselab.db.schema.upgrade import upgrade
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.domain.settings.stacks import Stack
from tests.db.rows import land, take
from tests.faults import computes
from tests.faults.harness import API, SCHEDULER, ServiceProcess, is_alive, landed, status, submit_tiny
from tests.service.renewing import renewed

REFINED = {
    "sweep": {"data.snr": {"linspace": [1, 9, 9]}, "network.init_scale": {"logspace": [1e-9, 1e-1, 9]}},
    "refine": {"x": "data.snr", "y": "network.init_scale", "budget": 1, "audit": 0.05},
    "seeds": 3,
}


@pytest.fixture
def database(postgresql_url: str) -> Iterator[Database]:
    database = Database(postgresql_url)
    yield database
    database.close()


@pytest.fixture
def service(postgresql_url: str, tmp_path: Path) -> Iterator[ServiceProcess]:
    variables = {
        "PHASELAB_COMPUTE": "tests.faults.computes:ready",
        "PHASELAB_STACK_SECONDS": "0.3",
        "PHASELAB_LEASE_SECONDS": "5",
        computes.LOG: str(tmp_path / "computed"),
        computes.SECONDS: "0.05",
    }
    service = ServiceProcess(postgresql_url, tmp_path / "service.log", ("serve", "--port", "0"), **variables)
    yield service
    service.kill_everything()


def test_a_few_deaths(database: Database, service: ServiceProcess, postgresql_url: str, tmp_path: Path) -> None:
    chaos(database, service, postgresql_url, tmp_path, runs=90, deaths=["raylet", "connections", "worker", "api"])


@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_many_deaths(database: Database, service: ServiceProcess, postgresql_url: str, tmp_path: Path) -> None:
    order = random.Random(1)
    deaths = [order.choice(["worker", "worker", "raylet", "scheduler", "api", "connections"]) for _ in range(32)]
    chaos(database, service, postgresql_url, tmp_path, runs=2100, deaths=deaths)


@pytest.mark.chaos
def test_the_api_is_renewed_again_and_again(database: Database, service: ServiceProcess) -> None:
    renewed(service, database, times=10)


def chaos(database: Database, service: ServiceProcess, url: str, folder: Path, runs: int, deaths: list[str]) -> None:
    """Kill one thing after the other, each at a random moment while work is being done."""
    order = random.Random(0)
    started = time.monotonic()
    ids = [submit_tiny(database, f"chaos {i}", f"owner {i}", data=data(i), seeds=runs // 3) for i in range(3)]
    refined = submit_tiny(database, "refined", "owner 3", **REFINED)
    kill_one: dict[str, Callable[[], bool]] = {
        "worker": lambda: service.kill_child("ResourceTr"),
        "raylet": lambda: service.kill_child("raylet/raylet"),
        "scheduler": lambda: service.kill_child(SCHEDULER),
        "api": lambda: service.kill_child(API),
        "connections": lambda: end_connections(url),
    }
    total = 0
    for i, death in enumerate(deaths):
        goal = min(total + 1, runs * (i + 1) // (len(deaths) + 1))
        service.wait_until(lambda goal=goal: done(database, ids) >= goal, f"work goes on after {deaths[:i]}", 240)
        time.sleep(order.uniform(0.0, 1.0))
        service.wait_until(kill_one[death], f"there is a victim for {death}; {total} were done", 240)
        total = done(database, ids)
    everyone = [*ids, refined]
    service.wait_until(lambda: all(status(database, one).is_finished for one in everyone), "all have finished", 600)
    assert {status(database, one) for one in everyone} == {ExperimentStatus.FINISHED}
    assert done(database, ids) == runs // 3 * 3
    assert measured(database, refined) == undisturbed(folder)
    with database.reading() as session:
        assert check(session) == []
    computed = Counter((folder / "computed").read_text().split())
    print(f"{len(deaths)} deaths, {len(computed)} runs, {computed.total() - len(computed)} computed again,", end=" ")
    print(f"{time.monotonic() - started:.0f} s")
    everything = service.everything()
    assert service.end() == 0
    assert [pid for pid in everything if is_alive(pid)] == []


def measured(database: Database, experiment: int) -> set[str]:
    """The keys of an experiment's runs that have a result."""
    query = select(run_table.c.key).join(experiment_runs, experiment_runs.c.run_id == run_table.c.id)
    with database.reading() as session:
        here = query.where(experiment_runs.c.experiment_id == experiment, run_table.c.state == RunState.DONE)
        return set(session.execute(here).scalars())


def undisturbed(folder: Path) -> set[str]:
    """What the same refinement measures in a database of its own, where nothing dies."""
    database = Database(f"sqlite:///{folder}/undisturbed.db")
    upgrade(database)
    experiment = submit_tiny(database, "refined", "owner 3", **REFINED)
    while stack := take(database, experiment, 20):
        land(database, computes.compute(Stack(stack), "cpu", lambda: False))
    found = measured(database, experiment)
    database.close()
    return found


def data(i: int) -> dict[str, int]:
    return {"k": 4, "d": 60 + i, "n": 40}


def done(database: Database, ids: list[int]) -> int:
    return sum(landed(database, one) for one in ids)


def end_connections(url: str) -> bool:
    """Make the server drop every connection to the database but ours."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    return True
