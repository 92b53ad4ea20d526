"""Runs per second of train + measure + attack at the published setting, against a literal loop in the same run."""

import time

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch.profiler import ProfilerActivity, profile

from benchmarks.cores import cores, rate_on_all_cores
from benchmarks.literal import LiteralSetting, one_run
from benchmarks.stacks import seconds, stack
from phaselab.workers.base.recent import RECENT
from phaselab.workers.trial.run_stack import run_stack

STACKS = ((1, 1), (8, 1), (64, 1), (8, 8))
"""(data sets, runs that share each)."""
FORMS = ("binary", "clusters")
PRODUCTS = ("aten::mm", "aten::bmm", "aten::addmm", "aten::baddbmm", "aten::addbmm")
PROFILED = 16
"""Runs of the stack whose time is split up."""
REPEATS = 5


def literal_rate(labels: str) -> float:
    """Runs per second of the literal loop, one run at a time with a thread per core, after a short one that is not
    counted.
    """
    one_run(LiteralSetting(labels, steps=2, attack_steps=2))
    start = time.perf_counter()
    one_run(LiteralSetting(labels))
    return 1 / (time.perf_counter() - start)


def compute_literally(labels: str) -> int:
    """One run of the literal loop."""
    one_run(LiteralSetting(labels))
    return 1


def compute_stack(labels: str, seeds: int, shared: int, engine: str) -> int:
    """One stack. Nothing is kept from one repetition to the next."""
    RECENT.clear()
    one = stack(seeds, shared, network__labels=labels, training__engine=engine, data__draw="auto")
    return len(run_stack(one))


def peak_rate() -> float:
    """Operations per second of a large single-precision matrix product on one core."""
    a = torch.randn(2048, 2048)
    return 2 * 2048**3 / seconds(lambda: a @ a, repeats=7)


def product_share(labels: str) -> tuple[float, float]:
    """Share of the time that a stack spends in matrix products on one core, and their operations per second."""
    compute_stack(labels, PROFILED, 1, "gram")
    with profile(activities=[ProfilerActivity.CPU], with_flops=True) as profiled:
        compute_stack(labels, PROFILED, 1, "gram")
    events = profiled.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    products = [event for event in events if event.key in PRODUCTS]
    spent = sum(event.self_cpu_time_total for event in products)
    return spent / total, sum(event.flops for event in products) / (spent * 1e-6)


def report(console: Console) -> None:
    """Print the table of speeds of each form of labels, and what the time goes into."""
    for labels in FORMS:
        console.print(_speeds(labels, console))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    peak = peak_rate()
    for labels in FORMS:
        share, products = product_share(labels)
        console.print(
            f"{labels}: matrix products take {share:.0%} of a stack of {PROFILED}, at {products / 1e9:.0f} GFLOP/s,"
            f" {products / peak:.0%} of what a large product reaches on a core ({peak / 1e9:.0f})"
        )
    torch.set_num_threads(threads)


def _speeds(labels: str, console: Console) -> Table:
    title = f"{labels}: k 10, d 3072, n 1000, 100 steps; 13 radii x 1000 points x 40 steps. {cores()} cores."
    table = Table(title=title + " pgd on every readout, exact, and checks; the literal loop without exact and checks")
    for column in ("engine", "stack", "runs / s", "times the literal loop"):
        table.add_column(column, justify="right")
    alone, beside = literal_rate(labels), rate_on_all_cores(compute_literally, 1, labels)
    yardstick = max(alone, beside)
    table.add_row("literal loop, a thread per core", "1", f"{alone:.3f}", f"{alone / yardstick:.2f}")
    table.add_row("literal loop, a process per core", "1", f"{beside:.3f}", f"{beside / yardstick:.2f}")
    cases = [("autograd", 1, 1), *(("gram", *sizes) for sizes in STACKS)]
    for engine, seeds, shared in track(cases, f"{labels}: stacks", console=console, transient=True):
        found = rate_on_all_cores(compute_stack, REPEATS if engine == "gram" else 1, labels, seeds, shared, engine)
        name = f"{seeds * shared}" + (f" ({seeds} data sets)" if shared > 1 else "")
        table.add_row(engine, name, f"{found:.2f}", f"{found / yardstick:.0f}")
    return table
