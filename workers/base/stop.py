"""Stopping a computation between two of its steps."""

from collections.abc import Callable


class Stopped(Exception):
    """The caller asked for the computation to stop; nothing was computed."""


Stop = Callable[[], bool]
"""Asked between steps; true stops the computation."""


def check(stop: Stop | None) -> None:
    """Raise Stopped if the caller wants to stop."""
    if stop is not None and stop():
        raise Stopped
