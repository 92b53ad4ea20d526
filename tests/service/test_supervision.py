"""The supervisor outlives what its machine does to it: no process to be had, nobody to read what it says."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.processes import child as children
from phaselab.service.processes import processes, supervisor
from phaselab.service.processes.child import LONGEST_PAUSE_SECONDS, Child, NoStart
from phaselab.service.processes.supervisor import Supervisor
from phaselab.service.verbs.readiness import readiness

Start = Callable[..., Any]


class Clock:
    """The module `time` for the supervisor alone, whose clock goes on when it is told to: one put into `time` itself
    would stop the timers of every event loop of this process."""

    sleep = staticmethod(time.sleep)

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    for module in (supervisor, children):
        monkeypatch.setattr(module, "time", found)
    return found


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EAGAIN, "Resource temporarily unavailable"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        OSError(errno.EMFILE, "Too many open files"),
        subprocess.SubprocessError("Exception occurred in preexec_fn."),
    ],
    ids=str,
)
def test_a_process_that_cannot_be_started_is_tried_again_later_and_later(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    asked: list[float] = []

    def start(*given: object) -> None:
        asked.append(clock.now)
        raise error

    monkeypatch.setattr(processes, "start", start)
    child, told = Child("scheduler", ["true"], {}), []
    for _ in range(3000):
        try:
            child.keep_alive()
        except NoStart as trouble:
            told.append(str(trouble))
        clock.now += 0.1
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert told == [f"the scheduler cannot be started just now: {error}; it is tried again"] * len(asked)
    assert pauses[0] == pytest.approx(0.25, abs=0.11)
    assert len(pauses) < 30, "no more often than that in five minutes"
    assert max(pauses) == pytest.approx(LONGEST_PAUSE_SECONDS, abs=0.11)


STARTS = """
import sys, time
time.sleep(0.5)
if sys.argv[1:]:
    open(int(sys.argv[2]), "w").write("started")
time.sleep(60)
"""
"""A process that tells that it has started where it is to, half a second after that."""


def test_who_dies_while_it_is_renewed_is_followed_by_its_successor_alone() -> None:
    child = Child("api", [sys.executable, "-c", STARTS], os.environ)
    try:
        child.keep_alive()
        child.renew(leave_seconds=5.0)
        old, successor = child.alive()
        old.kill()
        old.wait()
        assert child.keep_alive(), "a dead one is found"
        until = time.monotonic() + 30
        while child.process is not successor and time.monotonic() < until:
            child.keep_alive()
            assert [*child.alive()] == [successor], "nobody else is started"
            time.sleep(0.05)
        assert child.process is successor
    finally:
        child.end()
        child.wait(time.monotonic() + 5)


def test_it_is_told_until_the_process_has_started(
    database: Database, monkeypatch: pytest.MonkeyPatch, clock: Clock, capfd: pytest.CaptureFixture[str]
) -> None:
    url = database.url.render_as_string(hide_password=False).replace("+psycopg", "").replace("+pysqlite", "")
    kept = Supervisor(Configuration(database_url=url), with_api=False)
    (child,) = kept._children
    start: Start = processes.start

    def refuse(*given: object) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(processes, "start", refuse)
    kept._look_after(child)
    reason = readiness(database).reason
    assert reason is not None
    assert "the scheduler cannot be started just now" in reason
    assert reason in capfd.readouterr().err
    monkeypatch.setattr(processes, "start", lambda *given: start([sys.executable, "-c", ""], dict(os.environ)))
    clock.now += 60
    kept._look_after(child)
    assert child.process is not None
    assert "cannot be started" not in (readiness(database).reason or "")
    child.process.wait(30)


def test_a_note_that_cannot_be_written_is_not_tried_at_every_look(
    clock: Clock, tmp_path: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    kept = Supervisor(Configuration(database_url=f"sqlite:///{tmp_path}/none.db"), with_api=False)
    child = Child("scheduler", [sys.executable, "-c", "import time; time.sleep(30)"], os.environ)
    kept._troubled = frozenset({"scheduler"})
    try:
        for _ in range(60):  # twelve seconds
            kept._look_after(child)
            clock.now += 0.2
    finally:
        assert child.process is not None
        child.process.kill()
        child.process.wait()
    assert capfd.readouterr().err.count("it cannot be noted") == 3


def test_it_is_told_also_while_the_database_is_away(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    kept = Supervisor(Configuration(database_url=f"sqlite:///{tmp_path}/none.db"), with_api=False)

    def refuse(*given: object) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(processes, "start", refuse)
    kept._look_after(kept._children[0])
    told = capfd.readouterr().err
    assert "cannot be started just now" in told
    assert "it cannot be noted for /ready" in told


def test_nobody_has_to_read_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    broken = os.fdopen(writing, "w", buffering=1)
    monkeypatch.setattr(sys, "stderr", broken)
    children.tell("something")
    with pytest.raises(BrokenPipeError):
        broken.close()


def test_an_answer_that_is_none_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def half(*given: object, **more: object) -> None:
        raise supervisor.HTTPException("half an answer")

    monkeypatch.setattr(supervisor._direct, "open", half)
    assert not supervisor._answers("http://127.0.0.1:1")


def test_children_are_looked_for_without_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(processes.Path, "glob", full)
    assert list(processes.descendants(os.getpid())) == []
