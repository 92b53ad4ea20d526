"""What the supervisor says."""

import sys
from contextlib import suppress
from typing import TextIO


def tell(line: str, place: TextIO | None = None) -> None:
    """Say it, on standard error if nowhere else, whether or not anybody is there to read it."""
    with suppress(OSError):
        print(line, file=place or sys.stderr, flush=True)
