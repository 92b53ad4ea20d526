"""A refinement of a map that is known: how much it measures, what it infers, what its audit says."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phaselab.domain.refining.deciding import Decision, decide, purse_of
from phaselab.domain.refining.lattice import Whole
from phaselab.domain.refining.seen import NOTHING, Seen, agreed
from phaselab.domain.specs.refine import COARSE_STEPS

Map = Whole
"""What each run says, [x, y, seeds], numbers from 0; NOTHING where it fails, BLANK where there is no point."""
BLANK = -2


@dataclass(frozen=True)
class Played:
    """The runs that were let go, for each of the points of each slice how many; and the last decision."""

    measured: tuple[Whole, ...]
    decision: Decision
    seen: tuple[Seen, ...]

    @property
    def runs(self) -> int:
        """How many runs were let go in all."""
        return int(sum(one.sum() for one in self.measured))


def refine_maps(
    maps: Sequence[Map], budget: float = 1.0, audit: float = 0.02, seed: int = 0, coarse: int = COARSE_STEPS
) -> Played:
    """Refine maps, each a slice, every run's result landing before the next decision."""
    shapes = [(one.shape[0], one.shape[1]) for one in maps]
    runs = sum(one.size for one in maps)
    measured = tuple(np.zeros(shape, dtype=np.int64) for shape in shapes)
    while True:
        seen = tuple(seen_of(one, asked, coarse=coarse) for one, asked in zip(maps, measured, strict=True))
        let_go = int(sum(one.sum() for one in measured))
        decision = decide(seen, audit, seed, purse_of(shapes, runs, budget, audit, let_go))
        if not decision.moves:
            return Played(measured, decision, seen)
        for i, move in decision.moves:
            measured[i][move.x, move.y] += move.seeds


def seen_of(known: Map, asked: Whole, landed: Whole | None = None, coarse: int = COARSE_STEPS) -> Seen:
    """What is seen of a map of whose points so many runs [x, y] were asked for, and so many of them have ended."""
    ended = asked if landed is None else landed
    seeds = known.shape[2]
    there = np.arange(seeds) < ended[:, :, None]  # [x, y, seeds]
    labels = range(max(int(known.max()), 0) + 1)
    counts = np.stack([(there & (known == label)).sum(axis=2) for label in labels], axis=2)  # [x, y, labels]
    results, most = counts.sum(axis=2), counts.max(axis=2)
    sure = {pair: agreed(*pair) for pair in set(zip(most.ravel().tolist(), results.ravel().tolist(), strict=True))}
    certain = [sure[pair] for pair in zip(most.ravel().tolist(), results.ravel().tolist(), strict=True)]
    return Seen(
        seeds=seeds,
        coarse=coarse,
        possible=(known != BLANK).any(axis=2),
        results=results,
        asked=asked,
        waiting=ended < asked,
        label=np.where(results > 0, counts.argmax(axis=2), NOTHING),
        certain=np.array(certain).reshape(asked.shape),
        known=np.zeros(asked.shape, dtype=np.bool_),
    )
