"""A scheduler process for tests, and questions to its database."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import runs
from phaselab.domain.results.states import ExperimentStatus
from phaselab.service.processes import processes
from phaselab.service.verbs import experiments
from phaselab.service.verbs.submit import submit

ROOT = Path(__file__).parents[2]
API, SCHEDULER = "-m phaselab.api", "phaselab.service.processes.run_scheduler"
"""What the command lines of the service's processes say."""
TINY = {
    "data": {"k": 4, "d": 32, "n": 40},
    "training": {"steps": 5},
    "attack": {"test_points": 20, "radii": [0, 1, 2], "steps": 5},
}


class ServiceProcess:
    """`phaselab scheduler` (or `serve`) on a database of its own: a supervisor and what it starts."""

    def __init__(
        self,
        database_url: str,
        log: Path,
        command: Sequence[str] = ("scheduler",),
        folder: Path = ROOT,
        **variables: str,
    ) -> None:
        self._log = log
        self._folder = folder
        own = {
            "PHASELAB_DATABASE_URL": database_url,
            "PHASELAB_CPUS": "2",
            "PHASELAB_IDLE_SECONDS": "30",
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }
        self.environment = os.environ | own | variables
        self._command = [sys.executable, "-P", "-m", "phaselab.service", *command]
        self.start()

    def start(self) -> None:
        """Start it, or, after it was killed, start it again."""
        before = self.log().count("scheduler ready") if self._log.exists() else 0
        with self._log.open("ab") as written:
            self.supervisor = subprocess.Popen(
                self._command, env=self.environment, cwd=self._folder, stdout=written, stderr=written
            )
        self.wait_until_ready(before + 1)

    def wait_until_ready(self, times: int) -> None:
        """Wait until schedulers have got ready so many times in all."""
        self.wait_until(lambda: self.log().count("scheduler ready") >= times, "the scheduler is ready")

    def log(self) -> str:
        return self._log.read_text()

    def everything(self) -> list[int]:
        """The supervisor's process and everything under it."""
        return [*processes.descendants(self.supervisor.pid), self.supervisor.pid]

    def url(self) -> str:
        """Where its api listens."""
        self.wait_until(lambda: "Phaselab at http://127.0.0.1:" in self.log(), "the api listens")
        return self.log().rpartition("Phaselab at ")[2].split()[0]

    def children(self, command: str) -> list[int]:
        """The processes under the supervisor whose command line says so."""
        found = (pid for pid in self.everything() if pid != self.supervisor.pid)
        return [pid for pid in found if command in command_of(pid).replace("\0", " ")]

    def scheduler(self) -> int:
        """The scheduler's process."""
        return self.children(SCHEDULER)[0]

    def api(self) -> int:
        """The api's process."""
        return self.children(API)[0]

    def workers(self) -> list[int]:
        """The processes of its trials."""
        return [pid for pid in self.everything() if "ResourceTr" in command_of(pid)]

    def kill_child(self, command: str) -> bool:
        """SIGKILL to a process under the supervisor whose command line says so; False if there is none now."""
        for pid in self.children(command)[:1]:
            kill(pid)
            return True
        return False

    def end(self) -> int:
        """SIGTERM to the supervisor, and its exit code."""
        self.supervisor.send_signal(signal.SIGTERM)
        return self.supervisor.wait(30)

    def kill_everything(self) -> None:
        if self.supervisor.poll() is None:
            for pid in reversed(self.everything()):
                kill(pid)
            self.supervisor.wait()

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
        wait_until(condition, what, seconds, lambda: f"supervisor: {self.supervisor.poll()}, log: {self.log()[-3000:]}")


def wait_until(
    condition: Callable[[], bool], what: str, seconds: float = 120, more: Callable[[], str] = lambda: ""
) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited in vain until {what}; {more()}"
        time.sleep(0.05)


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is only not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def submit_tiny(database: Database, name: str, owner: str = "ada", **changes: Any) -> int:
    """Submit a small experiment: what `changes` says, over TINY. Returns its id."""
    return submit(database, {"name": name} | TINY | changes, owner).id


def status(database: Database, experiment: int) -> ExperimentStatus:
    return experiments.experiment(database, experiment).row.status


def landed(database: Database, experiment: int) -> int:
    return experiments.experiment(database, experiment).counts.done


def states(database: Database) -> Mapping[int, tuple[str, str | None, str | None]]:
    """(state, reason, traceback) of every run, by seed."""
    with database.reading() as session:
        rows = session.execute(select(runs.c.seed, runs.c.state, runs.c.reason, runs.c.traceback)).all()
    return {seed: (state, reason, trace) for seed, state, reason, trace in rows}
