"""A real server in a process of its own, and what its answers cost: wall time, its CPU time, its peak memory."""

import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

REPEATS = 15
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """Median wall milliseconds of an answer at the client, and the server's mean CPU milliseconds."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.0f} ms ({self.cpu:.0f} of CPU)"


@dataclass(frozen=True)
class Download:
    """A whole answer, streamed: seconds, the server's CPU seconds, megabytes, and the server's own resident memory
    before it and at its peak, in megabytes, less pages of files (SQLite maps the database)."""

    seconds: float
    cpu: float
    size: float
    before: float
    peak: float

    def __str__(self) -> str:
        spent = f"{self.seconds:.1f} s ({self.cpu:.1f} of CPU), {self.size:.0f} MB"
        return f"{spent}; memory {self.before:.0f} -> {self.peak:.0f} MB"


class Server:
    """A running server."""

    def __init__(self, process: int, client: httpx.Client) -> None:
        self._process = process
        self.http = client

    def cost(self, path: str, parameters: Sequence[tuple[str, str]] = ()) -> Cost:
        """What an answer costs once the server is warm. Raises httpx.HTTPStatusError when it is no good answer."""
        self.http.get(path, params=list(parameters)).raise_for_status()
        used, walls = self.cpu_seconds(), []
        for _ in range(REPEATS):
            start = time.perf_counter()
            self.http.get(path, params=list(parameters)).raise_for_status()
            walls.append(time.perf_counter() - start)
        return Cost(1000 * statistics.median(walls), 1000 * (self.cpu_seconds() - used) / REPEATS)

    def download(self, path: str) -> Download:
        """Read an answer to its end and throw it away."""
        used, start, size = self.cpu_seconds(), time.perf_counter(), 0
        before = peak = megabytes(self._process)
        with self.http.stream("GET", path) as answer:
            answer.raise_for_status()
            for piece in answer.iter_raw():
                size += len(piece)
                peak = max(peak, megabytes(self._process))
        return Download(time.perf_counter() - start, self.cpu_seconds() - used, size / 1e6, before, peak)

    def cpu_seconds(self) -> float:
        """CPU time of the server so far."""
        fields = Path(f"/proc/{self._process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def megabytes(process: int) -> float:
    """A process's own resident memory, less pages of files: SQLite maps the database into it, which grows."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


@contextmanager
def serving(database_url: str, folder: Path) -> Iterator[Server]:
    """`python -m phaselab.api` over a database, on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = {name: value for name, value in os.environ.items() if not name.startswith("PHASELAB_")}
    root = str(Path(__file__).parents[1] / "src")
    environment = known | {"PHASELAB_DATABASE_URL": database_url, "PYTHONPATH": root}
    command = [sys.executable, "-P", "-m", "phaselab.api", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, cwd=folder)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=600.0) as client:
            _wait(process, client)
            yield Server(process.pid, client)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], client: httpx.Client) -> None:
    while process.poll() is None:
        try:
            client.get("/health").raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"the server ended with exit code {process.returncode}")
