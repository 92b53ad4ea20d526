"""Certified radii of many points at once, by bands that all points of a group share: what an attack may leave out.

Points of one cluster look much alike to a network. Lines that hold about all of their balls are looked for once, and
with them the way back through the layers: for every point there is left what a row by its pre-activations costs, where
`certified.py` goes through the layers for each. What is proved is weaker, but costs less than attacks (docs/methods/
certified.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from phaselab.workers.exact.bands import BANDS, Band
from phaselab.workers.exact.certified import Margins
from phaselab.workers.exact.propagation import Balls, Cap, Functions, Interval
from phaselab.workers.exact.side import Readout
from phaselab.workers.networks.mlp import outputs

AT_ONCE = 2**17
"""Coefficients of runs that are looked at together on a CPU, whose cache holds a few such tensors."""
WORTH = 4
"""Groups times neurons, over points, from which on the way back through the layers costs a fifth of attacks on them."""
SLACK = 1e-4
"""Of radii and margins: single precision, in which attacks are made, does not come to another end."""


@dataclass(frozen=True, eq=False)
class Groups:
    """G groups of up to n points each, of S networks."""

    points: Tensor
    """[S, G, n] long: their numbers; those that are not there are some point's"""
    there: Tensor
    """[S, G, n] bool"""

    @classmethod
    def of(cls, group: Tensor) -> "Groups":
        """From the group [S, N] long of every point."""
        member = torch.nn.functional.one_hot(group)  # [S, N, G]
        counts, place = member.sum(dim=1), (member.cumsum(dim=1) * member).sum(dim=-1) - 1  # [S, G], [S, N]
        points = group.new_zeros(*counts.shape, int(counts.max()))
        numbers = torch.arange(group.shape[1], device=group.device).expand_as(group)
        run = torch.arange(len(group), device=group.device).unsqueeze(1)
        points[run, group, place] = numbers
        return cls(points, torch.arange(points.shape[2], device=group.device) < counts.unsqueeze(-1))

    def take(self, values: Tensor) -> Tensor:
        """Values [S, N, ...] -> [S, G, n, ...]"""
        run = torch.arange(len(values), device=values.device).view(-1, 1, 1)
        return values[run, self.points]


