"""The result database: filled as the service fills it, asked over HTTP, against MLflow in the same run."""

import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.database_fill import Pace, fill, spec
from benchmarks.database_server import Cost, Server, serving
from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from tests.postgresql import running_postgresql

EXPERIMENTS = 20
MLFLOW_RUNS = 10_000
MLFLOW_PYTHON = "PHASELAB_MLFLOW_PYTHON"
"""The environment variable that names an interpreter with MLflow; without it, this one is asked."""
AXES = [("x", "data.k"), ("y", "network.init_scale"), ("measure", "averaging_index")]


@dataclass(frozen=True)
class Size:
    """Runs in all, in the experiment that is looked at, and in the one that is exported. As many as are exported are
    then submitted over HTTP."""

    runs: int
    looked_at: int
    exported: int

    @property
    def each(self) -> int:
        """Runs of each of the other experiments."""
        return (self.runs - self.looked_at - self.exported) // (EXPERIMENTS - 2)


REDUCED = Size(200_000, 50_000, 100_000)
FULL = Size(1_000_000, 50_000, 100_000)


@contextmanager
def sqlite() -> Iterator[tuple[str, Path]]:
    """The URL of a new SQLite file with the schema, and its folder."""
    with tempfile.TemporaryDirectory(prefix="phaselab-bench-") as folder:
        yield f"sqlite:///{Path(folder) / 'phaselab.db'}", Path(folder)


@contextmanager
def postgresql() -> Iterator[tuple[str, Path]]:
    """The URL of a database on the server that the tests use, which does not wait for the disk but, unlike for them,
    vacuums as servers do; and a folder."""
    with running_postgresql() as server, tempfile.TemporaryDirectory(prefix="phaselab-bench-") as folder:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM RESET autovacuum")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri(), Path(folder)


def report(console: Console, kind: Callable[[], Any] = sqlite, size: Size = REDUCED) -> None:
    """Fill, ask, print."""
    start = time.perf_counter()
    titles = ("what", "target", "alone in the database", f"among {EXPERIMENTS} experiments")
    table = Table(title=f"Result database, {kind.__name__}, {size.runs:,} runs in {EXPERIMENTS} experiments")
    for column in titles:
        table.add_column(column, justify="left" if column == "what" else "right")
    with kind() as (url, folder):
        database = Database(url)
        upgrade(database)
        with serving(url, folder) as server:
            diagram = _measure(database, server, size, table)
        database.close()
    if kind is sqlite:
        _compare(console, diagram, size, table)
    console.print(table)
    console.print(f"measured in {time.perf_counter() - start:.0f} s")


full = functools.partial(report, size=FULL)
on_postgresql = functools.partial(report, kind=postgresql, size=FULL)


def _measure(database: Database, server: Server, size: Size, table: Table) -> Cost:
    """Fill and ask; the cost of the diagram that is looked at, among all the others."""
    pace = Pace.none()
    first = fill(database, 0, size.looked_at, pace)
    alone = _answers(server, first, size.looked_at)
    second = fill(database, 1, size.exported, pace)
    ids = [first, second, *(fill(database, number, size.each, pace) for number in range(2, EXPERIMENTS))]
    crowded = _answers(server, first, size.looked_at)
    for (what, target), cost in alone.items():
        table.add_row(what, target, str(cost), str(crowded[what, target]))
    table.add_row("diagram over all runs", "< 300 ms", "", str(_diagram(server, ids)))
    table.add_row("handing out stacks of 500", "", "", pace.handed_out.rate)
    table.add_row("landing stacks of 500, summaries included", ">= 5,000 runs/s", "", pace.landed.rate)
    _submit(server, first, size.exported, table)
    for form in ("runs.parquet", "runs.csv", "portable"):
        for experiment_id, runs in ((first, size.looked_at), (second, size.exported)):
            got = server.download(f"/experiments/{experiment_id}/{form}")
            table.add_row(f"{runs:,} runs as {form}", "seconds, memory flat", "", str(got))
    return next(iter(crowded.values()))


def _answers(server: Server, experiment_id: int, runs: int) -> dict[tuple[str, str], Cost]:
    """What answers about one experiment of so many runs cost, by what they are and their targets; the diagram first."""
    at = f"/experiments/{experiment_id}"
    one, axes = ("experiment", str(experiment_id)), [("by", path) for _, path in AXES[:2]]
    return {
        (f"diagram of {runs:,} runs, 20 x 20 points", "< 50 ms"): _diagram(server, [experiment_id]),
        ("list of experiments", "< 30 ms"): server.cost("/experiments"),
        ("status of one", "< 30 ms"): server.cost(at),
        ("page of 100 runs", ""): server.cost(f"{at}/runs"),
        ("curves of 20 points", ""): server.cost("/curves", [one, axes[1], ("where", "data.k=10")]),
        (f"curves of {runs:,} runs, 20 x 20 points", ""): server.cost("/curves", [one, *axes]),
    }


def _diagram(server: Server, ids: list[int]) -> Cost:
    averaged = [("marginalize", "data.d")] if len(ids) > 1 else []
    return server.cost("/diagrams", [*(("experiment", str(one)) for one in ids), *AXES, *averaged])


def _submit(server: Server, other: int, runs: int, table: Table) -> None:
    """Submit over HTTP while somebody changes another experiment again and again."""
    with _changing(server, other) as waits:
        start, used = time.perf_counter(), server.cpu_seconds()
        server.http.post("/experiments", json=spec(EXPERIMENTS, runs)).raise_for_status()
        seconds, cpu = time.perf_counter() - start, server.cpu_seconds() - used
    table.add_row(f"submitting {runs:,} runs more over HTTP", "< 5 s", "", f"{seconds:.1f} s ({cpu:.1f} of CPU)")
    table.add_row("longest that a change of another experiment waited", "", "", f"{max(waits):.1f} s")


@contextmanager
def _changing(server: Server, experiment_id: int) -> Iterator[list[float]]:
    """Changes an experiment's priority ten times a second; the seconds that each change took."""
    waits: list[float] = []
    over = threading.Event()

    def change() -> None:
        while not over.wait(0.1):
            start = time.perf_counter()
            server.http.patch(f"/experiments/{experiment_id}", json={"priority": 1}).raise_for_status()
            waits.append(time.perf_counter() - start)

    with ThreadPoolExecutor(1) as thread:
        changes = thread.submit(change)
        try:
            yield waits
        finally:
            over.set()
            changes.result()


def _compare(console: Console, diagram: Cost, size: Size, table: Table) -> None:
    yardstick = mlflow_seconds(console)
    if yardstick is None:
        return
    seconds, cpu, version = yardstick
    what = f"MLflow {version}, {MLFLOW_RUNS:,} runs: search_runs and group-by"
    table.add_row(what, "", f"{1000 * seconds:,.0f} ms ({1000 * cpu:,.0f} of CPU)", "")
    ratios = f"{1000 * seconds / diagram.wall:,.0f} times ({1000 * cpu / diagram.cpu:,.0f} of CPU)"
    table.add_row(f"so much longer than the diagram of {size.looked_at:,} runs", ">= 100 times", "", ratios)


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
