"""Cursors of lists: where the page before ended, as text."""

import base64
import hashlib
import json
import math
from typing import NamedTuple

from phaselab.domain.settings.faults import Fault, InvalidInput

LARGEST_ID = 2**31 - 1
"""Of experiments."""
_LARGEST = 2**63 - 1


def place_of(cursor: str | None) -> int | None:
    """The id of an experiment that a cursor stands for. Raises InvalidInput for one that was never given out."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20 and int(cursor) <= LARGEST_ID):
        raise no_cursor()
    return int(cursor)


def no_cursor() -> InvalidInput:
    """What is raised for a cursor that was never given out for this list."""
    return InvalidInput([Fault("/cursor", "this is no cursor of this list; send the `next` of the page before")])


class Mark(NamedTuple):
    """The end of a page: how many items there were up to it, how many there are in all, and the values that the list
    is sorted by."""

    before: int
    total: int
    place: tuple[int | float | str | None, ...]

    def sealed(self, asked: object) -> str:
        """The cursor of what follows, in the list that was asked for."""
        text = json.dumps([_digest(asked), self.before, self.total, *self.place], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def mark_of(cursor: str, asked: object) -> Mark:
    """What was sealed in a cursor of the list that is asked for. Raises InvalidInput for a cursor that was never given
    out, or for another list; that the place has the types of its list is left to who knows them."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        digest, before, total, *place = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise no_cursor() from None
    whole = all(type(number) is int and 0 <= number <= _LARGEST for number in (before, total))
    plain = all(one is None or type(one) in (int, str) or (type(one) is float and math.isfinite(one)) for one in place)
    if digest != _digest(asked) or not whole or not plain:
        raise no_cursor()
    return Mark(before, total, tuple(place))


def _digest(asked: object) -> str:
    """Of a list: by its fields, as they are written out."""
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:12]
