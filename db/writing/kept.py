"""Answers that are kept by the Idempotency-Key of their requests, for a day."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, insert, select, tuple_
from sqlalchemy.orm import Session

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.kept_tables import kept_answers

KEPT = timedelta(hours=24)
"""How long."""
MOST = 10_000
"""Answers of one account; of more, the oldest go first."""
AT_ONCE = 100
"""Answers that go, at most, when another one comes."""


@dataclass(frozen=True)
class Call:
    """A request that changes something: whose it is, its key, method and path with query, and the sha256 of its
    body."""

    account: str
    key: str
    method: str
    address: str
    digest: str


@dataclass(frozen=True)
class Answer:
    """What it was answered; no body where that held a secret."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True)
class Kept:
    """An answer that is kept, the call that it answers, and since when."""

    call: Call
    answer: Answer
    at: datetime


def find(session: Session, account: str, key: str) -> Kept | None:
    """What is kept of an account's request under a key."""
    query = select(kept_answers).where(_is(account, key), kept_answers.c.at > database_time(session) - KEPT)
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    body = None if row.body is None else zlib.decompress(row.body)
    call = Call(row.account, row.key, row.method, row.address, row.digest)
    return Kept(call, Answer(row.status, row.headers, body), row.at)


def keep(session: Session, call: Call, answer: Answer) -> None:
    """Keep the answer of a call, and let some go whose time is over."""
    now = database_time(session)
    _let_go(session, call.account, now)
    session.execute(delete(kept_answers).where(_is(call.account, call.key)))  # one whose time is over
    row = {
        "account": call.account,
        "key": call.key,
        "method": call.method,
        "address": call.address,
        "digest": call.digest,
        "status": answer.status,
        "headers": dict(answer.headers),
        "body": None if answer.body is None else zlib.compress(answer.body),
        "at": now,
    }
    session.execute(insert(kept_answers).values(row))


def forget(session: Session, account: str) -> None:
    """Keep nothing of an account: whoever has its name next is somebody else."""
    session.execute(delete(kept_answers).where(kept_answers.c.account == account))


def forget_over(session: Session) -> int:
    """Let answers go whose time is over, AT_ONCE at most; how many went."""
    return _remove(session, kept_answers.c.at <= database_time(session) - KEPT)


def _let_go(session: Session, account: str, now: datetime) -> None:
    of = kept_answers.c
    forget_over(session)
    mine = select(of.at).where(of.account == account).order_by(of.at.desc()).offset(MOST - 1).limit(1)
    oldest = session.execute(mine).scalar_one_or_none()
    if oldest is not None:
        _remove(session, of.account == account, of.at <= oldest)


def _remove(session: Session, *which: ColumnElement[bool]) -> int:
    """Remove the oldest of these, AT_ONCE at most; how many went."""
    of = kept_answers.c
    found = select(of.account, of.key).where(*which).order_by(of.at).limit(AT_ONCE)
    keys = [tuple(row) for row in session.execute(found)]
    if keys:
        session.execute(delete(kept_answers).where(tuple_(of.account, of.key).in_(keys)))
    return len(keys)


def _is(account: str, key: str) -> ColumnElement[bool]:
    of = kept_answers.c
    return (of.account == account) & (of.key == key)
