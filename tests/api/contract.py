"""The contract as it is: what every call answers over a small fixed database, written down in contract.json.

A change of the contract shows as a change of that file. To renew it, and look at the difference:

    .venv/bin/python -m tests.api.contract
    git diff tests/api/contract.json
"""

import csv
import gzip
import io
import json
import re
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq

from phaselab.db.queue import progress
from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from phaselab.db.writing.create import create_experiment
from phaselab.db.writing.landing import land
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.plausible import cosine_shape
from phaselab.domain.results.results import READOUTS, Curve, Outcome, RunResult
from phaselab.domain.results.states import Stage
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import METHODS, PROOFS
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec
from phaselab.service.base.configuration import Configuration
from phaselab.service.verbs import accounts
from phaselab.service.verbs.rights import Role
from tests.api.conftest import serving
from tests.results import failure

FILE = Path(__file__).with_name("contract.json")
SPEC = {
    "name": "finished",
    "data": {"d": 64, "n": 20},
    "attack": {"radii": [0, 2, 4], "test_points": 10},
    "sweep": {"data.k": [4, 6], "network.labels": ["binary", 6]},
    "seeds": 2,
    "impossible": "skip",
    "claims": [
        {
            "text": "two labels average",
            "source": "Figure 2",
            "measure": "averaging_index",
            "where": ["network.labels=binary"],
            "expect": {"above": 0.1},
        }
    ],
}
"""Experiment 1: finished, with a point that is impossible, a failed run and a run that is not trusted."""
LONG = {"name": "running", "data": {"d": 65, "n": 20}, "attack": {"radii": [0, 2]}, "seeds": 2}
"""Experiment 2: nothing is swept; a run is being trained, the other is queued."""

_DIAGRAM = "experiment=1&x=data.k&y=network.labels&measure=averaging_index"
_LAYERS = "experiment=1&x=layer&by=network.labels&where=data.k=4&measure=subclass_variance"
_DIFFERENCES = "experiment=1&experiment=2&x=network.labels&y=data.n&measure=averaging_index&marginalize=data.k"
_LINES = "experiment=1&x=data.k&by=network.labels&measure=robust_radius_max"
_CURVES = "experiment=1&by=network.labels&where=data.k=6&where=network.labels!=4&method=exact&method=pgd&readout=max"
_RUNS = "/experiments/1/runs"
_READ = (
    "/experiments?limit=1",
    "/experiments?cursor=2",
    "/experiments/1",
    "/experiments/2",
    "/experiments/1/events",
    *(f"/experiments/1/{noun}.{suffix}" for noun in ("failures", "verdicts") for suffix in ("json", "csv", "parquet")),
    f"{_RUNS}?limit=2",
    f"{_RUNS}?where=data.k=4&limit=2",
    f"{_RUNS}?where=state=done&where=averaging_index>0.1&order=-seed&limit=2",
    *(f"{_RUNS}.{suffix}" for suffix in ("csv", "parquet")),
    "/runs/{done}",
    "/runs/{failed}",
    "/runs/{queued}",
    *(f"/runs/{{done}}.{suffix}" for suffix in ("csv", "parquet")),
    *(f"/runs/{{done}}/cosines.{suffix}" for suffix in ("json", "csv", "parquet", "png", "svg", "pdf")),
    *(f"/runs/{{done}}/curves.{suffix}" for suffix in ("png", "svg", "pdf")),
    *(f"/diagrams.{suffix}?{_DIAGRAM}" for suffix in ("json", "csv", "parquet", "png", "svg", "pdf")),
    f"/diagrams?{_DIAGRAM}&statistic=median&where=data.k=6",
    "/diagrams?experiment=2&x=network.init_scale&y=data.k&measure=train_loss",
    *(f"/differences.{suffix}?{_DIFFERENCES}" for suffix in ("json", "csv", "parquet", "png", "svg", "pdf")),
    *(f"/lines.{suffix}?{_LINES}" for suffix in ("json", "csv", "parquet", "png", "svg", "pdf")),
    *(f"/lines.{suffix}?{_LAYERS}" for suffix in ("json", "csv", "parquet", "svg")),
    f"/curves.csv?{_CURVES}&per=seed",
    *(f"/curves.{suffix}?{_CURVES}" for suffix in ("json", "csv", "parquet", "png", "svg", "pdf")),
    "/experiments/1/portable",
    "/parameters",
    "/measures",
    "/presets",
    "/openapi.json",
    "/health",
    "/ready",
    "/version",
    "/metrics",
    "/diagrams?experiment=1&x=data.k&y=data.d&measure=nothing",
    "/diagrams.docx",
    "/curves?experiment=9",
    "/runs/{queued}/cosines",
)
"""What is asked before anything is changed, in this order."""
_HEADERS = ("content-type", "content-disposition", "location", "cache-control", "vary")
_MOMENTARY = ("eta_seconds", "version", "recipe", "token", "request", "bytes", "free_bytes")
"""Fields whose values are of a moment, not of the contract."""
_LONG = ("spec", "settings")
"""Fields that are shown whole where their keys are first seen."""


