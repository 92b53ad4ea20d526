"""How a process ends whose fault is the operator's to mend: one line on standard error, and no traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from phaselab.domain.settings.faults import OperatorFault


@contextmanager
def told_plainly(who: str = "phaselab", lasting: int = 1) -> Iterator[None]:
    """Ends the process where an OperatorFault comes out of the block: its text on standard error after `who`, exit
    code 1, or `lasting` when trying again does not help. Whatever else comes out is a bug and is let through."""
    try:
        yield
    except OperatorFault as fault:
        print(f"{who}: {fault}", file=sys.stderr, flush=True)
        sys.exit(1 if fault.passes else lasting)
