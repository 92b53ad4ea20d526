"""Processes: a child that cannot outlive its parent, and everything that descends from one."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def adopt_orphans() -> None:
    """From now on, descendants whose parent dies become children of this process (Linux), so that it can end them."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def start(command: Sequence[str], environment: Mapping[str, str], files: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, which gets SIGTERM when this process dies, however it dies. It is given
    the open `files`, by their numbers."""
    return subprocess.Popen(
        command, env=dict(environment), start_new_session=True, preexec_fn=_die_with_parent, pass_fds=files
    )


def _die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def descendants(pid: int, spared: Collection[int] = ()) -> Iterator[int]:
    """Every process under `pid`, less the `spared` ones and what is under them. Linux; elsewhere none."""
    for child in _children(pid):
        if child not in spared:
            yield from descendants(child, spared)
            yield child


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):  # it ended while we looked, or no more files can be opened: the next look finds the rest
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, task.read_text().split())
    return found


def kill_orphans(spared: Collection[int]) -> None:
    """End every descendant of this process but the `spared` ones and what is under them, and forget the dead."""
    for pid in list(descendants(os.getpid(), spared)):
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)
        except (ProcessLookupError, ChildProcessError, PermissionError):
            continue  # it has ended, or is the child of another one that ends
