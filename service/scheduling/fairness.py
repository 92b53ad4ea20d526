"""Fairness: whose stack goes next."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar


class Candidate(Protocol):
    """An experiment with runs that wait."""

    @property
    def id(self) -> int:
        """The experiment."""

    @property
    def owner(self) -> str:
        """Who submitted it."""

    @property
    def priority(self) -> int:
        """Of an owner's, higher goes first."""

    @property
    def created_at(self) -> datetime:
        """When it was submitted."""

    @property
    def queued(self) -> int:
        """How many of its runs wait."""

    @property
    def weight(self) -> float:
        """The owner's part in the fair share, above 0: twice the weight, twice the computing."""

    @property
    def trials(self) -> int | None:
        """The owner's own cap on stacks that are out at a time."""


Waiting = TypeVar("Waiting", bound=Candidate)


class Use:
    """Computing seconds by owner, of which half is forgotten every half-life."""

    def __init__(self, half_life_seconds: float, now: float) -> None:
        self._half_life = half_life_seconds
        self._at = now
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def add(self, owner: str, seconds: float, now: float) -> None:
        """Count `seconds` for an owner at the time `now` (seconds of any steady clock)."""
        self._decay(now)
        self._seconds[owner] += seconds

    def of(self, owner: str) -> float:
        """What an owner has used, as of the last call of `add`."""
        return self._seconds.get(owner, 0.0)

    def known(self, now: float) -> Mapping[str, float]:
        """What every owner has used, as of `now`. Safe while another thread adds."""
        share, used = 0.5 ** ((now - self._at) / self._half_life), dict(self._seconds)
        return {owner: seconds * share for owner, seconds in used.items()}

    def _decay(self, now: float) -> None:
        share = 0.5 ** ((now - self._at) / self._half_life)
        self._at = now
        for owner in self._seconds:
            self._seconds[owner] *= share


def choose(
    candidates: Sequence[Waiting], use: Use, out: Mapping[str, int], expected_seconds: float, cap: int | None
) -> Waiting | None:
    """The experiment whose stack goes next: of the owner with the least use for its weight, the one of the highest
    priority, then the oldest. Priority orders an owner's own experiments, and moves nobody else's.

    `out` counts the stacks that are out for each owner: each is taken as `expected_seconds` of use to come, so that
    owners alternate while nothing has landed yet. Owners with as many stacks out as their own cap, or else `cap`,
    allows are left alone. None if nobody is left.
    """
    able = [c for c in candidates if c.queued > 0 and out.get(c.owner, 0) < _most(c, cap)]
    if not able:
        return None

    def weighted(c: Waiting) -> float:
        return (use.of(c.owner) + expected_seconds * out.get(c.owner, 0)) / c.weight

    owner = min(able, key=lambda c: (weighted(c), c.created_at, c.id)).owner
    own = (c for c in able if c.owner == owner)
    return min(own, key=lambda c: (-c.priority, c.created_at, c.id))


def _most(candidate: Candidate, cap: int | None) -> float:
    """The most stacks that may be out for the candidate's owner."""
    own = candidate.trials if candidate.trials is not None else cap
    return math.inf if own is None else own
