"""A small memory of a process: what consecutive stacks have in common is made once."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol, TypeVar, cast

LIMIT_BYTES = 512 * 2**20
"""Most memory that remembered values hold, unless one alone is larger."""


class Held(Protocol):
    """What can be remembered."""

    @property
    def bytes(self) -> int:
        """Memory held."""


Value = TypeVar("Value", bound=Held)


class Recent:
    """The most recently used values, together of at most `limit_bytes`, or one value alone."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._values: OrderedDict[tuple[str, ...], Held] = OrderedDict()
        self._held = 0

    def get(self, key: tuple[str, ...], make: Callable[[], Value]) -> Value:
        """The value of a key, made when it is not remembered; of one type for keys that start alike."""
        if key in self._values:
            self._values.move_to_end(key)
            return cast(Value, self._values[key])
        value = make()
        self._held += value.bytes
        while self._values and self._held > self._limit_bytes:
            _, dropped = self._values.popitem(last=False)
            self._held -= dropped.bytes
        self._values[key] = value
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._held = 0


RECENT = Recent(LIMIT_BYTES)
"""What this process used last: training sets and Gram matrices."""
