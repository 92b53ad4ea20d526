"""`make bench`: every benchmark, or those named (`python -m benchmarks speed`)."""

import sys

import torch
from rich.console import Console

from benchmarks import (
    coverage,
    database,
    depth,
    exact,
    independent,
    load,
    measures,
    pages,
    populations,
    refinement,
    scaling,
    service,
    speed,
    trajectory,
)

REPORTS = {
    "speed": speed.report,
    "scaling": scaling.report,
    "service": service.report,
    "database": database.report,
}
ON_DEMAND = {
    "database-full": database.full,
    "database-postgresql": database.on_postgresql,
    "memory": service.report_memory,
    "exact": exact.report,
    "depth": depth.report,
    "load": load.report,
    "independent": independent.report,
    "coverage": coverage.report,
    "populations": populations.report,
    "measures": measures.report,
    "pages": pages.report,
    "refinement": refinement.report,
    "trajectory": trajectory.report,
}
"""Those that run only when they are named."""


def main(names: list[str]) -> None:
    """Print the reports."""
    known = REPORTS | ON_DEMAND
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
    for name in names or REPORTS:
        known[name](console)


if __name__ == "__main__":
    main(sys.argv[1:])
