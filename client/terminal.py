"""What is written to standard output and error, whatever they can show."""

import io
import sys


def write_anything() -> None:
    """Letters that the encoding of an output lacks are written out (σ as \\u03c3), instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
