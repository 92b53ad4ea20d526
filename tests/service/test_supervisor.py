"""The service as a user starts it: `python -m service serve`."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.database import Database
from service import processes
from tests.faults.harness import ROOT, command_of, is_alive, kill, status, submit_tiny, wait_until


class Service:
    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.environment = os.environ | {
            "PHASELAB_DATABASE_URL": f"sqlite:///{folder}/phaselab.db",
            "PHASELAB_CPUS": "1",
            "PHASELAB_COMPUTE": "tests.faults.computes:ready",
            "PYTHONPATH": str(ROOT),
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service", "serve", "--port", "0"],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        self.wait_for("Phaselab at http://127.0.0.1:")
        self.url = self.log.read_text().partition("Phaselab at ")[2].split()[0]

    def wait_for(self, text: str, times: int = 1) -> None:
        def found() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return self.log.read_text().count(text) >= times

        wait_until(found, f"the log says {text}", 60, self.log.read_text)

    def everything(self) -> list[int]:
        return [*processes.descendants(self.process.pid), self.process.pid]

    def child(self, command: str) -> int:
        return next(pid for pid in self.everything() if command in command_of(pid).replace("\0", " "))

    def health(self) -> object:
        with urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("service"))
    yield service
    for pid in service.everything():
        if service.process.poll() is None:
            kill(pid)
    service.process.wait()


def test_the_api_answers_on_the_address_that_was_told(service: Service) -> None:
    assert service.health()


def test_what_dies_is_started_again(service: Service) -> None:
    service.wait_for("scheduler ready")
    old = {service.child("-m api"), service.child("service.run_scheduler")}
    for pid in old:
        kill(pid)
    service.wait_for("api ended (signal SIGKILL); it is started again")
    service.wait_for("scheduler ended (signal SIGKILL); it is started again")
    service.wait_for("scheduler ready", times=2)
    database = Database(service.environment["PHASELAB_DATABASE_URL"])
    experiment = submit_tiny(database, "after the deaths", seeds=3)
    wait_until(lambda: status(database, experiment).is_finished, "it has finished")
    database.close()
    assert service.health()
    assert old.isdisjoint(service.everything())


def test_a_second_scheduler_stands_by(service: Service) -> None:
    second = subprocess.Popen(
        [sys.executable, "-m", "service", "scheduler"],
        env=service.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(6)
        ray = [pid for pid in processes.descendants(second.pid) if "raylet" in command_of(pid)]
        assert ray == [], "it has not started Ray, for it does not lead"
    finally:
        second.send_signal(signal.SIGTERM)
        said, _ = second.communicate(timeout=20)
    assert "scheduler ready" not in said


def test_the_port_is_told_when_it_is_taken(service: Service) -> None:
    port = service.url.rpartition(":")[2]
    ended = subprocess.run(
        [sys.executable, "-m", "service", "serve", "--port", port],
        env=service.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"phaselab: cannot listen on 127.0.0.1:{port}: Address already in use")


def test_sigterm_ends_everything(service: Service) -> None:
    everything = service.everything()
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(20) == 0
    wait_until(lambda: not any(is_alive(pid) for pid in everything), "all processes have ended", 5)
