"""The edges where something comes in from outside: what is made for each, where it goes, and what may be raised."""

import gzip
import io
import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from phaselab.api.answers.formats import PICTURES, TABLES, negotiate
from phaselab.api.base.problems import Problem
from phaselab.api.entrance.bodies import parse_json
from phaselab.api.entrance.login_form import local_address
from phaselab.api.entrance.origins import host_name
from phaselab.api.entrance.overlay import overlay_series
from phaselab.api.entrance.overrides import override
from phaselab.client.errors import PhaselabError, from_problem
from phaselab.client.queries import curve_query, diagram_query, one_id
from phaselab.client.specs import read_spec
from phaselab.client.transport import Transport, json_of, lines
from phaselab.client.values import Diagram, Experiment
from phaselab.domain.answers.conditions import parse_condition
from phaselab.domain.results.phases import Thresholds
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.texts import shown
from phaselab.domain.specs.points import Limits, plan
from phaselab.domain.specs.spec import Changes, parse_spec, validate
from phaselab.domain.specs.stored import Misfit, stored_settings, stored_spec
from phaselab.service.base.configuration import Configuration, ConfigurationError, load_configuration
from phaselab.service.base.yaml_text import Unreadable, parse_yaml
from phaselab.service.verbs.portable_file import Head, Lines, RunLine
from tests.fuzz.made import Made

FEW = Limits(points=40, runs=400)
EXPERIMENT: Mapping[str, Any] = {
    "id": 1, "name": "a", "owner": "local", "status": "running", "priority": 0, "points": 1, "skipped": 0, "spec": {},
    "created_at": "2026-01-01T00:00:00+00:00", "started_at": None, "finished_at": None, "revision": 1,
    "counts": dict.fromkeys(("total", "done", "cached", "running", "failed", "cancelled", "queued"), 1),
    "eta_seconds": None, "running_progress": [{"runs": 1, "stage": "attack", "share": 0.5}],
}  # fmt: skip
_AXIS = {"parameter": "data.k", "values": [4, 6], "title": "k", "scale": "linear"}
DIAGRAM: Mapping[str, Any] = {
    "x": _AXIS, "y": _AXIS, "measure": "train_loss", "statistic": "mean", "boundaries": [], "theory": [], "revision": 1,
    "n": [[1, 2], [3, 4]], "thresholds": {},
}  # fmt: skip
RUN: Mapping[str, Any] = {
    "key": "0" * 64, "measures": {"train_loss": 0.5}, "curves": [{"readout": "sum", "method": "pgd", "accuracy": [1]}],
    "cosines": [[0.5]], "flags": [], "seconds": 1.0, "provenance": {},
}  # fmt: skip
HEAD: Mapping[str, Any] = {
    "format": 1, "recipe": 2, "name": "a", "owner": "b", "created_at": "c", "spec": {"name": "x"},
}  # fmt: skip


@dataclass(frozen=True)
class Edge:
    """A place where things come in. `make` makes one, `feed` takes it, `refusals` is all that may be raised."""

    name: str
    make: Callable[[Made], Any]
    feed: Callable[[Any], object]
    refusals: tuple[type[Exception], ...]


def _spec(value: Any) -> None:
    spec = parse_spec(value)
    stored = spec.model_dump(mode="json")
    assert parse_spec(stored) == spec == stored_spec(stored), "what is stored is read as it was"
    for point in plan(spec, FEW).points[:2]:
        assert stored_settings(point.settings_text) == point.settings


def _condition(text: str) -> None:
    found = parse_condition(text)
    again = parse_condition(str(found))
    assert again.value == found.value, "what is told is what was read"
    found.holds(4)
    found.holds("binary")


def _read(parse: Callable[[str], Any]) -> Callable[[str], None]:
    def feed(text: str) -> None:
        value = parse(text)
        assert parse_json(json.dumps(value)) == value, "whatever is read is JSON"

    return feed


def _portable(content: tuple[bytes, bool]) -> None:
    data, packed = content
    found = Lines(io.BytesIO(gzip.compress(data) if packed else data))
    validate(Head, found.next(10_000))
    while (line := found.next(10_000)) is not None:
        _ = validate(RunLine, line).result


def _portable_file(made: Made) -> tuple[bytes, bool]:
    told = [made.changed(dict(HEAD)), made.changed(dict(RUN)), made.changed(dict(RUN))]
    return made.broken("\n".join(map(json.dumps, told))).encode(errors="surrogatepass"), made.chance(0.9)


