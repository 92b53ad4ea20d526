"""What happens when something dies: with real Ray and computing code that misbehaves on order."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sqlalchemy import select

from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import runs
from phaselab.db.schema.upgrade import upgrade
from phaselab.domain.results.results import RunResult
from phaselab.domain.results.states import ExperimentStatus, RunState, Stage
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import Stack
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec
from phaselab.service.base.configuration import Configuration
from phaselab.service.processes import processes
from phaselab.service.verbs import experiments
from phaselab.service.verbs import runs as run_verbs
from phaselab.service.verbs.overview import overview
from phaselab.workers.trial.run_stack import run_stack
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

RESNET: dict[str, Any] = {
    "data": {"source": "digits", "n": 100, "normalization": "standard"},
    "network": {"kind": "resnet18", "width": 4},
    "training": {"optimizer": "nesterov", "learning_rate": 0.1, "steps": 80, "batch_size": 50},
    "attack": {"test_points": 30, "radii": [0, 0.5, 1], "steps": 5, "methods": ["pgd", "pgd_native"]},
    "seeds": [7],
}


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As many computing threads as a trial has, for sums are rounded in another order by more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
        computes.STEPS: str(folder / "steps"),
        computes.SECONDS: "0.01",
        "PHASELAB_CHECKPOINT_DIR": str(folder / "checkpoints"),
    }
    command = ("serve", "--port", "0")
    scheduler = ServiceProcess(str(database.url), folder / "scheduler.log", command, **variables)
    yield scheduler
    scheduler.kill_everything()


def test_faulty_runs_fail_alone(database: Database, scheduler: ServiceProcess) -> None:
    """A run that kills its worker, one that raises and one that fails: each a failed run, all others done."""
    faulty = [computes.DIES, computes.RAISES, computes.FAILS]
    experiment = submit_tiny(database, "faulty", seeds=[*range(6), *faulty])
    scheduler.wait_until(lambda: status(database, experiment).is_finished, "it has finished")
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
    before = [*processes.descendants(scheduler.scheduler()), scheduler.scheduler()]
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


def computing(database: Database) -> set[int | None]:
    """The experiments of which trials compute stacks, on nodes that are there, as the overview has it."""
    seen = overview(database, Configuration())
    there = {one.node.id for one in seen.nodes}
    return {one.experiment_id for one in seen.trials if one.node_id in there and seen.lead.leads}


def test_cancel_stops_what_runs_and_pause_holds_it(database: Database, scheduler: ServiceProcess) -> None:
    """Also of a run that does not listen: its worker is ended."""
    stubborn = submit_tiny(database, "stubborn", seeds=[computes.IGNORES_STOP])
    scheduler.wait_until(lambda: experiments.experiment(database, stubborn).counts.running == 1, "it runs")
    scheduler.wait_until(lambda: stubborn in computing(database), "everyone sees which trial computes it")
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


def test_when_everything_is_killed_nothing_that_had_landed_is_computed_again(
    database: Database, scheduler: ServiceProcess, computed: Path
) -> None:
    """Supervisor, api, scheduler, Ray and workers, by SIGKILL; what is started next goes on by itself."""
    experiment = submit_tiny(database, "all killed", data={"k": 4, "d": 60, "n": 40}, seeds=400)
    scheduler.wait_until(lambda: landed(database, experiment) > 50, "some runs have landed")
    before = scheduler.everything()
    scheduler.kill_everything()
    assert len(before) > 6
    scheduler.wait_until(lambda: not any(map(is_alive, before)), "all are dead")
    kept, computed_before = _done(database), Counter(computed.read_text().split())
    assert 50 < landed(database, experiment) < 400
    scheduler.start()
    scheduler.wait_until(lambda: status(database, experiment).is_finished, "it has finished")
    assert landed(database, experiment) == 400
    assert kept.isdisjoint(Counter(computed.read_text().split()) - computed_before)


def test_a_training_whose_worker_is_killed_goes_on_where_it_was(
    database: Database, scheduler: ServiceProcess, folder: Path, one_thread: None
) -> None:
    """And shows how far it is while it runs."""
    experiment = submit_tiny(database, "long", **RESNET)

    def share(stage: Stage) -> float:
        return max((one.share for one in _view(database, experiment).progress if one.stage is stage), default=0)

    scheduler.wait_until(lambda: share(Stage.TRAINING) > 0.2, "it shows how far the training is")
    steps_before = _steps(folder)
    for worker in scheduler.workers():
        kill(worker)
    scheduler.wait_until(lambda: status(database, experiment).is_finished, "it has finished")
    assert _view(database, experiment).progress == ()
    steps = _steps(folder)
    assert 10 < len(steps_before) < len(steps)
    assert steps[-1] == RESNET["training"]["steps"]
    assert steps == sorted(set(steps)), "no step is made twice"
    run = Run.of(plan(parse_spec({"name": "long"} | RESNET)).points[0].settings, RESNET["seeds"][0])
    (whole,) = run_stack(Stack((run,)))
    stored = run_verbs.run(database, run.key).stored
    assert isinstance(whole, RunResult)
    assert {name: value for name, value in stored.row.measures.items() if name in whole.measures} == whole.measures
    assert stored.arrays is not None
    for mine, other in zip(stored.arrays.curves, whole.curves, strict=True):
        assert np.array_equal(mine.accuracy, other.accuracy)


def _view(database: Database, experiment: int) -> experiments.ExperimentView:
    return experiments.experiment(database, experiment)


def _steps(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "steps").read_text().split()]


def _done(database: Database) -> set[str]:
    """The keys of the runs that are done."""
    with database.reading() as session:
        return set(session.execute(select(runs.c.key).where(runs.c.state == RunState.DONE)).scalars())
