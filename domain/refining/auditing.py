"""The audit: a random share of what is inferred is measured all the same, which says how often inference fails.

What is audited of a slice is drawn at random once it is closed, and predictions are those of the points that were gone
by until then, the audited ones not among them. So the share of them that fail is an honest estimate for all that was
inferred. Where one failed, closing in goes on around it, and what is still inferred then is audited again.

Nothing of this is remembered: it is played again from what has been seen, and gives the same each time.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import count

import numpy as np

from phaselab.domain.refining.closing import Closing, Move, close
from phaselab.domain.refining.lattice import Flags, Whole
from phaselab.domain.refining.seen import NOTHING, Seen
from phaselab.domain.results.intervals import Interval, wilson_interval


@dataclass(frozen=True)
class Audit:
    """Inferred points that were measured, and those of them that say something else than was inferred."""

    checked: int = 0
    disagreed: int = 0

    def __add__(self, other: "Audit") -> "Audit":
        return Audit(self.checked + other.checked, self.disagreed + other.disagreed)

    @property
    def interval(self) -> Interval | None:
        """Wilson's 95 % interval of the share of inferred points that are something else; None where none was
        checked."""
        return wilson_interval(self.disagreed, self.checked)


@dataclass(frozen=True)
class Terms:
    """The share of inferred points that is audited; whether what may be let go is used up: before the first audit, for
    which some is kept, and in all."""

    audit: float
    closed_early: bool = False
    used_up: bool = False


class Stage(IntEnum):
    """What a slice is at."""

    CLOSING = 0  # closing in on its boundaries
    AUDIT = 1  # the first audit
    BEYOND = 2  # what follows from that: closing in again where it failed, further audits, the end


@dataclass(frozen=True)
class Round:
    """How far a slice is: what to let go now, what is inferred so far [x, y], the first audit, which stands for all
    that was inferred then, and the later ones together."""

    stage: Stage
    moves: tuple[Move, ...]
    inferred: Whole
    first: Audit = Audit()
    later: Audit = Audit()


def play(seen: Seen, order: Whole, terms: Terms) -> Round:
    """Play a slice up to where something is to be let go, or waited for, or nothing is left.

    order: the slice's points (numbers x * height + y) in the random order in which they are audited.
    """
    evidence, drawn = seen.known, np.zeros(seen.shape, dtype=np.bool_)
    first, later = Audit(), Audit()
    for number in count():
        closing = close(seen, evidence)
        stage = Stage.BEYOND if number else Stage.CLOSING
        may = not (terms.used_up or (terms.closed_early and stage is Stage.CLOSING))
        here = Round(stage, closing.moves if may else (), closing.inferred, first, later)
        if here.moves or closing.waits:
            return here
        sample = _draw(closing, order, drawn, terms.audit)
        moves = () if terms.used_up else _audit_moves(seen, sample)
        if moves or (seen.waiting & sample).any():
            return replace(here, stage=stage if number else Stage.AUDIT, moves=moves)
        told = _compare(seen, closing, sample)
        first, later = (first, later + told) if number else (told, later)
        drawn, evidence = drawn | sample, closing.evidence | (sample & seen.settled)
        if not _goes_on(seen, closing, sample, told, terms):
            break
    closing = close(seen, evidence | seen.settled)  # what others measured meanwhile counts too
    return Round(Stage.BEYOND, () if terms.used_up else closing.moves, closing.inferred, first, later)


def _goes_on(seen: Seen, closing: Closing, sample: Flags, told: Audit, terms: Terms) -> bool:
    """Whether another round follows: the sample failed somewhere, is in doubt, or the closing was cut short; and the
    sample could be measured."""
    if not sample.any() or (terms.used_up and (sample & ~seen.settled & ~seen.blind).any()):
        return False
    return bool(told.disagreed or closing.moves or (sample & seen.doubtful).any())


def _draw(closing: Closing, order: Whole, drawn: Flags, share: float) -> Flags:
    """The next points to audit: the first in the random order that are inferred and were not drawn before."""
    open_ones = ((closing.inferred != NOTHING) & ~drawn).ravel()
    chosen = order[open_ones[order]]
    sample = np.zeros(open_ones.shape, dtype=np.bool_)
    sample[chosen[: int(np.ceil(share * len(chosen)))]] = True
    return sample.reshape(drawn.shape)


def _audit_moves(seen: Seen, sample: Flags) -> tuple[Move, ...]:
    """What to let go of a sample: the first seeds, then one by one until a point is certain."""
    again = sample & seen.doubtful & ~seen.exhausted
    seeds = np.where(again, 1, np.where(sample, seen.lacking, 0))
    x, y = np.nonzero(seeds)
    return tuple(Move(*one) for one in zip(x.tolist(), y.tolist(), seeds[x, y].tolist(), strict=True))


def _compare(seen: Seen, closing: Closing, sample: Flags) -> Audit:
    """What a sample says; points without a result say nothing."""
    judged = sample & seen.settled
    return Audit(int(judged.sum()), int((judged & (seen.label != closing.inferred)).sum()))
