"""How many requests an account may make in a minute."""

import math
import time
from collections.abc import Callable

from phaselab.api.base.problems import Problem

BURST_SECONDS = 10.0
"""What was not asked for in so long may be asked for at once."""
MOST_KNOWN = 10_000
"""Accounts that are remembered; with more of them the longest silent are forgotten, who may ask anyway."""


class Rates:
    """Lets each account make `a_minute` requests a minute, None: as many as it likes, and a burst of what it left
    unused in BURST_SECONDS."""

    def __init__(self, a_minute: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = None if a_minute is None else a_minute / 60
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def check(self, account: str) -> None:
        """Count a request. Raises Problem 429, which says when to come back."""
        if self._pace is None:
            return
        now, most = self._clock(), max(1.0, self._pace * BURST_SECONDS)
        left, since = self._left.pop(account, (most, now))
        left = min(most, left + (now - since) * self._pace)
        self._left[account] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > MOST_KNOWN:
            self._left.pop(next(iter(self._left)))
        if left < 1:
            wait = max(1, math.ceil((1 - left) / self._pace))
            detail = f"{account} makes more than {60 * self._pace:.0f} requests a minute; ask again in {wait} s"
            raise Problem(429, detail, headers={"Retry-After": str(wait)})
