"""Cursors of lists: the id at which the page before ended, as text."""

from phaselab.domain.settings.faults import Fault, InvalidInput

LARGEST_ID = 2**31 - 1
"""Of experiments; of runs it is 2**63 - 1."""


def place_of(cursor: str | None, largest: int = LARGEST_ID) -> int | None:
    """The id that a cursor stands for. Raises InvalidInput for one that was never given out."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20 and int(cursor) <= largest):
        raise InvalidInput([Fault("/cursor", "this is no cursor; send the `next` of the page before")])
    return int(cursor)
