"""Runs per second of train + measure + attack at the published setting, against a literal loop in the same process."""

import time

import torch
from rich.console import Console
from rich.table import Table
from torch.profiler import ProfilerActivity, profile

from benchmarks.literal import LiteralSetting, one_run
from benchmarks.stacks import seconds, stack
from workers.cache import forget
from workers.run_stack import run_stack

STACKS = ((1, 1), (8, 1), (64, 1), (8, 8))
"""(data sets, runs that share each)."""
FORMS = ("binary", "clusters")
PRODUCTS = ("aten::mm", "aten::bmm", "aten::addmm", "aten::baddbmm", "aten::addbmm")


def literal_rate() -> float:
    """Runs per second of the literal loop, both forms of labels alike."""
    start = time.perf_counter()
    for labels in FORMS:
        one_run(LiteralSetting(labels))
    return len(FORMS) / (time.perf_counter() - start)


def rate(seeds: int, shared: int, engine: str) -> float:
    """Runs per second of one stack of each form of labels. Nothing is kept from one repetition to the next."""
    stacks = [
        stack(seeds, shared, network__labels=labels, training__engine=engine, data__draw="auto") for labels in FORMS
    ]

    def all_stacks() -> None:
        for one in stacks:
            forget()
            run_stack(one)

    return len(FORMS) * seeds * shared / seconds(all_stacks, repeats=3 if engine == "gram" else 1)


def peak_rate() -> float:
    """Operations per second of a large single-precision matrix product on this machine."""
    a = torch.randn(2048, 2048)
    return 2 * 2048**3 / seconds(lambda: a @ a, repeats=7)


def product_share() -> tuple[float, float]:
    """Share of the time that a stack of 64 spends in matrix products, and their operations per second."""
    one = stack(64, 1)
    forget()
    with profile(activities=[ProfilerActivity.CPU], with_flops=True) as profiled:
        run_stack(one)
    events = profiled.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    products = [event for event in events if event.key in PRODUCTS]
    spent = sum(event.self_cpu_time_total for event in products)
    return spent / total, sum(event.flops for event in products) / (spent * 1e-6)


def report(console: Console) -> None:
    """Print the table of speeds."""
    yardstick = literal_rate()
    table = Table(title="Runs per second, published setting (k 10, d 3072, n 1000, 100 steps; 13 radii, both readouts)")
    for column in ("engine", "stack", "runs / s", "times the literal loop"):
        table.add_column(column, justify="right")
    table.add_row("literal loop", "1", f"{yardstick:.3f}", "1")
    autograd = rate(1, 1, "autograd")
    table.add_row("autograd", "1", f"{autograd:.3f}", f"{autograd / yardstick:.1f}")
    for seeds, shared in STACKS:
        found = rate(seeds, shared, "gram")
        name = f"{seeds * shared}" + (f" ({seeds} data sets)" if shared > 1 else "")
        table.add_row("gram", name, f"{found:.2f}", f"{found / yardstick:.0f}")
    console.print(table)
    share, products = product_share()
    console.print(
        f"Matrix products take {share:.0%} of a stack of 64, at {products / peak_rate():.0%} of this machine's peak"
    )
