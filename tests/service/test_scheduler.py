"""The scheduler as a process, with real Ray, a real database and the real computing code."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.database import Database
from db.upgrade import upgrade
from domain.states import ExperimentStatus
from service import experiments
from tests.faults.harness import ServiceProcess, is_alive, landed, status, submit_tiny


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('scheduler')}/phaselab.db")
    upgrade(database)
    yield database
    database.close()


@pytest.fixture(scope="module")
def scheduler(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    log = tmp_path_factory.mktemp("log") / "scheduler.log"
    scheduler = ServiceProcess(str(database.url), log)
    yield scheduler
    scheduler.kill_everything()


def test_an_experiment_runs_to_its_end(database: Database, scheduler: ServiceProcess) -> None:
    experiment = submit_tiny(database, "whole", sweep={"network.init_scale": [1e-5, 1e-3, 1e-1, 0.5, 1.0]}, seeds=10)
    scheduler.wait_until(lambda: status(database, experiment).is_finished, "it has finished")
    counts = experiments.experiment(database, experiment).counts
    assert (counts.total, counts.done, counts.failed, counts.running) == (50, 50, 0, 0)
    assert status(database, experiment) is ExperimentStatus.FINISHED


def test_a_run_that_diverges_is_a_failed_run_and_harms_no_other(database: Database, scheduler: ServiceProcess) -> None:
    sweep = {"training.learning_rate": [1e-3, 1e6], "training.optimizer": ["momentum"]}
    training = {"steps": 300, "weight_decay": 10.0}
    experiment = submit_tiny(database, "diverges", training=training, sweep=sweep, seeds=3)
    scheduler.wait_until(lambda: status(database, experiment).is_finished, "it has finished")
    assert status(database, experiment) is ExperimentStatus.FINISHED_WITH_FAILURES
    counts = experiments.experiment(database, experiment).counts
    assert (counts.done, counts.failed) == (3, 3)


def test_sigterm_ends_it_cleanly(database: Database, scheduler: ServiceProcess) -> None:
    experiment = submit_tiny(database, "ended", data={"k": 4, "d": 33, "n": 40}, seeds=3000)
    scheduler.wait_until(lambda: landed(database, experiment) > 0, "something has landed")
    everything, process = scheduler.everything(), scheduler.scheduler()
    assert scheduler.end() == 0
    assert [pid for pid in everything if is_alive(pid)] == []
    assert not list(Path("/tmp").glob(f"phaselab-ray-{process}-*"))
    view = experiments.experiment(database, experiment)
    assert view.counts.running == 0
    assert 0 < view.counts.done < 3000
