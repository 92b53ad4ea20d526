"""Faults of an input: each names its place and what would be right."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One fault of an input.

    `pointer` is a JSON pointer into what was sent (`/sweep/data.k/2`); `detail` is one sentence that
    says what is wrong and what would be right.
    """

    pointer: str
    detail: str


class InvalidInput(ValueError):
    """What was sent cannot be used; carries every fault found, at least one."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in self.faults))


def pointer(*parts: str | int) -> str:
    """The RFC 6901 pointer of a path: `pointer("sweep", "data.k", 2) == "/sweep/data.k/2"`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