def result_of(run: Run) -> Outcome:
    """What a run comes to, whatever its key: a failure, or measures that its seed and their names decide."""
    settings, seed = run.settings, run.seed
    if settings.network.labels == 6 and seed == 1:
        return failure(run)
    measures: dict[str, float | None] = {name: _made_up(name) + seed / 64 for name in MEASURES}
    measures |= {
        "test_accuracy": 1.0,
        "feature_fraction": 0.875,
        "start_share": 0.0625,
        "noise_share": 0.0625,
        "coefficient_ratio": None,
    }
    measures["averaging_index"] = 0.96875 + seed / 128 if settings.network.labels == "binary" else 0.03125
    accuracy = np.array([1.0, 0.75 - seed / 4, 0.25])
    upper = np.array([1.0, 0.75 - seed / 8, 0.25])  # a bracket that is open in one of two runs
    curves = tuple(
        Curve(readout, method, accuracy, upper if method in PROOFS else None)
        for readout in READOUTS
        for method in METHODS
    )
    cosines = np.full(cosine_shape(settings), 0.5 - seed / 4, dtype=np.float32)
    trust = Trust(("more_steps_win",)) if settings.data.k == 4 and seed else Trust()
    return RunResult(run.key, measures, curves, cosines, trust, 0.5, {"engine": "gram", "device": "cpu"})


def _made_up(measure: str) -> float:
    """A number in the measure's range, in fractions that binary numbers hold."""
    low = MEASURES[measure].low or 0.0
    return low + zlib.crc32(measure.encode()) % 32 / 64


def fill(database: Database) -> None:
    """Store the experiments that the contract is asked of."""
    with database.transaction() as session:
        first = create_experiment(session, plan(parse_spec(SPEC)), "ada")
        while leased := take_stack(session, first, lambda _: 10, "test", 60.0):
            land(session, [result_of(run) for run in leased.stack.runs])
        second = create_experiment(session, plan(parse_spec(LONG)), "bob")
        taken = take_stack(session, second, lambda _: 1, "test", 60.0)
        assert taken is not None
        progress.note(session, "test", [run.key for run in taken.stack.runs], Stage.TRAINING, 0.25)


def recorded(client: httpx.Client) -> dict[str, Any]:
    """Every call and what it answers."""
    answers: dict[str, Any] = {}
    runs = [item for i in (1, 2) for item in client.get(f"/experiments/{i}/runs").json()["items"]]
    keys = {run["state"]: run["key"] for run in reversed(runs)}
    masks = _Masks([run["key"] for run in runs])

    def ask(method: str, address: str, **sent: Any) -> httpx.Response:
        answer = client.request(method, address.format(**keys), **sent)
        answers[f"{method} {address}"] = _written(answer, masks)
        return answer

    for address in _READ:
        ask("GET", address)
    file = client.get("/experiments/1/portable").content
    ask("POST", f"/curves.json?{_CURVES}", content="radius,accuracy\n1,0.5\n", headers={"Content-Type": "text/csv"})
    ask("POST", f"/curves.svg?{_CURVES}", content="radius,accuracy\n1,0.5\n", headers={"Content-Type": "text/csv"})
    new = SPEC | {"name": "new", "data": {"d": 66, "n": 20}}
    ask("POST", "/experiments?dry_run=true", json=new)
    ask("POST", "/experiments", json=new, headers={"Idempotency-Key": "one"})
    ask("POST", "/experiments", json={"name": "wrong", "sweep": {"data.q": [1]}})
    for verb in ("pause", "resume", "cancel", "retry"):
        ask("POST", f"/experiments/3/{verb}")
    ask("PATCH", "/experiments/3", json={"name": "renamed", "priority": 5})
    ask("DELETE", "/experiments/3")
    ask("POST", "/experiments/import", content=file, headers={"Content-Type": "application/gzip"})
    return answers


def recorded_of_accounts(client: httpx.Client) -> dict[str, Any]:
    """Every call on accounts and what it answers, to an admin."""
    masks, answers = _Masks([]), {}
    for method, address, sent in (
        ("GET", "/account", None),
        ("GET", "/accounts", None),
        ("POST", "/accounts", {"name": "ada", "role": "member"}),
        ("PATCH", "/accounts/ada", {"role": "reader", "runs_each": 5}),
        ("DELETE", "/accounts/ada?heir=boss", None),
        ("GET", "/tokens", None),
        ("POST", "/tokens", {"name": "ci", "scope": "read", "days": 7}),
        ("DELETE", "/tokens/ci", None),
        ("GET", "/audit?limit=1", None),
        ("GET", "/admin/overview", None),
    ):
        answers[f"{method} {address}"] = _written(client.request(method, address, json=sent), masks)
    return answers


