"""Closing in on boundaries: boxes whose points disagree are halved, until what is between agreeing points is all that
is left.

A box is closed when its four corners are settled, and every point in it or on its sides that is looked at is certain
and says the same. What else lies in it is inferred to say that too. Any other box is halved, down to one step; one
whose points agree but for a doubtful one first gets another seed for that, which costs less.

So of two neighbours that say different things both are measured: they lie in one box, and it is not closed.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phaselab.domain.refining.lattice import Flags, Tally, Whole, areas, coarse_boxes, corners, divisible, halves
from phaselab.domain.refining.seen import NOTHING, Seen

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Move:
    """Seeds to let go at a point (x, y); `gain` is the area of undecided boxes that it tells of, for each run."""

    x: int
    y: int
    seeds: int
    gain: float = 0.0


@dataclass(frozen=True)
class Closing:
    """How far it is: what to let go, whether results are waited for, what is inferred [x, y] (else NOTHING), and the
    points that it went by."""

    moves: tuple[Move, ...]
    waits: bool
    inferred: Whole
    evidence: Flags


def close(seen: Seen, evidence: Flags) -> Closing:
    """Close in, going by the points of `evidence` and those that are asked for on the way, and by no others."""
    asked = evidence & seen.possible
    while True:
        used = asked & seen.settled
        found = _Pass(seen, used)
        more = asked | found.asked
        if (more == asked).all():
            break
        asked = more
    return Closing(found.moves(), bool((asked & seen.waiting).any()), found.inferred(), used)


class _Pass:
    """One look at all boxes, from the coarse ones down, by points that do not change meanwhile."""

    def __init__(self, seen: Seen, used: Flags) -> None:
        self._seen = seen
        self._used = used
        labels = np.unique(seen.label[used])
        self._labels = Tally(used & (seen.label == labels[:, None, None]))
        self._stuck = Tally(used & seen.doubtful & seen.exhausted)
        self._doubtful = Tally(used & seen.doubtful & ~seen.exhausted)
        self._gain: Floats = np.zeros(seen.shape)  # of a point that is asked for
        self._doubt: Floats = np.zeros(seen.shape)  # of another seed
        self._closed: list[Whole] = []
        boxes = coarse_boxes(seen.shape, seen.coarse)
        self._ask(boxes)
        while len(boxes):
            boxes = self._level(boxes)

    @property
    def asked(self) -> Flags:
        """The corners of all boxes."""
        asked: Flags = (self._gain > 0) & self._seen.possible
        return asked

    def moves(self) -> tuple[Move, ...]:
        """What to let go, the greatest gain for a run first."""
        more = np.where(self._gain > 0, self._seen.lacking, 0)
        again = (self._doubt > 0) & self._used & self._seen.doubtful & ~self._seen.exhausted
        gain = np.where(again, self._doubt, self._gain / np.maximum(more, 1))
        seeds = np.where(again, 1, more)
        x, y = np.nonzero(seeds)
        given = zip(x.tolist(), y.tolist(), seeds[x, y].tolist(), gain[x, y].tolist(), strict=True)
        return tuple(sorted((Move(*one) for one in given), key=lambda move: (-move.gain, move.x, move.y)))

    def inferred(self) -> Whole:
        """What closed boxes say of the points that were not used."""
        found = np.full(self._seen.shape, NOTHING, dtype=np.int64)
        for x0, x1, y0, y1 in np.concatenate([np.empty((0, 4), np.int64), *self._closed]).tolist():
            found[x0 : x1 + 1, y0 : y1 + 1] = self._seen.label[x0, y0]
        return np.where(self._used | ~self._seen.possible, NOTHING, found)

    def _level(self, boxes: Whole) -> Whole:
        """Judge boxes of one size; those that they are halved into."""
        x, y = corners(boxes)
        settled = self._used[x, y].all(axis=1)
        differ = (self._labels.within(boxes) > 0).sum(axis=0) > 1
        must = differ | (self._stuck.within(boxes) > 0) | self._seen.blind[x, y].any(axis=1)
        doubt = ~must & (self._doubtful.within(boxes) > 0)
        self._closed.append(boxes[settled & ~must & ~doubt])
        small = ~divisible(boxes)
        for x0, x1, y0, y1 in boxes[doubt | (must & small)].tolist():
            part = self._doubt[x0 : x1 + 1, y0 : y1 + 1]
            np.maximum(part, (x1 - x0) * (y1 - y0), out=part)
        parents = boxes[must & ~small]
        smaller = halves(parents)
        self._ask(smaller)
        return smaller

    def _ask(self, boxes: Whole) -> None:
        """Ask for the corners of boxes."""
        x, y = corners(boxes)
        np.maximum.at(self._gain, (x, y), areas(boxes)[:, None].astype(np.float64))
