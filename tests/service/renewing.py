"""The api of a service is renewed under clients, and what they met."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import experiments
from phaselab.service.verbs import experiments as verbs
from tests.faults.harness import ROOT, ServiceProcess, submit_tiny
from tests.service.asking import CLIENTS, Met


class Asking:
    """The clients, and what they have met so far."""

    def __init__(self, url: str, followed: int) -> None:
        command = [sys.executable, "-P", "-m", "tests.service.asking", url, str(followed)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        self._process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.met = Met()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            self.met = Met(**(told | {"answers": Counter(told["answers"])}))

    def end(self) -> None:
        """Let them leave."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._reading.join(90)
        assert self._process.wait(10) == 0
        self._process.stdout.close()


@contextmanager
def clients(url: str, followed: int) -> Iterator[Asking]:
    """Two hundred of them ask, and one follows an experiment that does not end."""
    asking = Asking(url, followed)
    try:
        yield asking
    finally:
        asking.end()


def renewed(service: ServiceProcess, database: Database, times: int) -> None:
    """Renew the api so many times under two hundred clients, and see what they met."""
    followed = submit_tiny(database, "followed", seeds=3)
    verbs.pause(database, followed)
    with clients(service.url(), followed) as asking:
        service.wait_until(lambda: asking.met.answers["200"] > CLIENTS, "they ask")
        for _ in range(times):
            renew(service)
        asked = asking.met.answers.total()
        service.wait_until(lambda: asking.met.answers.total() > asked + CLIENTS, "they go on")
    met = asking.met
    assert not met.lost, met.lost[:5]
    assert set(met.answers) == {"200", "201"}
    assert met.returns > times, "the stream ended as a whole each time, and once with its client"
    with database.reading() as session:
        names = session.execute(select(experiments.c.name).where(experiments.c.name.like("renewed %"))).scalars().all()
    assert Counter(names) == Counter(met.taken), "each submission is there once"


def renew(service: ServiceProcess) -> None:
    """Renew it, and wait until the old one has left."""
    old, told = service.api(), service.log().count("api renewed")
    service.supervisor.send_signal(signal.SIGUSR1)
    service.wait_until(lambda: service.log().count("api renewed") > told, "there is a new api")
    service.wait_until(lambda: old not in service.everything(), "the old one has left")
