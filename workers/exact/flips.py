"""Perturbations that are proved to flip their points."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from phaselab.workers.exact.active_set import solve
from phaselab.workers.exact.program import Programs
from phaselab.workers.exact.side import OneSide, apply_rows, side_value

LEAST_STRETCH = 32
"""How many roundings a perturbation that just touches is stretched by, to be across for certain."""
PROBE = 1e-6
"""Stretch over which the slope of the readout is taken, to foresee how much more is needed."""
STRETCHES = (1e-9, 1e-7, 1e-5, 1e-3, 0.03)
"""By how much it is stretched where that fails too."""
DEPTH = 1e-10
"""By how much, relative to its terms, every pre-activation shall be across where stretching does not help."""


@dataclass(frozen=True, eq=False)
class _Rays:
    """Pre-activations start + s step at s u for B perturbations u, own ones from above, opposing ones from below."""

    own_start: Tensor  # [B, R]
    own_step: Tensor  # [B, R]
    opposing_start: Tensor  # [B, Q]
    opposing_step: Tensor  # [B, Q]
    own_groups: int
    opposing_groups: int
    rounding: float
    leak: float

    @classmethod
    def of(cls, points: OneSide, u: Tensor, length: Tensor) -> "_Rays":
        """Along u [B, D] of `length` [B]."""
        spread = (points.rounding * length).unsqueeze(1)  # [B, 1]
        own_step = apply_rows(points.own_factor, points.run, u)  # [B, R]
        opposing_step = apply_rows(points.opposing_factor, points.run, u)  # [B, Q]
        return cls(
            own_start=points.own + points.rounding * points.own.abs(),
            own_step=own_step + spread * points.own_length[points.run],
            opposing_start=points.opposing - points.rounding * points.opposing.abs(),
            opposing_step=opposing_step - spread * points.opposing_length[points.run],
            own_groups=points.own_groups,
            opposing_groups=points.opposing_groups,
            rounding=points.rounding,
            leak=points.leak,
        )

    def take(self, rows: Tensor) -> "_Rays":
        """The rays `rows`."""
        return replace(
            self,
            own_start=self.own_start[rows],
            own_step=self.own_step[rows],
            opposing_start=self.opposing_start[rows],
            opposing_step=self.opposing_step[rows],
        )

    def excess(self, stretch: Tensor | float) -> Tensor:
        """[B] own value less opposing value at (1 + stretch) u, from above: the point is flipped where it is <= 0."""
        scale = 1 + stretch
        own, opposing = self.own_start + scale * self.own_step, self.opposing_start + scale * self.opposing_step
        if self.leak:  # terms of both signs: each gives way by itself
            own, opposing = own + self.rounding * own.abs(), opposing - self.rounding * opposing.abs()
        own = side_value(own, self.own_groups, self.leak)
        opposing = side_value(opposing, self.opposing_groups, self.leak)
        if self.leak:
            return own - opposing
        excess: Tensor = own * (1 + self.rounding) - opposing * (1 - self.rounding)
        return excess

    def foreseen(self) -> Tensor:
        """[B, 1] the stretch at which the excess falls to zero, as far as its slope at u tells."""
        here = self.excess(0.0)
        falls = (here - self.excess(PROBE)) / PROBE
        return (1.01 * here / falls).clamp(0, STRETCHES[-1]).nan_to_num(nan=0.0).unsqueeze(1)


def attain(points: OneSide, perturbations: Tensor, patterns: Tensor) -> tuple[Tensor, Tensor]:
    """Lengthen or move each perturbation [B, D] a little until it flips its point for certain.

    `patterns` [B, Q] of 0 and 1 are those of the opposing neurons for which the perturbations were found. Returns
    (length [B], rounded up, inf where it does not flip; the perturbation [B, D] that does).
    """
    length, flips = _stretch(points, perturbations)
    rows = length.isinf().nonzero().squeeze(1)
    if len(rows) == 0:
        return length, flips
    here, u = points.take(rows), perturbations[rows]
    deeper, touches = _deepen(here, u, patterns[rows])
    rows, here = rows[touches], here.take(touches)
    length[rows], flips[rows] = _stretch(here, solve(deeper.take(touches), length[rows]).perturbation)
    return length, flips


def _stretch(points: OneSide, perturbations: Tensor) -> tuple[Tensor, Tensor]:
    """The same by stretching alone."""
    length = perturbations.norm(dim=1)  # [B]
    scale = torch.full_like(length, torch.inf)
    rows, rays = torch.arange(len(scale), device=scale.device), _Rays.of(points, perturbations, length)
    for attempt in range(len(STRETCHES) + 2):
        stretch = _attempt(rays, attempt)
        flipped = rays.excess(stretch) <= 0
        scale[rows[flipped]] = 1 + (stretch if isinstance(stretch, float) else stretch[flipped, 0])
        left = (~flipped).nonzero().squeeze(1)
        if len(left) == 0:
            break
        rows, rays = rows[left], rays.take(left)
    stretched = perturbations * torch.where(scale.isfinite(), scale, 0.0).unsqueeze(1)
    longest = length * scale * (1 + points.rounding) + torch.finfo(length.dtype).tiny
    return torch.where(scale.isfinite(), longest, torch.inf), stretched


def _attempt(rays: _Rays, number: int) -> float | Tensor:
    """The stretch that is tried in turn."""
    if number == 0:
        return LEAST_STRETCH * rays.rounding
    return rays.foreseen() if number == 1 else STRETCHES[number - 2]


def _deepen(points: OneSide, u: Tensor, patterns: Tensor) -> tuple[Programs, Tensor]:
    """(the programs of the patterns for points that are harder to flip; the rows for which u [B, D] just flips).

    A flip where several kinks meet is a corner of the flipped set, and stretching it may lead out again.
    """
    depth, length = DEPTH, u.norm(dim=1, keepdim=True)
    own_shift = depth * (points.own.abs() + length * points.own_length[points.run])  # [B, R]
    opposing_shift = depth * (points.opposing.abs() + length * points.opposing_length[points.run])  # [B, Q]
    own = points.own + apply_rows(points.own_factor, points.run, u)
    opposing = points.opposing + apply_rows(points.opposing_factor, points.run, u)
    possible = side_value(own - own_shift, points.own_groups, points.leak) <= side_value(
        opposing + opposing_shift, points.opposing_groups, points.leak
    )
    harder = replace(points, own=points.own + own_shift, opposing=points.opposing - opposing_shift)
    return Programs.of(harder, patterns), possible.nonzero().squeeze(1)
