"""Quotas: how much an account may ask for, have and compute; and who has no computing left today."""

import math
from collections.abc import Iterable
from datetime import datetime

from phaselab.db.reading import accounts, use
from phaselab.db.schema.database import Session
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


def insist_on_size(quotas: Quotas | None, owner: str, runs: int) -> None:
    """Raises QuotaExceeded for an experiment of more runs than the owner may ask for at once."""
    if quotas is not None and quotas.runs_each is not None and runs > quotas.runs_each:
        detail = f"an experiment of {owner} has at most {quotas.runs_each:,} runs, and this one {runs:,}"
        raise QuotaExceeded(f"{detail}; ask for less, or an admin for more")


def insist_on_room(session: Session, quotas: Quotas | None, owner: str) -> None:
    """Raises QuotaExceeded when the owner, with what has just been stored of it, has more runs that wait than it may,
    or had no computing or no room for results left."""
    if quotas is None:
        return
    if quotas.runs_queued is not None and (waiting := use.waiting_runs(session, owner)) > quotas.runs_queued:
        detail = f"at most {quotas.runs_queued:,} runs of {owner} may wait, and {waiting:,} would"
        raise QuotaExceeded(f"{detail}; there is room again as they end")
    if quotas.seconds_a_day is not None:
        _insist_on_day(use.day_of(session, owner), quotas.seconds_a_day, owner)
    if quotas.bytes_stored is not None and (stored := use.stored_bytes(session, owner)) >= quotas.bytes_stored:
        detail = f"results of {owner} may take {quotas.bytes_stored:,} bytes, and take {stored:,}"
        raise QuotaExceeded(f"{detail}; there is room again once experiments are deleted")


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
