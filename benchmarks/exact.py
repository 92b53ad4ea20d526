"""Time and gap of the exact method over kinds of networks: the table of docs/methods/exact.md, section 8."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import torch
from rich.console import Console
from rich.table import Table

from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.exact.exact import RobustRadii, decision_radii, robust_radii
from phaselab.workers.families.two_layer import train_networks
from phaselab.workers.networks.two_layer import network_of

OPEN = 1e-6
"""Relative gap from which on a bracket counts as open."""
REPEATS = 3
"""How often a row is timed; the shortest counts."""
LONG = 20.0
"""Seconds after which a row is not timed again."""


class Row(NamedTuple):
    """A kind of network, by what it has beside the published setting."""

    name: str
    points: int
    readout: Literal["sum", "max", "decision"]
    network: Mapping[str, Any]
    data: Mapping[str, Any] = {}


def _wide(labels: str, width: int, init_scale: float = 1e-5) -> Mapping[str, Any]:
    return {"labels": labels, "width": width, "init_scale": init_scale}


ROWS = (
    Row("binary, width 5 (published)", 1000, "sum", {}),
    Row("clusters, width 1 (published)", 1000, "sum", {"labels": "clusters"}),
    Row("clusters, width 1 (published)", 1000, "max", {"labels": "clusters"}),
    Row("clusters, width 1 (published)", 1000, "decision", {"labels": "clusters"}),
    Row("binary, width 20", 60, "sum", _wide("binary", 20)),
    Row("binary, width 100", 60, "sum", _wide("binary", 100)),
    *(Row(f"clusters, k {k}", 60, "sum", {"labels": "clusters"}, {"k": k}) for k in (20, 30, 40)),
    *(Row(f"clusters, width {width}", 60, "sum", _wide("clusters", width)) for width in (5, 10)),
    Row("clusters, width 10", 60, "max", _wide("clusters", 10)),
    *(Row(f"binary, width {width}, init_scale 1e-3", 30, "sum", _wide("binary", width, 1e-3)) for width in (20, 50)),
    Row("binary, width 100, init_scale 1e-3", 30, "sum", _wide("binary", 100, 1e-3)),
    Row("binary, width 50, init_scale 1e-2", 30, "sum", _wide("binary", 50, 1e-2)),
)


def report(console: Console) -> None:
    """Print the table, measured with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    table = Table(
        title=f"exact radii, one thread, least of up to {REPEATS} times; gaps are relative to the upper bound"
    )
    for column in ("network", "points", "readout", "ms per point", "CPU ms per point", "open", "median gap", "largest"):
        table.add_column(column, justify="right")
    for row in ROWS:
        table.add_row(*_measured(row))
    torch.set_num_threads(threads)
    console.print(table)


def _measured(row: Row) -> tuple[str, ...]:
    (found, *times) = _timed(_solver(row))
    right = found.upper > 0
    gap = ((found.upper - found.lower) / found.upper)[right]
    wall, cpu = (1e3 * one / row.points for one in times)
    shares = f"{float((gap > OPEN).double().mean()):.0%}", f"{float(gap.median()):.1e}", f"{float(gap.max()):.1e}"
    return row.name, str(row.points), row.readout, f"{wall:.3g}", f"{cpu:.3g}", *shares


def _solver(row: Row) -> Callable[[], RobustRadii]:
    """What computes the radii of a trained network of the row."""
    given = {"data": dict(row.data), "network": dict(row.network), "attack": {"test_points": row.points}}
    run = Run.of(resolve(Settings.model_validate(given)), 0)
    _, networks = train_networks([run], "cpu", None)
    network = network_of(run.settings, "cpu")
    seen, spanned = networks.preactivations.mT, networks.spanned
    readout = row.readout
    if readout == "decision":
        return lambda: decision_radii(seen, spanned, network.layout, networks.label)
    return lambda: robust_radii(seen, spanned, network.layout, networks.side, readout)


def _timed(compute: Callable[[], RobustRadii]) -> tuple[RobustRadii, float, float]:
    """(what it gives, least seconds, least seconds of CPU) of up to REPEATS times."""
    walls, cpus = [], []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        found = compute()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        if sum(walls) > LONG:
            break
    return found, min(walls), min(cpus)
