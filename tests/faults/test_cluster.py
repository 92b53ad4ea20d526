"""A Ray cluster of several nodes, each its own processes, PostgreSQL, and a node that is killed half way."""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from phaselab.db.schema.database import Database
from phaselab.domain.results.states import ExperimentStatus
from phaselab.service.base.errors import PortTaken
from phaselab.service.processes import processes
from phaselab.service.processes.supervisor import listening_at
from tests.faults import computes
from tests.faults.harness import ROOT, ServiceProcess, kill, landed, status, submit_tiny

RAY = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "5e" * 32, "RAY_USAGE_STATS_ENABLED": "0"}


def _port_that_nobody_is_given() -> int:
    """A free port below those that systems deal out, so that it is still free when Ray listens there."""
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(PortTaken), listening_at("127.0.0.1", port):
            return port
    raise AssertionError("no port is free")


class Cluster:
    """Ray nodes on this machine, each killed with everything under it at the end."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self.address = f"{host}:{_port_that_nobody_is_given()}"
        self._log = folder / "ray.log"
        self.variables = RAY | {"PHASELAB_COMPUTE": "tests.faults.computes:ready", computes.SECONDS: "0.01"}
        port = self.address.partition(":")[2]
        own = ("--head", f"--port={port}", f"--node-ip-address={host}", "--include-dashboard=false")
        self._nodes = [self._start(*own, f"--temp-dir={folder}/r", "--num-cpus=0")]

    def join(self) -> subprocess.Popen[bytes]:
        """A new node of one CPU."""
        node = self._start(f"--address={self.address}", "--num-cpus=1")
        self._nodes.append(node)
        return node

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [str(Path(sys.executable).parent / "ray"), "start", "--block", *arguments]
        before = self._log.read_text().count("Ray runtime started") if self._log.exists() else 0
        with self._log.open("ab") as log:
            node = subprocess.Popen(
                [*command, "--object-store-memory=100000000"],
                env=os.environ | self.variables | {"PYTHONPATH": str(ROOT)},
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + 60
        while self._log.read_text().count("Ray runtime started") <= before:
            assert time.monotonic() < until, self._log.read_text()
            time.sleep(0.1)
        return node

    @staticmethod
    def kill(node: subprocess.Popen[bytes]) -> None:
        """SIGKILL to a node and everything under it."""
        for pid in [*processes.descendants(node.pid), node.pid]:
            kill(pid)
        node.wait()

    def end(self) -> None:
        for node in reversed(self._nodes):
            self.kill(node)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:  # sockets need a short path
        cluster = Cluster(Path(folder))
        yield cluster
        cluster.end()


def test_nodes_leave_and_join_while_an_experiment_runs(cluster: Cluster, postgresql_url: str, tmp_path: Path) -> None:
    database = Database(postgresql_url)
    node = cluster.join()
    service = ServiceProcess(
        postgresql_url,
        tmp_path / "service.log",
        PHASELAB_RAY_ADDRESS=cluster.address,
        PHASELAB_STACK_SECONDS="0.3",
        **cluster.variables,
    )
    try:
        experiment = submit_tiny(database, "on a cluster", seeds=200)
        service.wait_until(lambda: landed(database, experiment) > 20, "some runs have landed")
        cluster.kill(node)
        cluster.join()
        service.wait_until(lambda: status(database, experiment).is_finished, "it has finished", 90)
        assert status(database, experiment) is ExperimentStatus.FINISHED
        assert landed(database, experiment) == 200
        assert service.end() == 0
    finally:
        service.kill_everything()
        database.close()
