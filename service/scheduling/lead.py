"""The lead: one scheduler at a time works on a database; others stand by."""

import logging
import os
import secrets
import socket
import threading
from pathlib import Path

from phaselab.db.queue import leadership
from phaselab.db.schema.away import DatabaseAway
from phaselab.db.schema.database import Database
from phaselab.domain.settings.faults import OperatorFault
from phaselab.service.scheduling.watchdog import Watchdog

STAND_BY_SECONDS = 0.5
log = logging.getLogger(__name__)


class Lead:
    """The leader lock in the database, held under a name that tells machine and process."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self._given_up = threading.Event()
        self._holder = f"{_place()}/{os.getpid()}/{_started(os.getpid())}"

    def wait(self, stopping: threading.Event) -> bool:
        """Stand by until the lock is ours; False when `stopping` came first."""
        told = False
        while not stopping.is_set():
            try:
                with self._database.transaction() as session:
                    other = leadership.holder_of(session)
                    if other is not None and is_dead(other):
                        leadership.release(session, other)
                    if leadership.acquire(session, self._holder, self._seconds):
                        return True
                if not told:
                    print(f"another scheduler leads ({other}); this one stands by", flush=True)
                    told = True
            except DatabaseAway:
                pass
            stopping.wait(STAND_BY_SECONDS)
        return False

    def keep(self, watchdog: Watchdog) -> None:
        """Renew the lock from now on, in a thread; when it cannot be renewed in time the watchdog ends the process,
        before another scheduler may start."""
        watchdog.expect("the leader lock", self._seconds * 0.8)
        threading.Thread(target=self._renew, args=(watchdog,), name="lead", daemon=True).start()

    def give_up(self) -> None:
        """Free the lock for the next scheduler."""
        self._given_up.set()
        with self._database.transaction() as session:
            leadership.release(session, self._holder)

    def works(self) -> None:
        """Tell that the scheduler does what it is for."""
        with self._database.transaction() as session:
            leadership.end_trouble(session)

    def fails(self, error: Exception) -> None:
        """Tell everyone why it does not, as far as that can be told: an OperatorFault whole, of a bug its kind."""
        told = str(error) if isinstance(error, OperatorFault) else f"a bug ({type(error).__name__}), see its log"
        try:
            with self._database.transaction() as session:
                leadership.note_trouble(session, f"the scheduler ended: {told}")
        except Exception:
            log.exception("why the scheduler ends cannot be written down")

    def _renew(self, watchdog: Watchdog) -> None:
        while not self._given_up.wait(self._seconds / 5):
            try:
                with self._database.transaction(alone=False) as session:
                    renewed = leadership.renew(session, self._holder, self._seconds)
            except DatabaseAway:
                continue
            except Exception:  # the watchdog judges whether it lasts
                log.exception("the leader lock was not renewed")
                continue
            if renewed:
                watchdog.beat("the leader lock")
        watchdog.forget("the leader lock")


def is_dead(holder: str) -> bool:
    """Whether a holder is a process of this machine that has ended; False when that cannot be known from here."""
    place, _, process = holder.partition("/")
    pid, _, started = process.partition("/")
    return place == _place() and pid.isdecimal() and started != "" and _started(int(pid)) != started


def _place() -> str:
    """This machine and its space of process numbers (a container has its own); a name that no other place has."""
    try:
        return f"{socket.gethostname()}:{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return f"{socket.gethostname()}:{secrets.token_hex(8)}"


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot, which tells it from a later one of the same number; empty
    when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""
