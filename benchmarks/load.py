"""The whole service under load, and after its death: `python -m benchmarks load`, on SQLite and on PostgreSQL, each
without accounts and as a lab's server, with accounts, tokens and quotas.

200 clients and 100 streams of events for a minute, while runs are computed; a process of its own asks for health.
Then everything is killed with signal 9, the database's server too, and started again: nothing that was acknowledged
may be lost, and nothing be there twice.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from benchmarks.database_server import megabytes
from benchmarks.load_clients import FOLLOWED, KINDS, POINTS, SPEC, STREAMS, TOKENS, submission
from benchmarks.load_stores import Store, kill_all, postgresql, sqlite
from benchmarks.service import Service, published
from phaselab.client.client import Client
from phaselab.db.care.check import check
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import experiments, runs
from phaselab.db.schema.upgrade import upgrade
from phaselab.service.verbs.accounts import create

SECONDS = 60.0
AFTER = 4.0
"""Seconds that clients go on asking when there is nobody any more."""
CLIENTS = Path(__file__).with_name("load_clients.py")
"""Needs the standard library alone, and is started by its path."""
SEEDS_SEEN, SEEDS_FOLLOWED = 20, 60
"""Seeds of the experiment that is looked at, and of each that is followed: more work than the load lasts."""


ACCOUNTS = 20
QUOTAS = {
    "PHASELAB_RUNS_EACH": "1000000",
    "PHASELAB_RUNS_QUEUED": "1000000",
    "PHASELAB_SECONDS_A_DAY": "1000000",
    "PHASELAB_BYTES_STORED": "1000000000000",
    "PHASELAB_REQUESTS_A_MINUTE": "1000000",
}
"""Of a lab's server: each is looked at, and none is met."""
Times = Mapping[str, "np.ndarray[tuple[int], np.dtype[np.float64]]"]
"""Percentiles by kind of request, milliseconds."""
PERCENTILES = (50, 95, 99)


