"""Following an experiment by its server-sent events, through restarts of the server."""

import json
import time
from collections.abc import Iterator
from typing import Any

from phaselab.client.errors import BadAnswer, ServerError, Unreachable
from phaselab.client.transport import Transport, lines
from phaselab.client.values import Experiment

PATIENCE = 30
"""Attempts, a second apart, to reach a server again that has been reached before."""
RECONNECT_SECONDS = 1.0


def watch(http: Transport, experiment_id: str) -> Iterator[Experiment]:
    """The experiment now, and again each time it has gone on, until nothing more will happen to it."""
    last_id, broken = "", 0
    while True:
        try:
            for event_id, experiment in _events(http, experiment_id, last_id):
                last_id, broken = event_id, 0
                yield experiment
                if experiment.status.is_finished:
                    return
            if not last_id:
                raise BadAnswer("the server tells nothing of an experiment that is followed")
        except (Unreachable, ServerError):
            broken += 1
            if not last_id or broken > PATIENCE:
                raise
        time.sleep(RECONNECT_SECONDS)


def _events(http: Transport, experiment_id: str, last_id: str) -> Iterator[tuple[str, Experiment]]:
    """(event id, experiment) of the events after `last_id`, until the server ends the stream."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
    with http.stream(f"/experiments/{experiment_id}/events", headers) as answer:
        event_id, data = "", ""
        for line in lines(answer):
            name, _, value = line.partition(": ")
            if name == "id":
                event_id = value
            elif name == "data":
                data += value
            elif not line and data:
                yield event_id, Experiment.read(_json(data))
                data = ""


def _json(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise BadAnswer("the server tells of an experiment in a way this client cannot read") from None
