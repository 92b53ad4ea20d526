"""Why experiments wait: what stands between their runs and a trial, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from phaselab.db.queue.waiting import Waiting
from phaselab.domain.results.states import ExperimentStatus


class Spent(Protocol):
    """An account that has computed enough today."""

    @property
    def used(self) -> float | None:
        """Seconds of the last 24 hours."""

    @property
    def limit(self) -> float:
        """As many as it may."""

    @property
    def room_at(self) -> datetime | None:
        """When there is room again."""


@dataclass(frozen=True)
class Facts:
    """What decides whose turn it is. `leads`: whether anything is computed at all; `slots`: trials that the nodes
    hold, null where that is not known; `seconds` and `stacks`: use and stacks out of owners; `cap`: the most stacks of
    an owner that has none of its own; `spent`: owners who have computed enough today; `asides`: why nothing of some
    experiments can be handed out."""

    leads: bool
    slots: int | None
    seconds: Mapping[str, float]
    stacks: Mapping[str, int]
    cap: int | None
    spent: Mapping[str, Spent]
    asides: Mapping[int, str]


@dataclass(frozen=True)
class Reason:
    """Why runs wait, in words, and until when, where that is known."""

    text: str
    until: datetime | None = None


def why(one: Waiting, everyone: Sequence[Waiting], facts: Facts) -> Reason:
    """Why the runs of an experiment wait, of everyone who waits."""
    if one.status is ExperimentStatus.PAUSED:
        return Reason("it is paused, until somebody resumes it")
    if not facts.leads:
        return Reason("nothing is computed, for no scheduler has the lead")
    if one.owner in facts.spent:
        spent = facts.spent[one.owner]
        told = f"{one.owner} has computed {spent.used:,.0f} s in 24 hours, and may compute {spent.limit:,.0f} s"
        return Reason(told, spent.room_at)
    if one.id in facts.asides:
        return Reason(f"nothing of it can be handed out, which is tried every half minute: {facts.asides[one.id]}")
    if facts.slots == 0:
        return Reason("no node that is there holds a trial")
    most = one.trials if one.trials is not None else facts.cap
    if most is not None and facts.stacks.get(one.owner, 0) >= most:
        return Reason(f"{one.owner} has as many stacks out as it may have, {most}")
    return Reason(_before(one, everyone, facts) or "it is next: stacks of it go out as trials become free")


def _before(one: Waiting, everyone: Sequence[Waiting], facts: Facts) -> str | None:
    """Whose turn comes before it: of its own owner's by priority, then by age; of owners by use for their weight."""
    able = [
        other
        for other in everyone
        if other.waiting and other.status is not ExperimentStatus.PAUSED and other.owner not in facts.spent
    ]
    own = min((other for other in able if other.owner == one.owner), key=_rank, default=None)
    if own is not None and own.id != one.id:
        return f"experiment {own.id} of {one.owner} goes first: {_because(own, one)}"
    if one.running:
        return None

    def weighted(other: Waiting) -> float:
        return facts.seconds.get(other.owner, 0.0) / other.weight

    others = {other.owner: weighted(other) for other in able if weighted(other) < weighted(one)}
    if not others:
        return None
    names = sorted(others, key=lambda owner: others[owner])
    told = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{told} used the workers less, for the weight, and {'goes' if len(names) == 1 else 'go'} first"


def _rank(one: Waiting) -> tuple[int, datetime, int]:
    return -one.priority, one.created_at, one.id


def _because(own: Waiting, one: Waiting) -> str:
    return f"its priority is {own.priority}" if own.priority != one.priority else "it is older"
