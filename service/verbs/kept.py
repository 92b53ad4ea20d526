"""Changes that are made once, however often they are asked for: by the key of the request, for a day.

What is answered is written in the transaction of the change itself. So neither is there without the other, and of
requests under one key that come at once, one makes the change and the others wait for it.
"""

from collections.abc import Callable
from typing import TypeVar

from phaselab.db.schema.database import Database, Session
from phaselab.db.writing import kept
from phaselab.db.writing.kept import Answer as Answer
from phaselab.db.writing.kept import Call as Call
from phaselab.service.base.errors import Conflict

Given = TypeVar("Given")


def once(database: Database, call: Call, do: Callable[[], Given], told: Callable[[Given], Answer]) -> Given | Answer:
    """What `do` gives, of which `told` says what is kept; or what is kept of this same call, if it was made before.

    The transactions of `do` are one, with what is kept. Where it raises, or changes nothing, nothing is kept. Raises
    Conflict for a key under which something else was asked for, and for an answer that held a secret.
    """
    with database.reading() as session:
        earlier = _earlier(session, call)
    if earlier is not None:
        return earlier

    def look(session: Session) -> None:
        found = _earlier(session, call)
        if found is not None:
            raise _DoneMeanwhile(found)

    try:
        with database.joined(look) as joint:
            given = do()
            if joint.session is not None:
                kept.keep(joint.session, call, told(given))
    except _DoneMeanwhile as done:
        return done.answer
    return given


class _DoneMeanwhile(Exception):
    """Another request under the key was faster."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _earlier(session: Session, call: Call) -> Answer | None:
    found = kept.find(session, call.account, call.key)
    if found is None:
        return None
    if found.call != call:
        raise Conflict(
            f"the Idempotency-Key {call.key!r} was used for another request ({found.call.method}"
            f" {found.call.address[:200]} at {found.at:%Y-%m-%d %H:%M:%S} UTC); send a new key with a new request"
        )
    if found.answer.body is None and found.answer.status != 204:
        raise Conflict(
            f"what this Idempotency-Key asked for was done at {found.at:%Y-%m-%d %H:%M:%S} UTC, and answered with a"
            " secret, which is not kept: if that answer was lost, revoke what it made, and make another"
        )
    return found.answer
