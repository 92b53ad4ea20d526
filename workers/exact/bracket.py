"""What is known of the radii of some points, and how flips are looked for from a given pattern."""

from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.workers.exact.active_set import solve
from phaselab.workers.exact.flips import attain
from phaselab.workers.exact.program import Programs, on_mask
from phaselab.workers.exact.side import OneSide, apply_rows

DESCENTS = 10  # most patterns that one descent goes through


@dataclass(eq=False)
class Bracket:
    """Certified bounds on the radii of B points, and the perturbation that attains the upper one."""

    lower: Tensor  # [B]
    upper: Tensor  # [B] inf where no flip is known
    perturbation: Tensor  # [B, D] zero where no flip is known

    def improve(self, rows: Tensor, length: Tensor, perturbation: Tensor) -> Tensor:
        """Take flips of points `rows` (each once) that are shorter than those known; [len(rows)] bool, which were."""
        better = length < self.upper[rows]
        self.upper[rows[better]] = length[better]
        self.perturbation[rows[better]] = perturbation[better]
        return better

    def offer(self, points: Tensor, length: Tensor, perturbation: Tensor) -> None:
        """Take the shortest of the flips [F] of `points` [F], which may repeat."""
        shortest = torch.full_like(self.upper, torch.inf).scatter_reduce_(0, points, length, "amin")
        best = ((length == shortest[points]) & length.isfinite()).nonzero().squeeze(1)
        first = torch.full((len(self.upper),), len(points), device=points.device)
        first.scatter_reduce_(0, points[best], best, "amin")
        rows = (first < len(points)).nonzero().squeeze(1)
        self.improve(rows, length[first[rows]], perturbation[first[rows]])

    def put(self, rows: Tensor, part: "Bracket") -> None:
        """What is known of the points `rows`."""
        self.lower[rows], self.upper[rows], self.perturbation[rows] = part.lower, part.upper, part.perturbation

    def times(self, unit: Tensor) -> "Bracket":
        """The same in other units of length [B]; a bound that grows too large is not yet infinite."""
        lower = (self.lower * unit).clamp_max(torch.finfo(unit.dtype).max)
        return Bracket(
            torch.where(self.lower.isinf(), torch.inf, lower), self.upper * unit, self.perturbation * unit.unsqueeze(1)
        )


def unknown(like: Tensor, span: int) -> Bracket:
    """Nothing known yet of points [B, ...] perturbed in `span` dimensions: 0 <= radius <= inf."""
    radius = torch.zeros_like(like[:, 0])
    return Bracket(radius, torch.full_like(radius, torch.inf), like.new_zeros(len(radius), span))


def descend(points: OneSide, found: Bracket, rows: Tensor, patterns: Tensor) -> None:
    """Look for short flips of points `rows` from `patterns` [len(rows), Q]: solve, switch to the pattern there, repeat.

    The pattern that holds at a minimiser allows at least that minimiser, so the lengths fall.
    """
    for _ in range(DESCENTS):
        here = points.take(rows)
        answer = solve(Programs.of(here, patterns), found.upper[rows])
        better = found.improve(rows, *attain(here, answer.perturbation, patterns))
        opposing = here.opposing + apply_rows(here.opposing_factor, here.run, answer.perturbation)
        there = on_mask(opposing, points.opposing_groups, points.leak)
        more = (better & (there != patterns).any(1)).nonzero().squeeze(1)
        if len(more) == 0:
            return
        rows, patterns = rows[more], there[more]
