"""Reading what a server answers: whatever is wrong with it becomes one error of the tree."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

from phaselab.client.errors import BadAnswer

T = TypeVar("T")

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


def known(kind: type[T], answer: Mapping[str, Any]) -> T:
    """A value of a dataclass, of its fields' types, from an answer that may hold more. Raises KeyError for what it
    lacks and what has no default, which stands for what older servers do not say, and ValueError for another type."""
    given = [one.name for one in fields(kind) if one.name in answer or one.default is MISSING]  # type: ignore[arg-type]
    read: T = _reader(cast(Any, kind)).validate_python({name: answer[name] for name in given})
    return read


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def of_kind(kind: type[T], value: Any) -> T:
    """The value, which is of this kind. Raises TypeError."""
    if not isinstance(value, kind):
        raise TypeError(f"{value!r:.60} is no {kind.__name__}")
    return value
