"""Reading what a server answers: whatever is wrong with it becomes one error of the tree."""

from collections.abc import Iterator
from contextlib import contextmanager

from phaselab.client.errors import BadAnswer

UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading raises for an answer that lacks something, or has another kind of it."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """The one place where an answer that cannot be read becomes BadAnswer: the server `what`, as "lists runs"."""
    try:
        yield
    except UNREADABLE as error:
        told = f"{type(error).__name__}: {error}"
        raise BadAnswer(f"the server {what} in a way this client cannot read: {told:.200}") from None
