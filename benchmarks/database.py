"""The result database: filled as the service fills it, asked over HTTP, against MLflow in the same run."""

import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.database_fill import Pace, fill, land_all, spec
from benchmarks.database_server import Cost, Server, serving
from db.database import Database
from db.upgrade import upgrade
from tests.postgresql import running_postgresql

EXPERIMENTS = 20
MLFLOW_RUNS = 10_000
MLFLOW_PYTHON = "PHASELAB_MLFLOW_PYTHON"
"""The environment variable that names an interpreter with MLflow; without it, this one is asked."""
AXES = [("x", "data.k"), ("y", "network.init_scale"), ("measure", "averaging_index")]


@dataclass(frozen=True)
class Size:
    """Runs in all, in the experiment that is looked at, and in the one that is submitted over HTTP and exported."""

    runs: int
    looked_at: int
    submitted: int

    @property
    def each(self) -> int:
        """Runs of each of the other experiments."""
        return (self.runs - self.looked_at - self.submitted) // (EXPERIMENTS - 2)


REDUCED = Size(200_000, 50_000, 100_000)
FULL = Size(1_000_000, 50_000, 100_000)
SMALL = Size(100_000, 20_000, 40_000)


@contextmanager
def sqlite() -> Iterator[tuple[str, Path]]:
    """The URL of a new SQLite file with the schema, and its folder."""
    with tempfile.TemporaryDirectory(prefix="phaselab-bench-") as folder:
        yield f"sqlite:///{Path(folder) / 'phaselab.db'}", Path(folder)


@contextmanager
def postgresql() -> Iterator[tuple[str, Path]]:
    """The URL of a database on the server that the tests use, which does not wait for the disk; and a folder."""
    with running_postgresql() as server, tempfile.TemporaryDirectory(prefix="phaselab-bench-") as folder:
        yield server.get_uri(), Path(folder)


def report(console: Console, kind: Callable[[], Any] = sqlite, size: Size = REDUCED) -> None:
    """Fill, ask, print."""
    rows: list[tuple[str, str, str]] = []
    with kind() as (url, folder):
        database = Database(url)
        upgrade(database)
        with serving(url, folder) as server:
            diagram = _measure(database, server, size, rows)
        database.close()
    yardstick = mlflow_seconds(console) if kind is sqlite else None
    if yardstick is not None:
        seconds, cpu, version = yardstick
        more = f"MLflow {version}, {MLFLOW_RUNS:,} runs: search_runs and group-by"
        rows.append((more, "", f"{1000 * seconds:,.0f} ms ({1000 * cpu:,.0f} of CPU)"))
        ratios = f"{1000 * seconds / diagram.wall:,.0f} times ({1000 * cpu / diagram.cpu:,.0f} of CPU)"
        rows.append((f"so much longer than the diagram of {size.looked_at:,} runs", ">= 100 times", ratios))
    table = Table(title=f"Result database, {kind.__name__}, {size.runs:,} runs in {EXPERIMENTS} experiments")
    for column in ("what", "target", "measured"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


full = functools.partial(report, size=FULL)
on_postgresql = functools.partial(report, kind=postgresql, size=SMALL)


def _measure(database: Database, server: Server, size: Size, rows: list[tuple[str, str, str]]) -> Cost:
    """Fill and ask; the cost of the diagram that is looked at."""
    pace = Pace.none()
    first = fill(database, 0, size.looked_at, pace)
    alone = _diagram(server, [first])
    second, seconds = _submit(server, size.submitted)
    land_all(database, second, pace)
    ids = [first, second, *(fill(database, number, size.each, pace) for number in range(2, EXPERIMENTS))]
    crowded = _diagram(server, ids[:1])
    rows += [
        (f"diagram of {size.looked_at:,} runs, 20 x 20 points, alone in the database", "", str(alone)),
        (f"the same among {EXPERIMENTS} experiments", "< 50 ms", str(crowded)),
        ("diagram over all runs", "< 300 ms", str(_diagram(server, ids))),
        ("curves of 20 points", "", str(_curves(server, first))),
        ("list of experiments", "< 30 ms", str(server.cost("/experiments"))),
        ("status of one", "< 30 ms", str(server.cost(f"/experiments/{first}"))),
        ("page of 100 runs", "", str(server.cost(f"/experiments/{first}/runs"))),
        (f"submitting {size.submitted:,} runs over HTTP", "< 5 s", f"{seconds:.1f} s"),
        ("handing out stacks of 500", "", pace.handed_out.rate),
        ("landing stacks of 500, summaries included", ">= 5,000 runs/s", pace.landed.rate),
    ]
    for form in ("parquet", "csv"):
        for experiment_id, runs in ((first, size.looked_at), (second, size.submitted)):
            got = server.download(f"/experiments/{experiment_id}/runs.{form}")
            cost = f"{got.seconds:.1f} s ({got.cpu:.1f} of CPU), {got.size:.0f} MB, memory + {got.memory:.0f} MB"
            rows.append((f"{runs:,} runs as {form}", "seconds, flat", cost))
    return crowded


def _diagram(server: Server, ids: list[int]) -> Cost:
    averaged = [("marginalize", "data.d")] if len(ids) > 1 else []
    return server.cost("/diagrams", [*(("experiment", str(one)) for one in ids), *AXES, *averaged])


def _curves(server: Server, experiment_id: int) -> Cost:
    return server.cost("/curves", [("experiment", str(experiment_id)), ("by", AXES[1][1]), ("where", "data.k=10")])


def _submit(server: Server, runs: int) -> tuple[int, float]:
    """Submit over HTTP; the experiment's id, and seconds until the answer."""
    start = time.perf_counter()
    answer = server.http.post("/experiments", json=spec(1, runs)).raise_for_status().json()
    return int(answer["id"]), time.perf_counter() - start


def mlflow_seconds(console: Console) -> tuple[float, float, str] | None:
    """Seconds and CPU seconds of MLflow's answer, and its version; None, and why, where MLflow is not to be had."""
    python = os.environ.get(MLFLOW_PYTHON, sys.executable)
    if subprocess.run([python, "-c", "import mlflow"], capture_output=True).returncode != 0:
        console.print(
            "MLflow is not installed, so it is not compared with. It is no part of Phaselab: python3 -m venv"
            f" /tmp/mlflow && /tmp/mlflow/bin/pip install mlflow, then set {MLFLOW_PYTHON}=/tmp/mlflow/bin/python"
        )
        return None
    program = str(Path(__file__).with_name("database_mlflow.py"))
    done = subprocess.run([python, program, str(MLFLOW_RUNS)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"MLflow's program failed: {done.stderr[-2000:]}")
    told: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["runs"] == MLFLOW_RUNS
    return told["seconds"], told["cpu"], told["version"]
