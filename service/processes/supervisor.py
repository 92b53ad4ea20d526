"""The supervisor: starts api and scheduler, starts them again when they die, renews the api when it is asked to, and
leaves nothing behind."""

import os
import signal
import socket
import sys
import time
import urllib.request
from http.client import HTTPException
from types import FrameType

from phaselab.service.base.configuration import Configuration
from phaselab.service.base.errors import PortTaken
from phaselab.service.base.storage import Database, open_database
from phaselab.service.processes import processes
from phaselab.service.processes.child import Child, NoStart, tell
from phaselab.service.processes.environment import scheduler_environment
from phaselab.service.verbs.accounts import check_reach
from phaselab.service.verbs.readiness import note_trouble

API = "api"
POLL_SECONDS = 0.2
END_SECONDS = 8.0
"""How long a child may take to end before it is killed."""
NOTE_SECONDS = 5.0
"""Time before a note that could not be written is tried again."""
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks this machine's own addresses, for which the environment may name a proxy that does not know them."""


class Supervisor:
    """Keeps the scheduler alive and, unless `with_api` is false, the api too."""

    def __init__(self, configuration: Configuration, with_api: bool = True) -> None:
        self._configuration = configuration
        self._ending = self._renewing = False
        self._troubled: frozenset[str] = frozenset()
        self._note_again = 0.0
        self._url: str | None = None
        self._place: socket.socket | None = None
        scheduler = [sys.executable, "-P", "-m", "phaselab.service.processes.run_scheduler"]
        environment = scheduler_environment(os.environ, configuration.ray_address)
        self._children = [Child("scheduler", scheduler, environment)]
        if with_api:
            self._place = listening_at(configuration.host, configuration.port)
            host, port, file = configuration.host, self._place.getsockname()[1], self._place.fileno()
            self._url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            api = [sys.executable, "-P", "-m", "phaselab.api", "--host", host, "--port", str(port), "--fd", str(file)]
            self._children.insert(0, Child(API, api, os.environ, [file]))

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT. At SIGUSR1 another api takes the place of the one that runs, and nobody's
        request is lost. Raises OperatorFault when a child says that it cannot run."""
        signal.signal(signal.SIGUSR1, self._renew)
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        processes.adopt_orphans()
        self._check_database()
        awaited = self._url
        try:
            while not self._ending:
                for child in self._children:
                    self._look_after(child)
                if self._renewing:
                    self._renewing = False
                    self._renew_api()
                if awaited is not None and _answers(awaited):
                    tell(f"Phaselab at {awaited}", sys.stdout)
                    awaited = None
                time.sleep(POLL_SECONDS)
        finally:
            self._end_all()

    def _look_after(self, child: Child) -> None:
        try:
            if child.keep_alive():
                processes.kill_orphans(self._alive())
        except NoStart as error:
            tell(str(error))
            self._note(child, str(error))
            return
        if child.name in self._troubled and child.process is not None and time.monotonic() >= self._note_again:
            self._note(child, None)

    def _note(self, child: Child, trouble: str | None) -> None:
        """Let `/ready` tell why there is no scheduler, or that there is one again, as far as the database can be
        written to."""
        if child.name == API:  # without it nobody answers for it
            return
        try:
            database = Database(self._configuration.database_url, creates=False)
            try:
                note_trouble(database, trouble)
            finally:
                database.close()
        except Exception as error:  # noqa: BLE001 - the children come first
            tell(f"it cannot be noted for /ready: {error}")
            self._note_again = time.monotonic() + NOTE_SECONDS
            return
        self._troubled = self._troubled | {child.name} if trouble else self._troubled - {child.name}

    def _check_database(self) -> None:
        """Raises what would keep the children from running, before any is started."""
        database = open_database(self._configuration, creates=self._url is not None)
        try:
            if self._url is not None:
                check_reach(database, self._configuration)
        finally:
            database.close()

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._ending = True

    def _renew(self, _number: int, _frame: FrameType | None) -> None:
        self._renewing = True

    def _renew_api(self) -> None:
        for child in self._children:
            if child.name == API:
                try:
                    child.renew(self._configuration.drain_seconds + END_SECONDS)
                except NoStart as error:
                    tell(f"{error}; the old one goes on")

    def _alive(self) -> list[int]:
        return [process.pid for child in self._children for process in child.alive()]

    def _end_all(self) -> None:
        for child in self._children:
            child.end()
        until = time.monotonic() + END_SECONDS
        for child in self._children:
            child.wait(until)
        processes.kill_orphans(())
        if self._place is not None:
            self._place.close()


def listening_at(host: str, port: int) -> socket.socket:
    """A socket that holds the port, or a free one for 0. Raises PortTaken.

    The supervisor keeps it for as long as it runs, and every api listens on it: nobody else gets the port while an
    api starts, and who asks meanwhile waits for an answer.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    held = socket.socket(family)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        held.bind((host, port))
        held.listen()
    except OSError as error:
        held.close()
        raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror}; choose another --port") from None
    return held


def _answers(url: str) -> bool:
    try:
        with _direct.open(f"{url}/api/v1/health", timeout=1.0) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):  # nobody listens yet, or it answers with an error, or half
        return False