def shared_radii(balls: Balls, group: Tensor, side: Tensor, readout: Readout, radii: Sequence[float]) -> Tensor:
    """[S, N]: of radii, ascending, the largest at which a point is safe for certain; 0 where none is. From the groups
    [S, N] long and the classes [S, N] of the points; points of a group are of one class."""
    certified, (runs, points, neurons) = torch.zeros_like(balls.seen[..., 0]), balls.seen.shape
    count = int(group.max()) + 1
    if balls.network.activation not in BANDS or count * neurons > WORTH * points:
        return certified
    most = max(1, AT_ONCE // (2 * count * neurons**2)) if group.device.type == "cpu" else runs
    for first in range(0, runs, most):
        these = slice(first, first + most)
        here = balls.take(these, slice(None))
        certified[these] = _radii(here, group[these], side[these], readout, radii)
    return certified


def _radii(balls: Balls, group: Tensor, side: Tensor, readout: Readout, radii: Sequence[float]) -> Tensor:
    """[S, N]: the same, of runs that are looked at together."""
    groups = Groups.of(group)
    shared = _Shared.of(balls, groups, side, readout)
    certified, standing = torch.zeros_like(balls.seen[..., 0]), groups.there  # [S, N], [S, G, n]
    for radius in radii:
        standing = shared.safe(radius * (1 + SLACK), standing)
        if not bool(standing.any()):
            break
        run = torch.arange(len(group), device=group.device).view(-1, 1, 1).expand_as(standing)
        certified[run[standing], groups.points[standing]] = radius
    return certified


@dataclass(frozen=True, eq=False)
class _Shared:
    """What groups share."""

    balls: Balls
    """A point for each group, at the origin of the first layer's pre-activations"""
    seen: Tensor
    """[S, G, M, n] those of the points"""
    functions: Functions
    """[S, G, o, M]: what must stay above 0"""
    counts: Tensor
    """[S, G, o] bool: whether it must"""

    @classmethod
    def of(cls, balls: Balls, groups: Groups, side: Tensor, readout: Readout) -> "_Shared":
        """Of points of classes `side` [S, N]."""
        seen = groups.take(balls.seen).mT  # [S, G, M, n]
        sides = groups.take(side)[..., 0]  # [S, G]
        middle = (seen * groups.there.unsqueeze(2)).sum(-1) / groups.there.sum(-1, keepdim=True).clamp_min(1)
        at_middle = outputs(middle.mT, balls.length, balls.upper, balls.network).mT  # [S, G, c]
        alike = replace(balls, seen=torch.zeros_like(middle))
        margins = Margins.of(alike, at_middle, sides, readout)
        return cls(alike, seen, margins.functions, margins.counts)

    def safe(self, radius: float, points: Tensor) -> Tensor:
        """[S, G, n] bool: which of the `points` [S, G, n] are safe at the radius."""
        balls = self.balls
        ball = Cap.ball(torch.full_like(self.seen[:, :, 0, 0], radius), balls.factor.shape[2])
        heights, normal, size = self._linear(self.functions, balls.bands(self._intervals(ball, points)), ball, points)
        least = heights - ball.most(-normal, balls.rounding).unsqueeze(-1)  # [S, G, o, n]
        return points & ((least > SLACK * size) | ~self.counts.unsqueeze(-1)).all(dim=2)

    def _intervals(self, ball: Cap, points: Tensor) -> list[Interval]:
        """(low, high) [S, G, M] of every hidden layer's pre-activations about the points."""
        found = [self._first(ball, points)]
        for layer in range(1, self.balls.network.depth - 1):
            found.append(self._hidden(layer, found, ball, points))
        return found

    def _first(self, ball: Cap, points: Tensor) -> Interval:
        low, high = self.balls.intervals_of_first(ball)  # of a point at the origin
        least, most = _least(self.seen, points), -_least(-self.seen, points)  # [S, G, M]
        spread = self.balls.rounding * torch.maximum(least.abs(), most.abs())
        return low + least - spread, high + most + spread

    def _hidden(self, layer: int, below: Sequence[Interval], ball: Cap, points: Tensor) -> Interval:
        balls = self.balls
        heights, normal, _ = self._linear(balls.both_signs(layer), balls.bands(below), ball, points)
        low, high = (_least(heights, points) - ball.most(-normal, balls.rounding)).chunk(2, dim=-1)
        return low, torch.maximum(low, -high)  # without points anything holds

    def _linear(
        self, functions: Functions, bands: Sequence[Band], ball: Cap, points: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(h [S, G, o, n], v [S, G, o, D], sizes [S, G, o, 1]) as `Balls.linear`, of every point, and how large the
        terms of h are."""
        balls, below = self.balls, self.balls.below(functions, bands)
        heights = below.rows @ self.seen + below.constant.unsqueeze(-1)  # [S, G, o, n]
        far = (self.seen.abs() * points.unsqueeze(2)).amax(-1)  # [S, G, M]
        around = far + ball.radius.unsqueeze(-1) * balls.reach.unsqueeze(1)
        conceded = balls.rounding * (below.constant_sizes + around @ below.sizes.mT)  # [S, G, o]
        size = (below.rows.abs() @ far.unsqueeze(-1)) + below.constant.abs().unsqueeze(-1)  # [S, G, o, 1]
        return heights - conceded.unsqueeze(-1), below.rows @ balls.factor.unsqueeze(1), size


def _least(values: Tensor, points: Tensor) -> Tensor:
    """[S, G, o, n] -> [S, G, o]: the least of the `points` [S, G, n]; 0 where there are none."""
    least = values.masked_fill(~points.unsqueeze(2), torch.inf).amin(-1)
    return torch.where(least < torch.inf, least, 0.0)
