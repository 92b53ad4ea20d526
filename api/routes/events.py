"""`/experiments/{id}/events`: progress as server-sent events."""

import asyncio
import math
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from phaselab.api.answers.experiments import EXPERIMENT
from phaselab.api.answers.making import json_value
from phaselab.api.base.deps import WholeDb
from phaselab.api.base.describing import TEXT, gives, object_of
from phaselab.api.base.plain import json_bytes
from phaselab.api.base.problems import Problem
from phaselab.api.entrance.access import credential, is_still_admitted
from phaselab.api.entrance.queries import ExperimentId, NoParameters
from phaselab.service.base.errors import DatabaseAway, NotFound
from phaselab.service.base.storage import Database
from phaselab.service.verbs import experiments
from phaselab.service.verbs.experiments import ExperimentView, Visibility, sees
from phaselab.service.verbs.seen import not_there

router = APIRouter(prefix="/experiments", tags=["experiments"])

_EVENT = object_of(event={"enum": ["progress", "finished"]}, id=TEXT, data=TEXT)
POLL_SECONDS = 0.5
ADMITTED_SECONDS = 2.0
"""How soon a stream notices that it would not be let in any more."""
SILENCE_SECONDS = 15.0
"""Longest time without a line, so that proxies and clients know that the stream lives."""


@dataclass(frozen=True)
class Seen:
    """One state of an experiment: its name, the event that tells it, whether nothing will follow, whose it is and who
    sees it."""

    name: str
    event: bytes
    last: bool
    owner: str
    visibility: Visibility


class Streams:
    """The streams of one app: how many there are, and what they share. However many follow an experiment, it is looked
    at once in POLL_SECONDS."""

    def __init__(self, most: int, most_each: int) -> None:
        self._most, self._most_each = most, most_each
        self._of: Counter[str] = Counter()
        self._open: Counter[int] = Counter()
        self._looks: dict[int, tuple[float, asyncio.Task[Seen]]] = {}
        self._admitted: dict[str, tuple[float, asyncio.Task[bool]]] = {}
        self._ending = False

    def end(self) -> None:
        """Let every stream end soon: the process ends, and who follows comes back to its successor."""
        self._ending = True

    def check_room(self, account: str | None) -> None:
        """Raises Problem 503 when there are as many streams as there may be, 429 when the account has as many."""
        if account is not None and self._of[account] >= self._most_each:
            detail = f"{account} follows {self._most_each} experiments already; close some, or ask for the experiment"
            raise Problem(429, detail, headers={"Retry-After": "10"})
        if self._open.total() >= self._most:
            detail = f"{self._most} streams of events are open, and no more may be; ask for the experiment itself"
            raise Problem(503, detail, headers={"Retry-After": "10"})

    @contextmanager
    def following(self, experiment_id: int, account: str | None) -> Iterator[None]:
        """While a stream of an account is open."""
        self._open[experiment_id] += 1
        self._of[account or ""] += 1
        try:
            yield
        finally:
            self._of[account or ""] -= 1
            self._open[experiment_id] -= 1
            if self._open[experiment_id] <= 0:
                del self._open[experiment_id]
                self._looks.pop(experiment_id, None)

    async def look(self, database: Database, experiment_id: int, seer: str | None) -> Seen:
        """The experiment as it is, or was less than POLL_SECONDS ago; `database` holds everything. Raises DatabaseAway,
        and NotFound also where `seer` does not see it."""
        now = asyncio.get_running_loop().time()
        since, task = self._looks.get(experiment_id, (-math.inf, None))
        if task is None or now - since >= POLL_SECONDS:
            task = asyncio.create_task(run_in_threadpool(_look, database, experiment_id))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # told to whoever still waits
            if experiment_id in self._open:
                self._looks[experiment_id] = (now, task)
        seen = await asyncio.shield(task)
        if not sees(seer, seen.owner, seen.visibility):
            raise not_there(experiment_id)
        return seen

    async def is_admitted(self, request: Request) -> bool:
        """Whether a stream may go on, as it was less than ADMITTED_SECONDS ago: its account may have been disabled, its
        login ended, or its token replaced; and whether the process goes on."""
        if self._ending:
            return False
        now, by = asyncio.get_running_loop().time(), credential(request)
        since, task = self._admitted.get(by, (-math.inf, None))
        if task is None or now - since >= ADMITTED_SECONDS:
            task = asyncio.create_task(is_still_admitted(request))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            current = {one: kept for one, kept in self._admitted.items() if now - kept[0] < ADMITTED_SECONDS}
            self._admitted = current | {by: (now, task)}
        return await asyncio.shield(task)


@router.get("/{experiment_id}/events", responses=gives({"text/event-stream": _EVENT}) | gives({}, 204))
async def follow(
    request: Request,
    experiment_id: ExperimentId,
    nothing: NoParameters,
    database: WholeDb,
    last_event_id: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """An event `progress` whenever the experiment or one of its running runs has gone on, and `finished` as the last.

    An event's id tells the state it shows, so a client that comes back with `Last-Event-ID` gets nothing twice; one
    that has the last state gets 204, which ends its reconnecting.
    """
    streams: Streams = request.app.state.streams
    streams.check_room(request.state.account)
    seen = await streams.look(database, experiment_id, request.state.seer)
    if seen.last and last_event_id == seen.name:
        return Response(status_code=204)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = _events(streams, request, database, experiment_id, last_event_id)
    return StreamingResponse(stream, headers=headers, media_type="text/event-stream")


async def _events(
    streams: Streams, request: Request, database: Database, experiment_id: int, last: str | None
) -> AsyncIterator[bytes]:
    with streams.following(experiment_id, request.state.account):
        yield b"retry: 2000\n\n"
        silent = 0.0
        while await streams.is_admitted(request):
            try:
                seen = await streams.look(database, experiment_id, request.state.seer)
            except NotFound:
                return  # deleted while it was followed, or hidden
            except DatabaseAway:
                seen = None
            if seen is not None and seen.name != last:
                last, silent = seen.name, 0.0
                yield seen.event
                if seen.last:
                    return
            elif silent >= SILENCE_SECONDS:
                silent = 0.0
                yield b": still here\n\n"
            await asyncio.sleep(POLL_SECONDS)
            silent += POLL_SECONDS


def _look(database: Database, experiment_id: int) -> Seen:
    view = experiments.experiment(database, experiment_id)
    name, last = event_id(view), view.row.status.is_finished
    head = f"event: {'finished' if last else 'progress'}\nid: {name}\ndata: ".encode()
    event = head + json_bytes(json_value(EXPERIMENT, view)) + b"\n\n"
    return Seen(name, event, last, view.row.owner, view.row.visibility)


def event_id(view: ExperimentView) -> str:
    """What tells one state of an experiment from another."""
    counts = view.counts
    progress = zlib.crc32(repr(view.progress).encode())
    numbers = (view.row.revision, counts.done, counts.running, counts.failed, counts.cancelled, counts.held, progress)
    return f"{view.row.status}-" + "-".join(map(str, numbers))
