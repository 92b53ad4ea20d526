"""What is written to standard output and error, whatever they can show."""

import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 250
"""Width of lines for a reader that is no terminal."""


@dataclass(frozen=True)
class Screen:
    """What is printed to: a terminal, with its width and whether it has colours enough for a scale, or a wide page
    without."""

    console: "Console"
    width: int
    coloured: bool


def screen() -> Screen:
    """Standard output. Lines are not broken for a reader that is no terminal."""
    from rich.console import Console  # noqa: PLC0415 - help has no use for it, and it takes time

    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    coloured = console.color_system in ("256", "truecolor") and not console.no_color
    return Screen(console, console.width, coloured)


def write_anything() -> None:
    """Letters that the encoding of an output lacks are written out (σ as \\u03c3), instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
