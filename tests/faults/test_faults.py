"""What happens when something dies: with real Ray and computing code that misbehaves on order."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from db.database import Database
from db.tables import runs
from db.upgrade import upgrade
from domain.states import ExperimentStatus, RunState
from service import experiments
from tests.faults import computes
from tests.faults.harness import (
    ServiceProcess,
    is_alive,
    kill,
    landed,
    states,
    status,
    submit_tiny,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def database(folder: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{folder}/phaselab.db")
    upgrade(database)
    yield database
    database.close()


@pytest.fixture(scope="module")
def computed(folder: Path) -> Path:
    path = folder / "computed"
    path.touch()
    return path


@pytest.fixture(scope="module")
def scheduler(database: Database, computed: Path, folder: Path) -> Iterator[ServiceProcess]:
    """One for all tests, for it takes seconds to start; each test has runs of its own, told apart by `data.d`."""
    variables = {
        "PHASELAB_COMPUTE": "tests.faults.computes:ready",
        "PHASELAB_STACK_SECONDS": "0.2",
        "PHASELAB_LEASE_SECONDS": "5",
        computes.LOG: str(computed),
        computes.SECONDS: "0.01",
    }
    scheduler = ServiceProcess(str(database.url), folder / "scheduler.log", **variables)
    yield scheduler
    scheduler.kill_everything()


def test_faulty_runs_fail_alone(database: Database, scheduler: ServiceProcess) -> None:
    """A run that kills its worker, one that raises and one that fails: each a failed run, all others done."""
    faulty = [computes.DIES, computes.RAISES, computes.FAILS]
    experiment = submit_tiny(database, "faulty", seeds=[*range(6), *faulty])
    scheduler.wait_until(lambda: status(database, experiment).is_finished, "it has finished", 90)
    assert status(database, experiment) is ExperimentStatus.FINISHED_WITH_FAILURES
    found = states(database)
    assert {seed for seed, (state, *_) in found.items() if state == RunState.FAILED} == set(faulty)
    assert {state for state, *_ in found.values()} == {RunState.FAILED, RunState.DONE}
    assert "died" in str(found[computes.DIES][1])
    assert "ZeroDivisionError: ordered by the test" in str(found[computes.RAISES][1])
    assert "computes.py" in str(found[computes.RAISES][2])
    assert found[computes.FAILS][1:] == ("ordered by the test", "no trace")


def test_nothing_is_lost_or_done_twice_when_workers_and_scheduler_are_killed(
    database: Database, scheduler: ServiceProcess, computed: Path
) -> None:
    experiment = submit_tiny(database, "killed", data={"k": 4, "d": 50, "n": 40}, seeds=600)
    scheduler.wait_until(lambda: landed(database, experiment) > 50, "some runs have landed")
    kill(scheduler.workers()[0])
    before = landed(database, experiment)
    scheduler.wait_until(lambda: landed(database, experiment) > before + 50, "work goes on without the worker")
    before = set(scheduler.everything()) - {scheduler.supervisor.pid}
    done_before = _done(database)
    kill(scheduler.scheduler())
    scheduler.wait_until_ready(2)
    assert not [pid for pid in before if is_alive(pid)], "Ray has died with its scheduler"
    kept = _done(database)
    computed_before = Counter(computed.read_text().split())
    scheduler.wait_until(lambda: status(database, experiment).is_finished, "it has finished")
    assert landed(database, experiment) == 600
    assert done_before <= kept
    assert kept.isdisjoint(Counter(computed.read_text().split()) - computed_before), "what had landed is not done again"


def test_cancel_stops_what_runs_and_pause_holds_it(database: Database, scheduler: ServiceProcess) -> None:
    """Also of a run that does not listen: its worker is ended."""
    stubborn = submit_tiny(database, "stubborn", seeds=[computes.IGNORES_STOP])
    scheduler.wait_until(lambda: experiments.experiment(database, stubborn).counts.running == 1, "it runs")
    experiments.cancel(database, stubborn)
    scheduler.wait_until(lambda: states(database)[computes.IGNORES_STOP][0] == RunState.CANCELLED, "it has stopped")

    long = submit_tiny(database, "long", data={"k": 4, "d": 40, "n": 40}, seeds=1000)
    scheduler.wait_until(lambda: landed(database, long) > 0, "something has landed")
    experiments.pause(database, long)
    scheduler.wait_until(lambda: experiments.experiment(database, long).counts.running == 0, "nothing runs")
    assert 0 < landed(database, long) < 1000
    assert status(database, long) is ExperimentStatus.PAUSED

    experiments.resume(database, long)
    before = landed(database, long)
    scheduler.wait_until(lambda: landed(database, long) > before, "it goes on")
    experiments.cancel(database, long)
    scheduler.wait_until(lambda: RunState.LEASED not in {state for state, *_ in states(database).values()}, "it stops")
    assert status(database, long) is ExperimentStatus.CANCELLED
    assert before < landed(database, long) < 1000


def _done(database: Database) -> set[str]:
    """The keys of the runs that are done."""
    with database.reading() as session:
        return set(session.execute(select(runs.c.key).where(runs.c.state == RunState.DONE)).scalars())
