"""Experiments through the scheduler, with real Ray, a real database and the real computing code."""

import contextlib
import json
import os
import re
import stat
import sys
from pathlib import Path

import pytest

from phaselab.db.schema.database import Database
from phaselab.domain.results.states import ExperimentStatus
from phaselab.service.processes import processes
from phaselab.service.scheduling.ray_session import TEMP_PREFIX
from phaselab.service.verbs import experiments
from phaselab.service.verbs.submit import submit
from tests.faults.harness import TINY, ServiceProcess, status, submit_tiny
from tests.service.receiver import Receiver


def told(receiver: Receiver) -> list[int]:
    """The experiments whose ends were told."""
    return [json.loads(one[2])["experiment"]["id"] for one in receiver.got]


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
    service.wait_until(lambda: experiment in told(service_receiver), "the end is told")


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


def listens(pid: int) -> dict[str, str]:
    """Addresses, as in /proc/net, on which a process listens, and their ports."""
    own = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                address, port = fields[1].split(":")
                found[port] = address
    return found


LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_nothing_of_it_listens_where_others_reach_it_or_lies_open_to_them(service: ServiceProcess) -> None:
    seen: dict[str, str] = {}
    umasks: dict[str, str] = {}
    for pid in processes.descendants(service.supervisor.pid):
        with contextlib.suppress(OSError):  # it ended while we looked
            seen |= listens(pid)
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            umasks[command] = re.findall(r"^Umask:\s*(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[0]
    workers = {umask for command, umask in umasks.items() if "run_scheduler" in command or command.startswith("ray::")}
    assert workers == {"0077"}, "what they write is for the owner alone"
    assert len(seen) > 3, "the api's, and Ray's"
    assert set(seen.values()) <= LOOPBACK
    folders = [folder for folder in Path("/tmp").glob(f"{TEMP_PREFIX}*") if folder.stat().st_uid == os.getuid()]
    assert folders
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
