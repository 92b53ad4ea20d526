"""Texts that people give to be shown: one line of printable characters, the same in every format."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

MAX_LINE = 200
_JOINERS = "\u200c\u200d"
"""Format characters that words of some scripts, and some emoji, are written with."""
_BLANK = " \u115f\u1160\u2800\u3164\uffa0" + _JOINERS
"""Characters that count as letters or signs, and show nothing."""


def printable(text: str) -> str:
    """The text, if it is one line of printable characters. Raises ValueError."""
    if text.isprintable():
        return text
    for place, character in enumerate(text, start=1):
        if not _prints(character):
            code = f"U+{ord(character):04X}"
            raise ValueError(f"it must be one line of printable text; leave out character {place}, {code}")
    return text


Printable = Annotated[str, AfterValidator(printable)]
"""A text that is one line of printable characters."""


def one_line(text: str) -> str:
    """The text, if it is one line of printable characters with something to see. Raises ValueError."""
    if all(character in _BLANK or character.isspace() for character in printable(text)):
        raise ValueError("it is blank; a name needs a letter, a digit or a sign")
    return text


Line = Annotated[str, Field(min_length=1, max_length=MAX_LINE), AfterValidator(one_line)]
"""A name or a label: what people give to be shown."""


def shown(text: str) -> str:
    """The text with what cannot be shown written out: a line break as \\n, U+2028 as \\u2028. For texts that came in
    before they were checked, or from elsewhere."""
    if text.isprintable():
        return text
    return "".join(c if _prints(c) else c.encode("unicode_escape").decode() for c in text)


def span(seconds: float) -> str:
    """A time span in the units that fit: `45 s`, `12 min`, `3 h 20 min`, `2 days 4 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    hours = round(minutes / 60)
    return f"{hours // 24} days" + (f" {hours % 24} h" if hours % 24 else "")


def shortened(text: str, most: int) -> str:
    """The text in at most `most` characters, its end cut off if need be."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _prints(character: str) -> bool:
    if character.isprintable() or character in _JOINERS:
        return True
    kind, code = unicodedata.category(character), ord(character)
    if kind == "Cn":  # not assigned yet as far as this Python knows, or never to be
        return code & 0xFFFE != 0xFFFE and not 0xFDD0 <= code <= 0xFDEF
    return kind == "Zs"


def amount(size: float) -> str:
    """Bytes in the unit that fits: `17 bytes`, `1.86 MB`, `69.4 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(size) < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} TB"
