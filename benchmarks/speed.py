"""Runs per second of train + measure + attack at the published setting, against a literal loop in the same process."""

import time

import torch
from rich.console import Console
from rich.table import Table
from torch.profiler import ProfilerActivity, profile

from benchmarks.literal import LiteralSetting, one_run
from benchmarks.stacks import seconds, stack
from workers.cache import RECENT
from workers.run_stack import run_stack

STACKS = ((1, 1), (8, 1), (64, 1), (8, 8))
"""(data sets, runs that share each)."""
FORMS = ("binary", "clusters")
PRODUCTS = ("aten::mm", "aten::bmm", "aten::addmm", "aten::baddbmm", "aten::addbmm")
PROFILED = 16
"""Runs of the stack whose time is split up."""


def literal_rate(labels: str) -> float:
    """Runs per second of the literal loop: one run, after a short one that is not counted."""
    one_run(LiteralSetting(labels, steps=2, attack_steps=2))
    start = time.perf_counter()
    one_run(LiteralSetting(labels))
    return 1 / (time.perf_counter() - start)


def rate(labels: str, seeds: int, shared: int, engine: str) -> float:
    """Runs per second of one stack. Nothing is kept from one repetition to the next."""
    one = stack(seeds, shared, network__labels=labels, training__engine=engine, data__draw="auto")

    def call() -> None:
        RECENT.clear()
        run_stack(one)

    return seeds * shared / seconds(call, repeats=3 if engine == "gram" else 1)


def peak_rate() -> float:
    """Operations per second of a large single-precision matrix product on this machine."""
    a = torch.randn(2048, 2048)
    return 2 * 2048**3 / seconds(lambda: a @ a, repeats=7)


def product_share(labels: str) -> tuple[float, float]:
    """Share of the time that a stack spends in matrix products, and their operations per second."""
    one = stack(PROFILED, 1, network__labels=labels)
    RECENT.clear()
    with profile(activities=[ProfilerActivity.CPU], with_flops=True) as profiled:
        run_stack(one)
    events = profiled.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    products = [event for event in events if event.key in PRODUCTS]
    spent = sum(event.self_cpu_time_total for event in products)
    return spent / total, sum(event.flops for event in products) / (spent * 1e-6)


def report(console: Console) -> None:
    """Print the table of speeds of each form of labels."""
    title = "Runs per second, published setting: k 10, d 3072, n 1000, 100 steps; 13 radii x 1000 points x 40 steps"
    table = Table(title=title + "; pgd on every readout, exact, and checks; the literal loop without exact and checks")
    for column in ("labels", "engine", "stack", "runs / s", "times the literal loop"):
        table.add_column(column, justify="right")
    for labels in FORMS:
        yardstick = literal_rate(labels)
        table.add_row(labels, "literal loop", "1", f"{yardstick:.3f}", "1")
        autograd = rate(labels, 1, 1, "autograd")
        table.add_row(labels, "autograd", "1", f"{autograd:.3f}", f"{autograd / yardstick:.1f}")
        for seeds, shared in STACKS:
            found = rate(labels, seeds, shared, "gram")
            name = f"{seeds * shared}" + (f" ({seeds} data sets)" if shared > 1 else "")
            table.add_row(labels, "gram", name, f"{found:.2f}", f"{found / yardstick:.0f}")
    console.print(table)
    peak = peak_rate()
    for labels in FORMS:
        share, products = product_share(labels)
        console.print(
            f"{labels}: matrix products take {share:.0%} of a stack of {PROFILED}, at {products / 1e9:.0f} GFLOP/s,"
            f" {products / peak:.0%} of what a large product reaches ({peak / 1e9:.0f})"
        )
