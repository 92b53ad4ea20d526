"""What is known of the radii of some points, and how flips are looked for from a given pattern."""

from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.workers.exact.active_set import solve
from phaselab.workers.exact.program import Programs, on_mask
from phaselab.workers.exact.side import OneSide, apply_rows, attain, combine_rows

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


def unknown(points: OneSide) -> Bracket:
    """Nothing known yet: 0 <= radius <= inf."""
    radius = torch.zeros_like(points.own[:, 0])
    still = points.own.new_zeros(len(radius), points.own_factor.shape[2])
    return Bracket(radius, torch.full_like(radius, torch.inf), still)


def pattern_programs(points: OneSide, patterns: Tensor) -> Programs:
    """The program of each point [B] with its pattern [B, Q]: own value at most pattern . opposing pre-activations."""
    return Programs(
        own=points.own,
        run=points.run,
        own_factor=points.own_factor,
        groups=points.own_groups,
        constant=(patterns * points.opposing).sum(1),
        slope=combine_rows(points.opposing_factor, points.run, patterns),
    )


def descend(points: OneSide, found: Bracket, rows: Tensor, patterns: Tensor) -> None:
    """Look for short flips of points `rows` from `patterns` [len(rows), Q]: solve, switch to the pattern there, repeat.

    The pattern that holds at a minimiser allows at least that minimiser, so the lengths fall.
    """
    for _ in range(DESCENTS):
        here = points.take(rows)
        answer = solve(pattern_programs(here, patterns), found.upper[rows])
        better = found.improve(rows, *attain(here, answer.perturbation))
        opposing = here.opposing + apply_rows(here.opposing_factor, here.run, answer.perturbation)
        there = on_mask(opposing, points.opposing_groups)
        more = (better & (there != patterns).any(1)).nonzero().squeeze(1)
        if len(more) == 0:
            return
        rows, patterns = rows[more], there[more]
