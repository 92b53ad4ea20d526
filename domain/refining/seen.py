"""What has been seen of the points of a lattice, and when it is certain."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from phaselab.domain.refining.lattice import Flags, Whole
from phaselab.domain.results.intervals import wilson_interval

FIRST_SEEDS = 3
"""Seeds that a point is measured with before anything is made of it."""
NOTHING = -1
"""The label of a point of which nothing has been seen."""


@dataclass(frozen=True)
class Seen:
    """The points [x, y] of one slice of a lattice, each with up to `seeds` runs; the coarse lattice has at most
    `coarse` steps from value to value.

    `results` counts runs with a result, `asked` those that were let go or have one, however they ended. `waiting`: some
    that were let go have not ended. `label`: what the results say, a number from 0, or NOTHING; `certain`: they leave
    no doubt. `known`: enough results were there before the experiment. What is not `possible` is no point.
    """

    seeds: int
    coarse: int
    possible: Flags
    results: Whole
    asked: Whole
    waiting: Flags
    label: Whole
    certain: Flags
    known: Flags

    @property
    def shape(self) -> tuple[int, int]:
        """Values along x and along y."""
        return self.possible.shape[0], self.possible.shape[1]

    @cached_property
    def settled(self) -> Flags:
        """Points that have a label to go by: nothing waits, and enough seeds have a result, or no more can be asked."""
        enough = (self.results >= FIRST_SEEDS) | ((self.results > 0) & self.exhausted)
        settled: Flags = self.possible & ~self.waiting & enough
        return settled

    @cached_property
    def exhausted(self) -> Flags:
        """Points all of whose seeds were asked for."""
        exhausted: Flags = self.asked >= self.seeds
        return exhausted

    @cached_property
    def blind(self) -> Flags:
        """Places that will never have a label: impossible, or every run of theirs failed."""
        blind: Flags = ~self.possible | (self.exhausted & ~self.waiting & (self.results == 0))
        return blind

    @cached_property
    def doubtful(self) -> Flags:
        """Settled points that are not certain."""
        return self.settled & ~self.certain

    @cached_property
    def lacking(self) -> Whole:
        """Seeds to ask for so that a point is settled; 0 where it is, or where it must be waited for."""
        wanted = np.minimum(FIRST_SEEDS - self.results, self.seeds - self.asked)
        open_ones = self.possible & ~self.settled & ~self.waiting
        return np.where(open_ones, np.maximum(wanted, 0), 0)


def agreed(count: int, n: int) -> bool:
    """Whether `count` of `n` results that say the same leave no doubt: all of them, of FIRST_SEEDS or more; or so many
    that the 95 % interval of their share is above a half."""
    interval = wilson_interval(count, n)
    return n >= FIRST_SEEDS and interval is not None and (count == n or interval[0] > 0.5)
