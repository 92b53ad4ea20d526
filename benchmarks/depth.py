"""Runs per second of deeper networks at the published sizes, against a literal loop in the same run, and against d."""

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.cores import cores, rate_on_all_cores
from benchmarks.literal import LiteralSetting, one_run
from benchmarks.stacks import seconds, stack
from phaselab.workers.base.recent import RECENT
from phaselab.workers.trial.run_stack import run_stack

DEPTH, NEURONS = 3, 64
STACKS = ((1, 1), (8, 8), (64, 1))
"""(data sets, runs that share each)."""
DIMENSIONS = (1_000, 3_072, 10_000, 100_000, 1_000_000)
REPEATS = 2
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
    for labels in OUTPUTS:
        console.print(_speeds(labels, console))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    console.print(_against_d(console))
    torch.set_num_threads(threads)


def _speeds(labels: str, console: Console) -> Table:
    size = f"depth {DEPTH}, {OUTPUTS[labels] * (NEURONS // OUTPUTS[labels])} neurons a layer"
    table = Table(
        title=f"{labels}: {size}, else as published, {cores()} cores; pgd on every readout from both ways, checks"
    )
    for column in ("", "stack", "runs / s", "times the literal loop"):
        table.add_column(column, justify="right")
    literal = rate_on_all_cores(compute_literally, 1, labels)
    table.add_row("literal loop, a process per core", "1", f"{literal:.4f}", "1")
    for seeds, shared in track(STACKS, f"{labels}: stacks", console=console, transient=True):
        found = rate_on_all_cores(compute_stack, REPEATS, labels, seeds, shared)
        name = f"{seeds * shared}" + (f" ({seeds} data sets)" if shared > 1 else "")
        table.add_row("gram", name, f"{found:.3f}", f"{found / literal:.0f}")
    return table


def _against_d(console: Console) -> Table:
    table = Table(title="binary, a stack of 8 on one core, times that of d = 3,072")
    times = {
        d: seconds(lambda d=d: compute_stack("binary", 8, 1, d), REPEATS) for d in track(DIMENSIONS, console=console)
    }
    for d in DIMENSIONS:
        table.add_column(f"{d:,}", justify="right")
    table.add_row(*(f"{times[d] / times[3072]:.2f}" for d in DIMENSIONS))
    return table
