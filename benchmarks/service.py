"""The whole service on 2 CPUs: from POST to the last row, fairness, memory.

`python -m benchmarks.service [RUNS [TINY]]` takes other numbers of runs than `make bench`.
Computing is counted by the seconds that workers report, so on a machine that does other things too its share stays
comparable, while the times grow.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from benchmarks.database_server import megabytes
from benchmarks.stacks import PUBLISHED
from phaselab.client.client import Client
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import experiment_runs, runs
from phaselab.domain.results.states import ExperimentStatus
from phaselab.service.processes import processes
from phaselab.service.verbs import experiments
from phaselab.service.verbs.submit import submit

CPUS = 2
WARM = 8
"""Runs that are computed before the clock starts: PyTorch is loaded, and a run's seconds are known."""
AXES = ("data.snr", "network.init_scale", "averaging_index")
TINY: dict[str, Any] = {
    "data": {"k": 4, "d": 64, "n": 20},
    "training": {"steps": 1},
    "attack": {"test_points": 10, "radii": [0, 1], "steps": 1, "methods": ["pgd"]},
    "sweep": {AXES[0]: [1, 2, 3, 4, 5], AXES[1]: {"logspace": [1e-5, 1e-1, 5]}},
}
"""Experiments of 25 points, whose runs take next to nothing and stack."""
TINY_POINTS = 25
MANY = 50_000
"""Tiny runs of `memory` by itself."""
ROUNDS = 5
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Service:
    """A running service and its database."""

    client: Client
    database: Database
    supervisor: int

    def process(self, command: str) -> int:
        """The id of its process with this in its command line."""
        for pid in processes.descendants(self.supervisor):
            if command in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                return pid
        raise LookupError(command)

    def finish(self, experiment: int) -> float:
        """Ask over REST until the experiment has finished; seconds from its submission to its last row."""
        while not ExperimentStatus(self.client.experiment(experiment).status).is_finished:
            time.sleep(0.5)
        row = experiments.experiment(self.database, experiment).row
        assert row.finished_at is not None
        return (row.finished_at - row.created_at).total_seconds()


@contextmanager
def running_service() -> Iterator[Service]:
    """A service with a SQLite database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/phaselab.db"
        variables = {"PHASELAB_DATABASE_URL": url, "PHASELAB_CPUS": str(CPUS), "PHASELAB_IDLE_SECONDS": "600"}
        command = [sys.executable, "-P", "-m", "phaselab.service", "serve", "--port", "0"]
        process = subprocess.Popen(command, env=os.environ | variables, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            said = (line.removeprefix("Phaselab at ").strip() for line in process.stdout if "Phaselab at" in line)
            database = Database(url)
            yield Service(Client(next(said)), database, process.pid)
            database.close()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def published(name: str, seeds: range, labels: str = "binary") -> dict[str, Any]:
    """A spec at the published setting."""
    network = PUBLISHED["network"] | {"labels": labels}
    return {"name": name} | PUBLISHED | {"network": network, "seeds": list(seeds)}


def main_thread_seconds(pid: int) -> float:
    """CPU seconds of a process's main thread: in the scheduler Tune's loop, with the storing of results in it."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def computing(service: Service, experiment: int) -> tuple[float, int]:
    """Seconds that workers computed for an experiment, and stacks: those that landed at one moment."""
    query = (
        select(func.sum(runs.c.seconds), func.count(runs.c.landed_at.distinct()))
        .join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
        .where(experiment_runs.c.experiment_id == experiment)
    )
    with service.database.reading() as session:
        seconds, stacks = session.execute(query).one()
    return float(seconds), int(stacks)


def overhead(service: Service, console: Console, count: int) -> None:
    """Share of the workers' time that is spent computing, from POST to the last row."""
    scheduler = service.process("phaselab.service.processes.run_scheduler")
    before = main_thread_seconds(scheduler)
    experiment = service.client.submit(published("overhead", range(1000, 1000 + count))).id
    wall = service.finish(experiment)
    seconds, stacks = computing(service, experiment)
    tune = main_thread_seconds(scheduler) - before
    console.print(
        f"{count} runs, POST to last row: {wall:.1f} s ({count / wall:.1f} runs / s, {stacks} stacks);"
        f" {seconds / (CPUS * wall):.1%} of worker time computing;"
        f" Tune's loop with the storing of results {tune / (CPUS * wall):.1%} of {CPUS} CPUs"
        f" ({1000 * tune / stacks:.0f} ms a stack)"
    )


def fairness(service: Service, console: Console, count: int) -> None:
    """A small experiment alone, and behind one of another owner that is ten times larger. Three owners, for what
    one has used counts against them."""
    seeds = iter(range(100_000, 10**9, 10 * count))

    def submitted(owner: str, runs: int) -> int:
        first = next(seeds)
        return submit(service.database, published(owner, range(first, first + runs)), owner).id

    alone = service.finish(submitted("alone", count))
    large = submitted("large", 10 * count)
    while experiments.experiment(service.database, large).counts.done == 0:
        time.sleep(0.1)
    behind = service.finish(submitted("small", count))
    done = experiments.experiment(service.database, large).counts.done
    experiments.cancel(service.database, large)
    console.print(
        f"{count} runs alone: {alone:.1f} s; behind {10 * count} of another owner: {behind:.1f} s"
        f" ({behind / alone:.2f} times; half the machine is 2), when the other had {done} done"
    )


def memory(service: Service, console: Console, count: int, rounds: int = ROUNDS) -> None:
    """Memory of api and scheduler while about `count` tiny runs go through, and are looked at after every round."""
    scheduler = service.process("phaselab.service.processes.run_scheduler")
    watched = {"api": service.process("-m phaselab.api"), "scheduler": scheduler}
    table = Table(title="Own resident memory, MB")
    for column in ("tiny runs", *watched, "runs / s"):
        table.add_column(column, justify="right")
    table.add_row("0", *(f"{megabytes(pid):.0f}" for pid in watched.values()), "")
    seeds = count // rounds // TINY_POINTS
    for i in range(rounds):
        spec = {"name": f"tiny {i}", "seeds": list(range(i * seeds, (i + 1) * seeds))} | TINY
        experiment = service.client.submit(spec).id
        rate = seeds * TINY_POINTS / service.finish(experiment)
        service.client.diagram(experiment, *AXES)
        service.client.curves(experiment, AXES[:2])
        done = f"{(i + 1) * seeds * TINY_POINTS:,}"
        table.add_row(done, *(f"{megabytes(pid):.0f}" for pid in watched.values()), f"{rate:.0f}")
    console.print(table)


def report_memory(console: Console) -> None:
    """Print the memory of api and scheduler over many tiny runs; takes minutes."""
    with running_service() as service:
        memory(service, console, MANY, 2 * ROUNDS)


def report(console: Console, count: int = 600, tiny: int = 10_000) -> None:
    """Print overhead, fairness and memory."""
    with running_service() as service:
        service.finish(service.client.submit(published("warm", range(WARM))).id)
        overhead(service, console, count)
        fairness(service, console, max(20, count // 10))
        memory(service, console, tiny)


if __name__ == "__main__":
    report(Console(), *(int(number) for number in sys.argv[1:3]))
