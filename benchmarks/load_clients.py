"""Those who ask in `load`, as processes of their own, which print what they met as JSON:
`python -m benchmarks.load_clients clients|health HOST PORT SECONDS`.

Every request has a connection of its own, over plain sockets, so that asking costs little. Tokens of accounts are in
the environment: each request comes with one of them, submissions with the first, whose keys theirs are.
"""

import asyncio
import contextlib
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

SEEN, FOLLOWED = 1, range(2, 12)
"""Experiments of the load: one that has finished, and those that are computed meanwhile."""
STREAMS = 100
TOKENS = "PHASELAB_LOAD_TOKENS"
HEALTH_SECONDS = 0.05
"""How often health is asked for."""
TIMEOUT_SECONDS = 30.0
POINTS = 25
SPEC: dict[str, Any] = {
    "data": {"k": 4, "d": 64, "n": 20},
    "training": {"steps": 1},
    "attack": {"test_points": 10, "radii": [0, 1], "steps": 1, "methods": ["pgd"]},
    "sweep": {"data.snr": [1, 2, 3, 4, 5], "network.init_scale": {"logspace": [1e-5, 1e-1, 5]}},
}
"""What is submitted: 25 runs that take next to nothing, new ones by their seed."""
DIAGRAM = "x=data.snr&y=network.init_scale&measure=averaging_index"
CURVES = "by=data.snr&where=network.init_scale=0.1"


@dataclass
class Met:
    """What clients have met: samples (kind, moment, seconds, status; 0 for none), submissions that were acknowledged
    (name: id) and that were not, the most results that each experiment was said to have, and events of streams."""

    samples: list[tuple[str, float, float, int]] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    done: dict[int, int] = field(default_factory=dict)
    events: int = 0


