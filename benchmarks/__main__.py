"""`make bench`: every benchmark, or those named (`python -m benchmarks speed`)."""

import sys

import torch
from rich.console import Console

from benchmarks import scaling, speed

REPORTS = {"speed": speed.report, "scaling": scaling.report}


def main(names: list[str]) -> None:
    """Print the reports."""
    unknown = set(names) - set(REPORTS)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(REPORTS)}")
    console = Console()
    console.print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
    for name in names or REPORTS:
        REPORTS[name](console)


if __name__ == "__main__":
    main(sys.argv[1:])
