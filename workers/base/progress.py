"""How far the computing is: told between steps, wherever it also looks whether to stop, to whoever listens.

It goes past the arguments of everything between, for only the two ends have a use for it; where nobody listens
nothing happens.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TypeVar

from phaselab.domain.results.parcels import Progress
from phaselab.domain.results.states import Stage

Item = TypeVar("Item")
Value = TypeVar("Value")


Listener = Callable[[Progress], None]


@dataclass(frozen=True)
class _Place:
    """Who listens, which run is at work, and which part of its stage."""

    listener: Listener
    key: str | None = None
    start: float = 0.0
    width: float = 1.0


_place: ContextVar[_Place | None] = ContextVar("place", default=None)


def tell(stage: Stage, done: float, total: int) -> None:
    """`done` of `total` equal steps are done of this stage, or of the part of it that is at work."""
    place = _place.get()
    if place is not None:
        place.listener(Progress(stage, place.start + place.width * done / max(total, 1), place.key))


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Tell `listener` from here on."""
    with _at(_Place(listener)):
        yield


@contextmanager
def part(number: int, parts: int) -> Iterator[None]:
    """What is told in here is about part `number`, from 0, of so many equal parts of the stage."""
    place = _place.get()
    if place is not None:
        width = place.width / parts
        place = replace(place, start=place.start + number * width, width=width)
    with _at(place):
        yield


def each(items: Sequence[Item], compute: Callable[[Item], Value]) -> list[Value]:
    """What is computed of each item, the items being equal parts of the stage."""
    values = []
    for number, item in enumerate(items):
        with part(number, len(items)):
            values.append(compute(item))
    return values


@contextmanager
def run_at_work(key: str) -> Iterator[None]:
    """What is told in here is about one run of the stack, from its beginning."""
    place = _place.get()
    with _at(place and _Place(place.listener, key)):
        yield


@contextmanager
def _at(place: _Place | None) -> Iterator[None]:
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)
