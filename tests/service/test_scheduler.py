"""Experiments through the scheduler, with real Ray, a real database and the real computing code."""

import json

from phaselab.db.schema.database import Database
from phaselab.domain.results.states import ExperimentStatus
from phaselab.service.verbs import experiments
from phaselab.service.verbs.submit import submit
from tests.faults.harness import TINY, ServiceProcess, status, submit_tiny
from tests.service.receiver import Receiver


def test_an_experiment_runs_to_its_end_and_tells_it(
    service_database: Database, service: ServiceProcess, service_receiver: Receiver
) -> None:
    sweep = {"network.init_scale": [1e-5, 1e-3, 1e-1, 0.5, 1.0]}
    spec = {"name": "whole", "sweep": sweep, "seeds": 10, "notify": service_receiver.url} | TINY
    experiment = submit(service_database, spec, "ada", notify_allow=(service_receiver.url,)).id
    service.wait_until(lambda: status(service_database, experiment).is_finished, "it has finished")
    counts = experiments.experiment(service_database, experiment).counts
    assert (counts.total, counts.done, counts.failed, counts.running) == (50, 50, 0, 0)
    assert status(service_database, experiment) is ExperimentStatus.FINISHED
    service.wait_until(lambda: len(service_receiver.got) > 0, "the end is told")
    assert json.loads(service_receiver.got[0][2])["experiment"]["id"] == experiment


def test_a_run_that_diverges_is_a_failed_run_and_harms_no_other(
    service_database: Database, service: ServiceProcess
) -> None:
    sweep = {"training.learning_rate": [1e-3, 1e6], "training.optimizer": ["momentum"]}
    training = {"steps": 300, "weight_decay": 10.0}
    experiment = submit_tiny(service_database, "diverges", training=training, sweep=sweep, seeds=3)
    service.wait_until(lambda: status(service_database, experiment).is_finished, "it has finished")
    assert status(service_database, experiment) is ExperimentStatus.FINISHED_WITH_FAILURES
    counts = experiments.experiment(service_database, experiment).counts
    assert (counts.done, counts.failed) == (3, 3)
