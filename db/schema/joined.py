"""The transactions of one call, made one, so that what it did and what is kept of it are stored together."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Self

from sqlalchemy.orm import Session


class Joined:
    """One transaction in place of those that a block opens: begun with the first of them, which `first` is told of,
    stored when the block ends, undone when it or one of them raises. `session` while it is open."""

    def __init__(
        self, owner: object, begin: Callable[[], AbstractContextManager[Session]], first: Callable[[Session], None]
    ) -> None:
        self.owner = owner
        self.session: Session | None = None
        self._begin = begin
        self._first = first
        self._stack = ExitStack()

    @contextmanager
    def entered(self) -> Iterator[Session]:
        """One of the transactions."""
        try:
            if self.session is None:
                session = self._stack.enter_context(self._begin())
                self._first(session)
                self.session = session
            yield self.session
            self.session.flush()
        except BaseException:
            stack, self._stack, self.session = self._stack, ExitStack(), None
            with stack:  # undoes it at once, and tells errors of drivers plainly
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)


JOINED: ContextVar[Joined | None] = ContextVar("phaselab_joined", default=None)
"""What the transactions of this thread are parts of."""


def joined(owner: object) -> Joined | None:
    """What the transactions of this thread on a database are parts of, if they are."""
    found = JOINED.get()
    return found if found is not None and found.owner is owner else None