@dataclass(frozen=True)
class Address:
    """Where the service is."""

    host: str
    port: int
    tokens: tuple[str, ...] = ()

    async def ask(self, path: str, body: Any = None, headers: str = "") -> tuple[int, bytes]:
        """(status, body) of one request. Raises OSError or TimeoutError."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            reader, writer = await self.open(path, body, headers)
            try:
                answer = await reader.read(-1)
            finally:
                writer.close()
        head, _, content = answer.partition(b"\r\n\r\n")
        if not head:
            raise ConnectionResetError("there was no answer")
        return int(head.split(b" ", 2)[1]), content

    async def open(self, path: str, body: Any = None, headers: str = "") -> tuple[asyncio.StreamReader, Any]:
        """A connection that has sent a request."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        content = b"" if body is None else json.dumps(body).encode()
        method, kind = ("GET", "") if body is None else ("POST", "Content-Type: application/json\r\n")
        if self.tokens:
            token = random.choice(self.tokens) if body is None else self.tokens[0]
            headers += f"Authorization: Bearer {token}\r\n"
        lines = f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n{kind}{headers}"
        writer.write(f"{lines}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        return reader, writer


class Clients:
    """Two hundred clients, each of one kind with a pace of its own."""

    def __init__(self, address: Address, until: float) -> None:
        self._address = address
        self._until = until
        self._random = random.Random(0)
        self.met = Met()

    async def run(self) -> None:
        """Until the end."""
        tasks = [self._come_again(name) for name, (count, _, _) in KINDS.items() for _ in range(count)]
        async with asyncio.TaskGroup() as group:
            for task in (*tasks, *(self._follow(FOLLOWED[i % len(FOLLOWED)]) for i in range(STREAMS))):
                group.create_task(task)

    async def _come_again(self, name: str) -> None:
        _, pace, visit = KINDS[name]
        await asyncio.sleep(self._random.uniform(0, pace))
        while time.time() < self._until:
            at, started, status = time.time(), time.perf_counter(), 0
            with contextlib.suppress(OSError, TimeoutError):
                status = await visit(self)
            seconds = time.perf_counter() - started
            self.met.samples.append((name, at, seconds, status))
            pause = pace * self._random.uniform(0.8, 1.2) - seconds
            await asyncio.sleep(max(0.0, min(self._until - time.time(), pause)))

    async def _follow(self, experiment: int) -> None:
        """Follow the events of an experiment, coming back as browsers do."""
        await asyncio.sleep(self._random.uniform(0, 5))
        while time.time() < self._until:
            at, started, status = time.time(), time.perf_counter(), 0
            try:
                reader, writer = await self._address.open(f"/api/v1/experiments/{experiment}/events")
                try:
                    status = int((await self._line(reader) or b"- 0").split(b" ", 2)[1])
                    self.met.samples.append(("stream opens", at, time.perf_counter() - started, status))
                    while line := await self._line(reader):
                        self.met.events += line.startswith(b"event:")
                finally:
                    writer.close()
            except OSError:
                if not status:
                    self.met.samples.append(("stream opens", at, time.perf_counter() - started, 0))
            await asyncio.sleep(2)

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        """The next line of a stream, or nothing at the end."""
        try:
            async with asyncio.timeout(max(0.0, self._until - time.time())):
                return await reader.readline()
        except TimeoutError:
            return b""

    async def poll(self) -> int:
        """A script asks how far an experiment is."""
        experiment = self._random.choice([SEEN, *FOLLOWED, *list(self.met.acknowledged.values())[-5:]])
        status, body = await self._address.ask(f"/api/v1/experiments/{experiment}")
        if status == 200:
            told = json.loads(body)["counts"]["done"]
            self.met.done[experiment] = max(told, self.met.done.get(experiment, 0))
        return status

    async def page(self) -> int:
        """A person opens the page of an experiment."""
        headers = "Accept: text/html\r\n"
        return (await self._address.ask(f"/experiments/{self._random.choice([SEEN, *FOLLOWED])}", None, headers))[0]

    async def diagram(self) -> int:
        """A diagram as numbers."""
        return (await self._address.ask(f"/api/v1/diagrams?experiment={SEEN}&{DIAGRAM}"))[0]

    async def picture(self) -> int:
        """A picture, drawn anew: whoever asks has none."""
        name, query = self._random.choice((("diagrams", DIAGRAM), ("curves", CURVES)))
        suffix = self._random.choice(("png", "svg"))
        return (await self._address.ask(f"/api/v1/{name}.{suffix}?experiment={SEEN}&{query}"))[0]

    async def table(self) -> int:
        """A table of every run."""
        return (await self._address.ask(f"/api/v1/experiments/{SEEN}/runs.csv"))[0]

    async def submit(self) -> int:
        """A new experiment, under a key of its own."""
        name = f"load {uuid.uuid4()}"
        self.met.unanswered.append(name)
        status, body = await self._address.ask("/api/v1/experiments", *submission(name))
        if status == 201:
            self.met.acknowledged[name] = json.loads(body)["id"]
            self.met.unanswered.remove(name)
        return status


def submission(name: str) -> tuple[dict[str, Any], str]:
    """The spec and the header of an experiment that is submitted under a name, the same ones each time."""
    return SPEC | {"name": name, "seeds": [hash_of(name)]}, f"Idempotency-Key: {name}\r\n"


def hash_of(name: str) -> int:
    """A seed of its own for a name."""
    return uuid.uuid5(uuid.NAMESPACE_OID, name).int % 2**31


KINDS: dict[str, tuple[int, float, Callable[[Clients], Awaitable[int]]]] = {
    "status": (110, 5.0, Clients.poll),
    "page": (30, 15.0, Clients.page),
    "diagram": (30, 15.0, Clients.diagram),
    "picture": (20, 20.0, Clients.picture),
    "table of runs": (5, 20.0, Clients.table),
    "submission": (5, 5.0, Clients.submit),
}
"""Clients of each kind, and the seconds between two requests of one."""


async def ask_for_health(address: Address, until: float) -> Met:
    """Ask again and again, one after the other."""
    met = Met()
    while time.time() < until:
        at, started, status = time.time(), time.perf_counter(), 0
        with contextlib.suppress(OSError, TimeoutError):
            status, _ = await address.ask("/api/v1/health")
        met.samples.append(("health", at, time.perf_counter() - started, status))
        await asyncio.sleep(HEALTH_SECONDS)
    return met


def main(arguments: Sequence[str]) -> None:
    """Ask for so many seconds, and print what was met."""
    what, host, port, seconds = arguments
    tokens = tuple(os.environ.get(TOKENS, "").split())
    address, until = Address(host, int(port), tokens), time.time() + float(seconds)
    if what == "health":
        met = asyncio.run(ask_for_health(address, until))
    else:
        clients = Clients(address, until)
        asyncio.run(clients.run())
        met = clients.met
    print(json.dumps(vars(met)))


if __name__ == "__main__":
    main(sys.argv[1:])
