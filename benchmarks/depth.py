"""CPU time of deeper networks at the published sizes, against a literal loop in the same run, and against d.

One thread, and CPU time: what other processes do on the machine is left out but for what they take of caches.
"""

import statistics
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.literal import LiteralSetting, one_run
from benchmarks.stacks import stack
from phaselab.workers.base.recent import RECENT
from phaselab.workers.trial.run_stack import run_stack

DEPTH, NEURONS = 3, 64
STACKS = ((1, 1), (8, 8), (64, 1))
"""(data sets, runs that share each)."""
DIMENSIONS = (1_000, 3_072, 10_000, 100_000, 1_000_000)
REPEATS = 3
OUTPUTS = {"binary": 2, "clusters": 10}


def compute_literally(labels: str) -> int:
    """One run of the literal loop: plain autograd, the attack in d dimensions."""
    one_run(LiteralSetting(labels, depth=DEPTH, neurons=NEURONS))
    return 1


def compute_stack(labels: str, seeds: int, shared: int, d: int = 3072, methods: tuple[str, ...] = ("pgd",)) -> int:
    """One stack: train, measure, attack and check. Nothing is kept from one repetition to the next."""
    RECENT.clear()
    changes = {"kind": "mlp", "depth": DEPTH, "width": NEURONS // OUTPUTS[labels], "labels": labels}
    network = {f"network__{name}": value for name, value in changes.items()}
    one = stack(seeds, shared, data__d=d, attack__methods=list(methods), **network)
    return len(run_stack(one))


def report(console: Console) -> None:
    """Print the table of speeds of each form of labels, and the cost against d."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for labels in OUTPUTS:
        console.print(_speeds(labels, console))
    console.print(_against_d(console))
    torch.set_num_threads(threads)


def cpu_seconds(call: Callable[[], int]) -> float:
    """CPU seconds of a run, of a call that computes some and returns how many."""
    start = time.process_time()
    runs = call()
    return (time.process_time() - start) / runs


def _speeds(labels: str, console: Console) -> Table:
    """The literal loop before, between and after the stacks; all once more before, uncounted."""
    size = f"depth {DEPTH}, {OUTPUTS[labels] * (NEURONS // OUTPUTS[labels])} neurons a layer"
    table = Table(title=f"{labels}: {size}, else as published; pgd on every readout from both ways, checks")
    for column in ("", "stack", "CPU s a run", "times the literal loop"):
        table.add_column(column, justify="right")
    compute_stack(labels, 1, 1)
    literal, found = [cpu_seconds(lambda: compute_literally(labels))], list[float]()
    for seeds, shared in track(STACKS, f"{labels}: stacks", console=console, transient=True):
        found.append(cpu_seconds(lambda seeds=seeds, shared=shared: compute_stack(labels, seeds, shared)))  # type: ignore[misc]
        literal.append(cpu_seconds(lambda: compute_literally(labels)))
    loop = statistics.median(literal)
    table.add_row("literal loop", "1", f"{loop:.2f}", "1")
    for (seeds, shared), each in zip(STACKS, found, strict=True):
        name = f"{seeds * shared}" + (f" ({seeds} data sets)" if shared > 1 else "")
        table.add_row("gram", name, f"{each:.3f}", f"{loop / each:.0f}")
    return table


def _against_d(console: Console) -> Table:
    table = Table(title="binary, a stack of 8, times that of d = 3,072")
    compute_stack("binary", 1, 1)
    times = {
        d: statistics.median(cpu_seconds(lambda d=d: compute_stack("binary", 8, 1, d)) for _ in range(REPEATS))  # type: ignore[misc]
        for d in track(DIMENSIONS, console=console)
    }
    for d in DIMENSIONS:
        table.add_column(f"{d:,}", justify="right")
    table.add_row(*(f"{times[d] / times[3072]:.2f}" for d in DIMENSIONS))
    return table
