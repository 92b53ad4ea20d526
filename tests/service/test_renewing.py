"""The api is renewed while it is asked: nobody's request is lost, and nothing is done twice. The long form is one of
`tests/faults/test_chaos.py`."""

import os
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

from phaselab.db.schema.database import Database
from phaselab.service.processes.supervisor import listening_at
from tests.faults.harness import API, ServiceProcess, kill, wait_until
from tests.service.renewing import renewed


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