class Running:
    """`phaselab serve` on a database, which can be killed and started again."""

    def __init__(self, url: str, tokens: Sequence[str]) -> None:
        self._url = url
        self._tokens = tokens
        self._process, self.address = self._start()

    def _start(self) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-P", "-m", "phaselab.service", "serve", "--port", "0"]
        variables = {"PHASELAB_DATABASE_URL": self._url, "PHASELAB_IDLE_SECONDS": "600"} | (
            QUOTAS if self._tokens else {}
        )
        process = subprocess.Popen(command, env=os.environ | variables, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        said = (line.removeprefix("Phaselab at ").strip() for line in process.stdout if "Phaselab at" in line)
        address = next(said)
        threading.Thread(target=process.stdout.read, daemon=True).start()
        return process, address

    def kill(self) -> None:
        """As if the machine had failed, but for the disk."""
        kill_all(self._process.pid)
        self._process.wait()

    def start_again(self) -> float:
        """Start it; seconds until it answers."""
        started = time.perf_counter()
        self._process, self.address = self._start()
        return time.perf_counter() - started

    def end(self) -> None:
        """Regularly."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=60)

    def service(self, database: Database) -> Service:
        """What asks it."""
        return Service(Client(self.address, self._tokens[0] if self._tokens else None), database, self._process.pid)


@dataclass
class Memory:
    """Own resident megabytes of api and scheduler: at the start, the most, at the end."""

    seen: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def watch(self, service: Service, until: float) -> None:
        """Look once a second."""
        pids = {"api": service.process("-m phaselab.api"), "scheduler": service.process("run_scheduler")}
        while time.time() < until:
            for name, pid in pids.items():
                self.seen[name].append(megabytes(pid))
            time.sleep(1.0)

    def __str__(self) -> str:
        told = (f"{name} {mb[0]:.0f}, at most {max(mb):.0f}, at the end {mb[-1]:.0f}" for name, mb in self.seen.items())
        return "own memory, MB: " + "; ".join(told)


def report(console: Console) -> None:
    """Print it for both databases, and what accounts cost."""
    for store in (sqlite, postgresql):
        found: list[Times] = []
        for accounts in (0, ACCOUNTS):
            with store() as opened:
                found.append(_load(console, opened, accounts))
        _compare(console, *found)


def _load(console: Console, store: Store, accounts: int) -> Times:
    database = Database(store.url)
    upgrade(database)
    tokens = [create(database, f"member{i}") for i in range(accounts)]
    running = Running(store.url, tokens)
    try:
        service = running.service(database)
        service.finish(service.client.submit(SPEC | {"name": "seen", "seeds": SEEDS_SEEN}).id)
        for i, number in enumerate(FOLLOWED):
            seeds = range(i * SEEDS_FOLLOWED, (i + 1) * SEEDS_FOLLOWED)
            assert service.client.submit(published(f"followed {i}", seeds)).id == number
        memory = Memory()
        met, killed = _under_load(running, store, service, memory, tokens)
        times = _tell(console, f"{store.name}, {accounts or 'no'} accounts", met, killed, memory)
        database.close()
        store.start_again()
        seconds = running.start_again()
        faults = _faults(running.service(database), database, met)
        console.print(
            f"killed and started again: it answers after {seconds:.1f} s;"
            f" {len(met['acknowledged'])} experiments acknowledged, {len(met['unanswered'])} cut off and sent again;"
            f" {faults or 'nothing is lost, and nothing is there twice'}"
        )
        return times
    finally:
        running.end()
        database.close()


def _under_load(
    running: Running, store: Store, service: Service, memory: Memory, tokens: Sequence[str]
) -> tuple[Mapping[str, Any], float]:
    """What clients met, who asked for health too, and when everything was killed."""
    at = urlsplit(running.address)
    killed = time.time() + SECONDS
    clients, health = (
        subprocess.Popen(
            [sys.executable, "-P", str(CLIENTS), what, str(at.hostname), str(at.port), str(seconds)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {TOKENS: " ".join(tokens)},
        )
        for what, seconds in (("clients", SECONDS + AFTER), ("health", SECONDS))
    )
    memory.watch(service, killed)
    running.kill()
    store.kill()
    met, asked = (json.loads(one.communicate(timeout=120)[0]) for one in (clients, health))
    return met | {"samples": met["samples"] + asked["samples"]}, killed


def _tell(console: Console, name: str, met: Mapping[str, Any], killed: float, memory: Memory) -> Times:
    """Print what clients met; its percentiles."""
    clients = sum(count for count, _, _ in KINDS.values())
    table = Table(title=f"{name}: {clients} clients, {STREAMS} streams, {SECONDS:.0f} s")
    for column in ("what", "clients", "every, s", "answers", "50 %, ms", "95 %", "99 %", "most", "statuses"):
        table.add_column(column, justify="left" if column in ("what", "statuses") else "right")
    samples: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for kind, at, seconds, status in met["samples"]:
        if at + seconds < killed:
            samples[kind].append((1000 * seconds, status))
    percentiles: dict[str, Any] = {}
    for kind, found in samples.items():
        count, pace = KINDS[kind][:2] if kind in KINDS else (STREAMS if "stream" in kind else 1, "")
        times = np.percentile([ms for ms, _ in found], (*PERCENTILES, 100))
        percentiles[kind] = times[: len(PERCENTILES)]
        statuses = " ".join(f"{status}: {number}" for status, number in Counter(s for _, s in found).items())
        table.add_row(kind, str(count), str(pace), str(len(found)), *(f"{ms:.0f}" for ms in times), statuses)
    console.print(table)
    console.print(f"{met['events']} events of streams; {memory}")
    return percentiles


def _compare(console: Console, without: Times, lab: Times) -> None:
    """Print what accounts and quotas cost."""
    table = Table(title="with accounts, in times of without")
    for column in ("what", *(f"{percent} %" for percent in PERCENTILES)):
        table.add_column(column, justify="left" if column == "what" else "right")
    for kind in sorted(without.keys() & lab.keys()):
        table.add_row(kind, *(f"{ratio:.2f}" for ratio in lab[kind] / without[kind]))
    console.print(table)


def _faults(service: Service, database: Database, met: Mapping[str, Any]) -> list[str]:
    """What was lost, once all that was submitted has been computed, or is there twice."""
    faults: list[str] = []
    numbers = dict(met["acknowledged"])
    for name in met["unanswered"]:
        spec, header = submission(name)
        numbers[name] = service.client.submit(spec, idempotency_key=header.partition(": ")[2].strip()).id
    for name, number in numbers.items():
        service.finish(number)
        found = service.client.experiment(number)
        if (found.name, found.counts.total, found.counts.done) != (name, POINTS, POINTS):
            faults.append(f"experiment {number}, {name}, is {found.name} with {found.counts}")
    for number, done in met["done"].items():
        if service.client.experiment(int(number)).counts.done < done:
            faults.append(f"experiment {number} had {done} results")
    for number in FOLLOWED:
        if not service.client.experiment(number).finished_at:
            service.client.cancel(number)
    return faults + _twice(database)


def _twice(database: Database) -> list[str]:
    """What is there twice, and whatever else `phaselab db check` finds."""
    names, same = experiments.c.name, (runs.c.settings_id, runs.c.seed)
    with database.reading() as session:
        twice = session.execute(select(names).group_by(names).having(func.count() > 1)).scalars()
        found = [f"{name} is there twice" for name in twice]
        rows = session.execute(select(*same).group_by(*same).having(func.count() > 1))
        found += [f"a run is there twice: {row}" for row in rows]
        return found + [finding.detail for finding in check(session)]