def _overlay(text: str) -> None:
    for series in overlay_series(text, {"clusters"}):
        assert all(map(math.isfinite, (*series.radii, *series.accuracy)))
        assert series.label.strip()


def _configuration(given: tuple[dict[str, str], str]) -> None:
    variables, text = given
    file = Path("/dev/shm" if sys.platform == "linux" else ".") / "phaselab-fuzz.toml"
    file.write_text(text, encoding="utf-8", errors="replace")
    load_configuration(variables | {"PHASELAB_CONFIG": str(file)})


def _configured(made: Made) -> tuple[dict[str, str], str]:
    names = list(Configuration.model_fields)
    variables = {f"PHASELAB_{made.random.choice(names).upper()}": made.text() for _ in range(2)}
    return variables, made.broken(f"{made.random.choice(names)} = {json.dumps(made.value(2))}")


def _answer(made: Made) -> tuple[int, bytes]:
    problem = {"type": "a", "title": "b", "status": 422, "detail": "c", "errors": [{"pointer": "/a", "detail": "b"}]}
    body = made.broken(json.dumps(made.changed(made.random.choice((problem, dict(EXPERIMENT))))))
    return made.random.choice((200, 204, 301, 400, 404, 422, 500, 503)), body.encode(errors="surrogatepass")


def _client(answer: tuple[int, bytes]) -> None:
    status, body = answer
    transport = httpx.MockTransport(lambda request: httpx.Response(status, content=body))
    http = Transport("http://127.0.0.1:1", transport=transport)
    try:
        Experiment.read(json_of(http.send("POST", "/x")))
    finally:
        http.close()


def _arguments(given: Any) -> None:
    one_id(given)
    diagram_query(given, "x", "y", "m", where=str(given))
    curve_query([given], str(given))


def _stream(made: Made) -> bytes:
    text = "id: 1\nevent: progress\ndata: " + json.dumps(dict(EXPERIMENT)) + "\n\n"
    return made.broken(text).encode(errors="replace")


def _overrides(made: Made) -> list[str]:
    return [made.condition(), f"{made.key()}={made.yaml_text()}"]


def _stored(value: Any) -> None:
    if isinstance(value, dict):
        stored_spec(value)


def _accept(text: str) -> None:
    negotiate(text, TABLES)
    negotiate(text, PICTURES)


_STORED = json.loads(plan(parse_spec({"name": "a"})).points[0].settings_text)
REFUSED, TOLD = (InvalidInput,), (PhaselabError,)
EDGES: tuple[Edge, ...] = (
    Edge("yaml", Made.yaml_text, _read(parse_yaml), (Unreadable,)),
    Edge("json", Made.json_text, _read(parse_json), (Unreadable,)),
    Edge("spec", Made.spec, _spec, REFUSED),
    Edge("change", lambda made: made.changed({"name": "a", "priority": 1}), lambda v: validate(Changes, v), REFUSED),
    Edge("condition", Made.condition, _condition, REFUSED),
    Edge("threshold", lambda made: [made.broken("trained_accuracy:0.8")], Thresholds.parse, REFUSED),
    Edge("override", _overrides, lambda changes: override({}, changes), REFUSED),
    Edge("overlay", Made.csv_text, _overlay, (Problem, InvalidInput)),
    Edge("portable", _portable_file, _portable, REFUSED),
    Edge("stored spec", lambda made: made.changed({"name": "a", "seeds": 3, "sweep": {}}), _stored, (Misfit,)),
    Edge("stored settings", lambda made: json.dumps(made.changed(_STORED)), stored_settings, (Misfit,)),
    Edge("accept", lambda made: made.broken("text/csv;q=0.5, */*;q=0.1"), _accept, (Problem,)),
    Edge("host", Made.text, host_name, ()),
    Edge("address", Made.text, local_address, ()),
    Edge("shown", Made.text, shown, ()),
    Edge("configuration", _configured, _configuration, (ConfigurationError,)),
    Edge("client: answer", _answer, _client, TOLD),
    Edge("client: problem", Made.value, lambda value: str(from_problem(404, value)), ()),
    Edge("client: diagram", lambda made: made.changed(dict(DIAGRAM)), Diagram.read, TOLD),
    Edge("client: arguments", lambda made: made.value(2), _arguments, TOLD),
    Edge("client: spec", lambda made: {made.key(): made.value()}, lambda spec: read_spec(spec, dict), TOLD),
    Edge("client: lines", _stream, lambda body: list(lines(httpx.Response(200, content=body))), ()),
)
"""Every edge below HTTP."""