class _Masks:
    """Names in place of what differs from one recipe or moment to the next, and of a long part that was shown."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = {key: f"key {i}" for i, key in enumerate(keys, start=1)}
        self._shown: set[str] = set()

    def text(self, text: str) -> str:
        """Run keys by their number, moments by the word."""
        text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[^\s\",]*", "some time", text)
        return re.sub(r"\b[0-9a-f]{64}\b", lambda found: self._keys.get(found[0], "another key"), text)

    def json(self, value: Any) -> Any:
        """Whole JSON values."""
        if isinstance(value, dict):
            return {key: self._entry(key, item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.json(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def _entry(self, name: str, value: Any) -> Any:
        if name in _MOMENTARY and value is not None:
            return f"some {name}"
        if name in _LONG and isinstance(value, dict):
            shape = name + repr({group: [*item] if isinstance(item, dict) else 0 for group, item in value.items()})
            if shape in self._shown:
                return "keys as before"
            self._shown.add(shape)
        return self.json(value)


def _written(answer: httpx.Response, masks: _Masks) -> dict[str, Any]:
    told: dict[str, Any] = {"status": answer.status_code}
    told |= {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
    if "etag" in answer.headers:
        told["etag"] = "strong" if answer.headers["etag"].startswith('"') else "weak"
    body = _body(answer, masks)
    return told if body is None else told | {"body": body}


def _body(answer: httpx.Response, masks: _Masks) -> Any:
    """What an answer holds; of a picture nothing, of a table its columns and first rows."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if kind.endswith("json"):
        return _short(answer.request.url.path.rpartition("/")[2], masks.json(answer.json()))
    if kind == "text/csv":
        return [masks.text(",".join(row)) for row in list(csv.reader(io.StringIO(answer.text)))[:3]]
    if kind == "application/vnd.apache.parquet":
        return list(_parquet(answer.content, masks))
    if kind == "application/gzip":
        lines = gzip.decompress(answer.content).splitlines()
        return [masks.json(json.loads(line)) for line in (lines[0], lines[1], lines[-1])]
    if kind == "text/event-stream":
        return [_event_line(line, masks) for line in answer.text.splitlines()]
    if answer.request.url.path.endswith("/metrics"):
        return re.findall(r"^# HELP (phaselab_.*)$", answer.text, re.MULTILINE)
    return None


def _event_line(line: str, masks: _Masks) -> Any:
    name, _, value = line.partition(": ")
    return {name: masks.json(json.loads(value))} if name == "data" else line


def _parquet(content: bytes, masks: _Masks) -> Iterator[Any]:
    table = pq.read_table(io.BytesIO(content))
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    yield {field.name: str(field.type) for field in table.schema} | ({"metadata": metadata} if metadata else {})
    for row in table.slice(0, 2).to_pylist():
        yield masks.json(json.loads(json.dumps(row, default=str)))


def _short(call: str, body: Any) -> Any:
    """Of catalogues one entry of every shape and the names of all; of the description every call's parameters."""
    if call == "openapi.json":
        return {
            f"{method.upper()} {path}": [f"{one['name']} in {one['in']}" for one in entry.get("parameters", ())]
            for path, methods in body["paths"].items()
            for method, entry in methods.items()
        }
    if call not in ("parameters", "measures", "presets"):
        return body
    shapes = {tuple(item): item for item in reversed(body["items"])}
    names = [item.get("path", item.get("name")) for item in body["items"]]
    return body | {"items": list(shapes.values()), "names of all": names}


def as_text(answers: Mapping[str, Any]) -> str:
    """The answers as contract.json holds them: short lists of plain values on one line."""
    text = json.dumps(answers, indent=1, ensure_ascii=False)
    return re.sub(r"\[[^\[\]{}]*\]", _on_one_line, text) + "\n"


def _on_one_line(found: re.Match[str]) -> str:
    line = re.sub(r"\n\s*", " ", found[0])
    return line if len(line) <= 120 else found[0]


def current(folder: Path) -> str:
    """The contract of today's code, over a database that is made in `folder`."""
    configuration = Configuration(database_url=f"sqlite:///{folder}/contract.db")
    database = Database(configuration.database_url)
    upgrade(database)
    fill(database)
    with serving(configuration, database) as url, httpx.Client(base_url=f"{url}/api/v1", timeout=30) as client:
        answers = recorded(client)
        client.headers["Authorization"] = f"Bearer {accounts.create(database, 'boss', role=Role.ADMIN)}"
        text = as_text(answers | recorded_of_accounts(client))
    database.close()
    return text


def main() -> None:
    """Write contract.json anew."""
    with tempfile.TemporaryDirectory() as folder:
        FILE.write_text(current(Path(folder)))
    sys.stdout.write(f"{FILE}\n")


if __name__ == "__main__":
    main()
