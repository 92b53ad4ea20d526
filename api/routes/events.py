"""`/experiments/{id}/events`: progress as server-sent events."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from phaselab.api.answers.experiments import EXPERIMENT
from phaselab.api.answers.making import json_value
from phaselab.api.base.deps import Db
from phaselab.api.base.plain import json_bytes
from phaselab.api.entrance.queries import ExperimentId, NoParameters
from phaselab.service.base.errors import DatabaseAway, NotFound
from phaselab.service.base.storage import Database
from phaselab.service.verbs import experiments
from phaselab.service.verbs.experiments import ExperimentView

router = APIRouter(prefix="/experiments", tags=["experiments"])

POLL_SECONDS = 0.5
SILENCE_SECONDS = 15.0
"""Longest time without a line, so that proxies and clients know that the stream lives."""


@router.get("/{experiment_id}/events")
def follow(
    experiment_id: ExperimentId,
    nothing: NoParameters,
    database: Db,
    last_event_id: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """An event `progress` whenever the experiment or one of its running runs has gone on, and `finished` as the last.

    An event's id tells the state it shows, so a client that comes back with `Last-Event-ID` gets nothing twice; one
    that has the last state gets 204, which ends its reconnecting.
    """
    view = experiments.experiment(database, experiment_id)
    if view.row.status.is_finished and last_event_id == event_id(view):
        return Response(status_code=204)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = _events(database, experiment_id, last_event_id)
    return StreamingResponse(stream, headers=headers, media_type="text/event-stream")


def event_id(view: ExperimentView) -> str:
    """What tells one state of an experiment from another."""
    counts = view.counts
    progress = zlib.crc32(repr(view.progress).encode())
    numbers = (view.row.revision, counts.done, counts.running, counts.failed, counts.cancelled, progress)
    return f"{view.row.status}-" + "-".join(map(str, numbers))


async def _events(database: Database, experiment_id: int, last: str | None) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    silent = 0.0
    while True:
        try:
            view = await run_in_threadpool(experiments.experiment, database, experiment_id)
        except NotFound:
            return  # deleted while it was followed
        except DatabaseAway:
            view = None
        if view is not None and event_id(view) != last:
            last, silent = event_id(view), 0.0
            yield _event(view, last)
            if view.row.status.is_finished:
                return
        elif silent >= SILENCE_SECONDS:
            silent = 0.0
            yield b": still here\n\n"
        await asyncio.sleep(POLL_SECONDS)
        silent += POLL_SECONDS


def _event(view: ExperimentView, name: str) -> bytes:
    kind = "finished" if view.row.status.is_finished else "progress"
    return f"event: {kind}\nid: {name}\ndata: ".encode() + json_bytes(json_value(EXPERIMENT, view)) + b"\n\n"
