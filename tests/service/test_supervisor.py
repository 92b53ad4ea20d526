"""The service as a user starts it: `phaselab serve`. The last test ends it."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from phaselab.db.schema.database import Database
from phaselab.service.processes import processes
from phaselab.service.verbs import experiments
from tests.faults.harness import ROOT, ServiceProcess, command_of, is_alive, kill, landed, status, submit_tiny


def health(service: ServiceProcess) -> object:
    with urllib.request.urlopen(f"{service.url()}/api/v1/health", timeout=60) as answer:
        return json.load(answer)


def answers(service: ServiceProcess) -> bool:
    try:
        return bool(health(service))
    except OSError:
        return False


def test_the_api_answers_on_the_address_that_was_told(service: ServiceProcess) -> None:
    assert health(service)


def test_what_dies_is_started_again(service: ServiceProcess, service_database: Database) -> None:
    old = {service.api(), service.scheduler()}
    for pid in old:
        kill(pid)
    assert health(service), "the port stays the service's: who asks while no api runs waits for the next one"
    for name in ("api", "scheduler"):
        said = f"{name} ended (signal SIGKILL); it is started again"
        service.wait_until(lambda said=said: said in service.log(), said)
    service.wait_until_ready(2)
    experiment = submit_tiny(service_database, "after the deaths", seeds=[77, 78])
    service.wait_until(lambda: status(service_database, experiment).is_finished, "it has finished")
    service.wait_until(lambda: answers(service), "the api answers again")
    assert old.isdisjoint(service.everything())


def test_a_second_scheduler_stands_by(service: ServiceProcess) -> None:
    second = subprocess.Popen(
        [sys.executable, "-P", "-m", "phaselab.service", "scheduler"],
        env=service.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert second.stdout is not None
        assert "this one stands by" in second.stdout.readline()
        ray = [pid for pid in processes.descendants(second.pid) if "raylet" in command_of(pid)]
        assert ray == [], "it has not started Ray, for it does not lead"
    finally:
        second.send_signal(signal.SIGTERM)
        said, _ = second.communicate(timeout=20)
    assert "scheduler ready" not in said


def test_the_port_is_told_when_it_is_taken(service: ServiceProcess) -> None:
    port = service.url().rpartition(":")[2]
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "phaselab.service", "serve", "--port", port],
        env=service.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"phaselab: cannot listen on 127.0.0.1:{port}: Address already in use")


def test_sigterm_ends_everything_cleanly(service: ServiceProcess, service_database: Database) -> None:
    experiment = submit_tiny(service_database, "ended", data={"k": 4, "d": 33, "n": 40}, seeds=3000)
    service.wait_until(lambda: landed(service_database, experiment) > 0, "something has landed")
    everything, scheduler = service.everything(), service.scheduler()
    assert service.end() == 0
    assert [pid for pid in everything if is_alive(pid)] == []
    assert not list(Path("/tmp").glob(f"phaselab-ray-{scheduler}-*"))
    view = experiments.experiment(service_database, experiment)
    assert view.counts.running == 0
    assert 0 < view.counts.done < 3000
    experiments.cancel(service_database, experiment)  # whoever starts the service again has no use for the rest
