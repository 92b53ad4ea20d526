"""Clients that keep their connections, and never ask again for what they got no answer to: a process of their own that
prints what they have met every now and then, until its standard input ends (`asking.py URL EXPERIMENT`)."""

import asyncio
import json
import random
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.faults.harness import TINY

CLIENTS, SUBMITTING = 200, 4
PAUSE_SECONDS = (0.5, 2.5)
"""Between two requests of a client; an idle connection lasts longer."""
TOLD_SECONDS = 0.3
LEAVING = 0.3
"""Part of the requests after which a client closes its connection, and opens another one for the next."""


@dataclass
class Met:
    """What they met: answers by status, what was asked without an answer, names of experiments that were taken, events
    of streams, and how often these came back."""

    answers: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    events: int = 0
    returns: int = 0


class Client:
    """One of them."""

    def __init__(self, host: str, port: int, met: Met) -> None:
        self._address, self._met = (host, port), met
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str, body: Mapping[str, Any] | None = None) -> int:
        """The status of one request; 0 when it is lost."""
        content = b"" if body is None else json.dumps(body).encode()
        method = "GET" if body is None else "POST"
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._address[0]}\r\nContent-Type: application/json\r\n"
        try:
            reader, writer = self._open = self._open or await asyncio.open_connection(*self._address)
            writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(answer.partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            self._met.lost.append(f"{method} {path}: {error!r}")
            await self.leave()
            return 0
        if b"connection: close" in answer or random.random() < LEAVING:
            await self.leave()
        status = int(answer.split(b" ", 2)[1])
        self._met.answers[str(status)] += 1
        return status

    async def leave(self) -> None:
        """Close its connection, if it has one."""
        if self._open is not None:
            await _close(self._open[1])
            self._open = None


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _look(client: Client, number: int, experiment: int, ended: threading.Event) -> None:
    paths = ("/api/v1/ready", f"/api/v1/experiments/{experiment}", "/api/v1/health")
    while not ended.is_set():
        await client.ask(paths[number % len(paths)])
        await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
    await client.leave()


async def _submit(client: Client, number: int, met: Met, ended: threading.Event) -> None:
    times = 0
    while not ended.is_set():
        name, times = f"renewed {number} {times}", times + 1
        if await client.ask("/api/v1/experiments", TINY | {"name": name, "seeds": [number]}) == 201:
            met.taken.append(name)
        await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
    await client.leave()


async def _follow(address: tuple[str, int], experiment: int, met: Met, ended: threading.Event) -> None:
    """A stream of events, which comes back when it ends, and has to end as a whole."""
    while not ended.is_set():
        reader, writer = await asyncio.open_connection(*address)
        writer.write(f"GET /api/v1/experiments/{experiment}/events HTTP/1.1\r\nHost: {address[0]}\r\n\r\n".encode())
        try:
            async with asyncio.timeout(60):
                while not ended.is_set() and (line := await reader.readline()) != b"0\r\n":
                    met.events += line.startswith(b"event:")
                    if not line:
                        met.lost.append("a stream was cut off")
                        break
        except TimeoutError:
            met.lost.append("a stream said nothing")
        await _close(writer)
        met.returns += 1
        await asyncio.sleep(0.2)


async def _all(url: str, followed: int, met: Met, ended: threading.Event) -> None:
    at = urlsplit(url)
    host, port = str(at.hostname), int(at.port or 0)
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            client = Client(host, port, met)
            submits = number < SUBMITTING
            asks = _submit(client, number, met, ended) if submits else _look(client, number, followed, ended)
            group.create_task(asks)
        group.create_task(_follow((host, port), followed, met, ended))
        while not ended.is_set():
            print(json.dumps(vars(met)), flush=True)
            await asyncio.sleep(TOLD_SECONDS)
    print(json.dumps(vars(met)), flush=True)


if __name__ == "__main__":
    done = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
    asyncio.run(_all(sys.argv[1], int(sys.argv[2]), Met(), done))
