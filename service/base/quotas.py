"""Quotas: how much an account may ask for, have and compute; and who has no computing left today."""

import math
import time
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime

from phaselab.db.reading import accounts, use
from phaselab.db.schema.database import Database, Session
from phaselab.domain.settings.texts import span
from phaselab.service.base.configuration import Quotas
from phaselab.service.base.errors import QuotaExceeded


def quotas_of(session: Session, owner: str, usual: Quotas) -> Quotas | None:
    """The quotas of an owner: its own where it has them, else the usual ones. None for an owner without an account."""
    account = accounts.get_account(session, owner)
    return None if account is None else quotas_for(account, usual)


def quotas_for(account: accounts.Account, usual: Quotas) -> Quotas:
    """The quotas of an account: its own where it has them, else the usual ones."""
    own = {name: getattr(account, name) for name in accounts.QUOTAS}
    return Quotas(**{name: getattr(usual, name) if value is None else value for name, value in own.items()})


@dataclass(frozen=True)
class Room:
    """What an owner may ask for: its quotas, null for one without an account; its last day and the bytes of its
    results, each null where there is no quota of it."""

    owner: str
    quotas: Quotas | None
    day: use.Day | None = None
    stored: int | None = None

    def insist_on_size(self, runs: int) -> None:
        """Raises QuotaExceeded for an experiment of more runs than the owner may ask for at once."""
        most = None if self.quotas is None else self.quotas.runs_each
        if most is not None and runs > most:
            detail = f"an experiment of {self.owner} has at most {most:,} runs, and this one {runs:,}"
            raise QuotaExceeded(f"{detail}; ask for less, or an admin for more")

    def insist_on_queue(self, session: Session) -> None:
        """Raises QuotaExceeded when more runs of the owner wait, with what has just been stored, than may."""
        most = None if self.quotas is None else self.quotas.runs_queued
        if most is not None and (waiting := use.waiting_runs(session, self.owner)) > most:
            detail = f"at most {most:,} runs of {self.owner} may wait, and {waiting:,} would"
            raise QuotaExceeded(f"{detail}; there is room again as they end")

    def insist_on_bytes(self, more: int = 1) -> None:
        """Raises QuotaExceeded when the owner has no room left for so many more bytes of results."""
        most = None if self.quotas is None else self.quotas.bytes_stored
        if most is not None and self.stored is not None and self.stored + more > most:
            brings = f", and these are {more:,} more" if more > 1 else ""
            detail = f"results of {self.owner} may take {most:,} bytes, and take {self.stored:,}{brings}"
            raise QuotaExceeded(f"{detail}; there is room again once experiments are deleted")

    def insist(self, session: Session) -> None:
        """Raises QuotaExceeded when too many runs wait, or there is no computing or no room for results left."""
        self.insist_on_queue(session)
        if self.day is not None and self.quotas is not None and self.quotas.seconds_a_day is not None:
            _insist_on_day(self.day, self.quotas.seconds_a_day, self.owner)
        self.insist_on_bytes()


def room_of(database: Database, owner: str, usual: Quotas) -> Room:
    """The room that an owner has, by its own quotas or the `usual` ones. It is looked for before something is stored:
    meanwhile everyone else would wait."""
    with database.reading() as session:
        quotas = quotas_of(session, owner, usual)
        if quotas is None:
            return Room(owner, None)
        day = None if quotas.seconds_a_day is None else use.day_of(session, owner)
        stored = None if quotas.bytes_stored is None else stored_of(database, session, owner, quotas.bytes_stored)
    return Room(owner, quotas, day, stored)


COST_UNDER, COST_OVER = 50, 4
"""A sum of stored bytes serves for so many times what it took to sum them up, while it is under the quota or over."""
_sums: dict[Hashable, tuple[int, float, float]] = {}
"""By database and owner: bytes, when they were summed up, and what that took. Seconds, of a million runs."""


def stored_of(database: Database, session: Session, owner: str, most: float = math.inf) -> int:
    """Bytes of an owner's results, as they were summed up a while ago: the longer that took, the longer it serves,
    and less while they are over the `most` that they may be."""
    which, now = (database.url, owner), time.monotonic()
    stored, at, cost = _sums.get(which, (0, -math.inf, 0.0))
    if now - at > cost * (COST_UNDER if stored < most else COST_OVER):
        stored = use.stored_bytes(session, owner)
        _sums[which] = (stored, now, time.monotonic() - now)
    return stored


def _insist_on_day(day: use.Day, most: float, owner: str) -> None:
    if day.seconds < most:
        return
    ends = day.falls_under(most)
    left = max(1, math.ceil((ends - day.at).total_seconds()))
    detail = f"{owner} may compute {most:,.0f} s a day, and has computed {day.seconds:,.0f} s"
    raise QuotaExceeded(f"{detail}; there is room again in {span(left)}, at {_moment(ends)}", left)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def spent(session: Session, owners: Iterable[str], usual: Quotas) -> frozenset[str]:
    """Those of the owners who have computed as much in the last day as they may."""
    quotas = {owner: quotas_of(session, owner, usual) for owner in owners}
    most = {name: one.seconds_a_day for name, one in quotas.items() if one and one.seconds_a_day is not None}
    used = use.seconds_of(session, most) if most else {}
    return frozenset(owner for owner, seconds in most.items() if used.get(owner, 0.0) >= seconds)
