"""Deciding what a refinement lets go next: over all of its slices, within its budget."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phaselab.domain.refining.auditing import Round, Stage, Terms, play
from phaselab.domain.refining.closing import Move
from phaselab.domain.refining.lattice import Whole, ticks
from phaselab.domain.refining.seen import FIRST_SEEDS, Seen


@dataclass(frozen=True)
class Purse:
    """How many runs a refinement may let go in all, how many of them are kept for the first audit, and how many it has
    let go; those that were done before are free."""

    budget: int
    reserve: int
    let_go: int = 0


@dataclass(frozen=True)
class Decision:
    """What to let go, as (slice, move), and how far each slice is."""

    moves: tuple[tuple[int, Move], ...]
    rounds: tuple[Round, ...]


def decide(slices: Sequence[Seen], audit: float, seed: int, purse: Purse) -> Decision:
    """What to let go next. Follows from its arguments alone; with nothing to let go and nothing that waits, the
    refinement has ended."""
    rounds = _rounds(slices, seed, _terms(audit, purse))
    left = purse.budget - purse.let_go
    early = left - purse.reserve
    audited = all(one.stage is Stage.BEYOND for one in rounds)
    offered = [(i, move, one.stage) for i, one in enumerate(rounds) for move in one.moves]
    offered.sort(key=lambda offer: (-offer[1].gain, offer[0], offer[1].x, offer[1].y))
    granted: list[tuple[int, Move]] = []
    for i, move, stage in offered:
        if move.seeds <= (left if audited or stage is Stage.AUDIT else min(left, early)):
            granted.append((i, move))
            left, early = left - move.seeds, early - move.seeds
    return Decision(tuple(granted), rounds)


def is_cut_short(slices: Sequence[Seen], audit: float, seed: int, purse: Purse) -> bool:
    """Whether the budget keeps the refinement from going on."""
    terms = _terms(audit, purse)
    if not (terms.closed_early or terms.used_up):
        return False
    bound, free = _rounds(slices, seed, terms), _rounds(slices, seed, Terms(audit))
    return any(one.moves != other.moves for one, other in zip(bound, free, strict=True))


def _terms(audit: float, purse: Purse) -> Terms:
    """No point is begun that cannot be given its first seeds."""
    left = purse.budget - purse.let_go
    return Terms(audit, left - purse.reserve < FIRST_SEEDS, left < FIRST_SEEDS)


def _rounds(slices: Sequence[Seen], seed: int, terms: Terms) -> tuple[Round, ...]:
    return tuple(play(seen, audit_order(seed, i, seen.shape), terms) for i, seen in enumerate(slices))


def audit_order(seed: int, number: int, shape: tuple[int, int]) -> Whole:
    """The random order in which the points of a slice are audited; of each slice another."""
    order: Whole = np.random.default_rng((seed, number)).permutation(shape[0] * shape[1]).astype(np.int64)
    return order


def purse_of(shapes: Sequence[tuple[int, int]], runs: int, budget: float, audit: float, let_go: int = 0) -> Purse:
    """The purse of a refinement of slices of these shapes and so many runs, its budget and audit being shares."""
    reserve = sum(math.ceil(audit * width * height) for width, height in shapes) * FIRST_SEEDS
    return Purse(math.floor(budget * runs + 1e-9), reserve, let_go)


def coarse_runs(shapes: Sequence[tuple[int, int]], coarse: int) -> int:
    """The runs that a refinement of slices of these shapes begins with."""
    return sum(len(ticks(width, coarse)) * len(ticks(height, coarse)) for width, height in shapes) * FIRST_SEEDS
