"""The service as a user starts it: `phaselab serve`. The last test ends it."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from http.client import HTTPConnection
from pathlib import Path

from phaselab.db.schema.database import Database
from phaselab.service.processes import processes
from phaselab.service.processes.supervisor import listening_at
from phaselab.service.verbs import experiments
from tests.faults.harness import (
    API,
    ROOT,
    ServiceProcess,
    command_of,
    is_alive,
    kill,
    landed,
    status,
    submit_tiny,
    wait_until,
)
from tests.service.renewing import renewed


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


def test_the_api_is_renewed_under_two_hundred_clients(service: ServiceProcess, service_database: Database) -> None:
    renewed(service, service_database, times=1)


def test_an_api_that_cannot_start_takes_nobody_s_place(service: ServiceProcess) -> None:
    old = service.api()
    service.supervisor.send_signal(signal.SIGUSR1)
    service.wait_until(lambda: len(service.children(API)) > 1, "another one is started")
    kill(max(service.children(API)))
    said = "the new api ended (signal SIGKILL) before it had started; the old one goes on"
    service.wait_until(lambda: said in service.log(), said)
    assert service.children(API) == [old]


def test_an_api_alone_answers_at_its_end_what_comes_on_open_connections(sqlite_url: str, tmp_path: Path) -> None:
    with listening_at("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-P", "-m", "phaselab.api", "--port", str(port)]
    api = subprocess.Popen(command, env=os.environ | {"PHASELAB_DATABASE_URL": sqlite_url}, cwd=tmp_path)
    asking = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        wait_until(lambda: _status(asking) == (200, None), "it answers")
        api.terminate()
        wait_until(lambda: not _listens(port), "it takes no more connections")
        assert _status(asking) == (200, "close")
        assert api.wait(30) == 0
    finally:
        api.kill()
        api.wait()
        asking.close()


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


def _status(asking: HTTPConnection) -> tuple[int, str | None]:
    try:
        asking.request("GET", "/api/v1/health")
        answer = asking.getresponse()
    except OSError:
        asking.close()
        return 0, None
    answer.read()
    return answer.status, answer.getheader("connection")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
