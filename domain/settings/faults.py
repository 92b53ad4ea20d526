"""Faults: of an input, where each names its place and what would be right, and of an installation.

Any other exception is a bug, and keeps its traceback.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Fault:
    """One fault of an input.

    `pointer` is a JSON pointer into what was sent (`/sweep/data.k/2`); `detail` is one sentence that
    says what is wrong and what would be right; `line` is that of the text, from 1, where one was sent.
    """

    pointer: str
    detail: str
    line: int | None = None


class InvalidInput(Exception):
    """What was sent cannot be used; carries every fault found, at least one."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in self.faults))


class Damaged(ValueError):
    """A stored value is not what was stored, and cannot be read. The message says which, and how that was seen."""


class OperatorFault(Exception):
    """Something that whoever runs the service has to mend: the text says what is wrong and what would be right."""

    passes: ClassVar[bool] = False
    """Whether it may be over by itself, so that it is worth trying again."""


def plain_words(message: str) -> str:
    """Pydantic's words in those of YAML and JSON; words of our own as they are."""
    message = re.sub(r"a valid dictionary or instance of \w+", "a mapping of keys to values", message)
    return message.removeprefix("Value error, ").replace("a valid tuple", "a list").replace("Tuple", "List")


def pointer(*parts: str | int) -> str:
    """The RFC 6901 pointer of a path: `pointer("sweep", "data.k", 2) == "/sweep/data.k/2"`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
