"""Cost of a run against the sizes of its setting, each as a ratio to the published one; and memory."""

import subprocess
import sys
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.stacks import seconds, stack
from phaselab.workers.base.recent import RECENT
from phaselab.workers.trial.run_stack import run_stack

SIZES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("data__d", (1_000, 10_000, 100_000, 1_000_000)),
    ("data__n", (250, 500, 2000)),
    ("data__k", (4, 20, 40)),
    ("network__width", (1, 2, 10)),
    ("training__steps", (10, 1000)),
)
STACK = 8
MEMORY_STACKS = (1, 8, 64)


def stack_seconds(**changes: object) -> float:
    """Seconds of a stack of binary runs of different data."""
    one = stack(STACK, **changes)

    def call() -> None:
        RECENT.clear()
        run_stack(one)

    return seconds(call, repeats=3)


def peak_memory(size: int) -> float:
    """Most memory, in MB, of a fresh process that computes one stack."""
    program = f"from benchmarks.scaling import compute_and_tell; compute_and_tell({size})"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return float(done.stdout)


def compute_and_tell(size: int) -> None:
    """Compute a stack of `size` runs (0 for none) and print this process's peak memory in MB."""
    torch.set_num_threads(1)
    if size:
        run_stack(stack(size))
    status = Path("/proc/self/status").read_text()  # getrusage counts the process that this one was forked from
    print(float(status.split("VmHWM:")[1].split()[0]) / 1024)


def report(console: Console) -> None:
    """Print the tables of cost and memory, on one core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    base = stack_seconds()
    table = Table(title=f"Cost of a stack of {STACK} binary runs, times that of the published setting")
    for column in ("parameter", "value", "times"):
        table.add_column(column, justify="right")
    for name, values in SIZES:
        for value in values:
            table.add_row(name.replace("__", "."), f"{value:,}", f"{stack_seconds(**{name: value}) / base:.2f}")
    console.print(table)
    idle = peak_memory(0)
    for size in MEMORY_STACKS:
        console.print(f"Peak memory of a stack of {size}: {peak_memory(size) - idle:.0f} MB above an idle worker")
    torch.set_num_threads(threads)
