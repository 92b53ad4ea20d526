"""Certified radii of networks of any depth: lower bounds of robust radii by linear bounds of the network.

A radius is certified where the bound of the readout's margin over the ball is above 0. The largest such radius is
looked for between 0 and where the network's own gradient leads; whatever is tried, only what was certified counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from phaselab.workers.exact.propagation import Balls, Cap, Functions, Interval
from phaselab.workers.exact.side import Readout
from phaselab.workers.networks.groups import read_out
from phaselab.workers.networks.mlp import Mlp, Upper, outputs

CAPS = 3
"""Times that the part of a ball is cut down in which flips may lie."""
ENTRIES = 4_000_000
"""Most coefficients of a batch of points."""
STEP = 1e-6
"""Part of the distance to the farthest hyperplane of a neuron over which the slope at a point is taken."""
FARTHER = 4.0
"""Times that distance beyond which no radius is tried."""
FORESEEN = 8.0
"""Times the distance at which the slope foresees a flip, likewise."""
LOOKS = 13
"""Radii that are tried for every point: to a thousandth of the distance that is foreseen."""


@dataclass(frozen=True, eq=False)
class Certified:
    """The certifying method on S networks."""

    network: Mlp
    upper: Upper
    length: Tensor
    """[S, M] |w_r|"""

    def bounds(self, preactivations: Tensor, factor: Tensor, side: Tensor, readout: Readout) -> tuple[Tensor, Tensor]:
        """(lower, upper) [S, N] of points [S, N, M] with L [S, M, D] and classes [S, N]; upper ones are 0 for points
        that are wrong, else infinite."""
        upper = self.upper.each(Tensor.double)
        balls = Balls(self.network, upper, preactivations.double(), factor.double(), self.length.double())
        lower = torch.zeros_like(balls.seen[..., 0])  # [S, N]
        above = torch.full_like(lower, torch.inf)
        for runs, points in _batches(balls):
            here, mine = balls.take(runs, points), side[runs, points]
            lower[runs, points], above[runs, points] = _radii(here, mine, readout)
        return lower, above


def _batches(balls: Balls) -> Iterator[tuple[slice, slice]]:
    """(runs, points) of batch after batch."""
    runs, points, neurons = balls.seen.shape
    most = max(1, ENTRIES // (2 * neurons**2))  # points
    together = max(1, most // points)
    for first in range(0, runs, together):
        for start in range(0, points, most):
            yield slice(first, first + together), slice(start, start + most)


def _radii(balls: Balls, side: Tensor, readout: Readout) -> tuple[Tensor, Tensor]:
    """(certified radii, upper bounds) [S, N] of points of classes [S, N]."""
    at_points = outputs(balls.seen.mT, balls.length, balls.upper, balls.network).mT  # [S, N, c]
    margins = Margins.of(balls, at_points, side, readout)
    if readout == "max" and balls.network.depth == 2:
        margins = margins.one_by_one()
    low = torch.zeros_like(balls.seen[..., 0])  # [S, N]
    margin = margins.least(low)
    kinks = balls.seen.abs() / balls.reach.unsqueeze(1)  # [S, N, M], not finite for rows of zeros
    farthest = torch.where(kinks.isfinite(), kinks, 0.0).amax(-1)  # [S, N]
    slope = (margin - margins.least(STEP * farthest)) / (STEP * farthest)
    high = torch.where(slope > 0, FORESEEN * margin / slope, torch.inf).minimum(FARTHER * farthest)
    for _ in range(LOOKS):
        middle = (low + high) / 2
        holds = margins.least(middle) > 0
        low, high = torch.where(holds, middle, low), torch.where(holds, high, middle)
    value = read_out(at_points.mT, balls.network, readout) * side
    return torch.where(margin > 0, low.nan_to_num(0.0), 0.0), torch.where(value > 0, torch.inf, 0.0)


@dataclass(frozen=True, eq=False)
class Margins:
    """The functions whose least is the margin: y times the sum readout; or the leading own output less every other one,
    which are not all above 0 where the max readout is not."""

    balls: Balls
    functions: Functions
    counts: Tensor
    """[S, N, o] bool: whether the function is one of the margin's"""

    @classmethod
    def of(cls, balls: Balls, at_points: Tensor, side: Tensor, readout: Readout) -> "Margins":
        """From outputs [S, N, c] and classes [S, N] of the points."""
        network, upper, y = balls.network, balls.upper, side.unsqueeze(-1).double()  # [S, N, 1]
        signs = network.layout.side_of_group.to(upper.output)  # [c]
        weights, constant = upper.output, upper.output_bias  # [S, o, M], [S, o]
        if readout == "max" and not network.binary:
            mine = signs == y  # [S, N, c]
            leads = at_points.masked_fill(~mine, -torch.inf).argmax(-1, keepdim=True)  # [S, N, 1]
            own = weights.gather(1, leads.expand(-1, -1, weights.shape[2]))  # [S, N, M]
            others = mine.long().argsort(dim=-1, stable=True)[..., : int((~mine).sum(-1).amax())]  # [S, N, o]
            run = torch.arange(len(weights), device=weights.device).view(-1, 1, 1)
            rows = own.unsqueeze(2) - weights[run, others]  # [S, N, o, M]
            ahead = constant.gather(1, leads.squeeze(-1)).unsqueeze(-1) - constant[run, others]  # [S, N, o]
            sizes = 2 * weights.abs().amax(1, keepdim=True).expand(-1, others.shape[2], -1)
            least = 2 * constant.abs().amax(1, keepdim=True).expand(-1, others.shape[2])
            return cls(balls, Functions(rows, ahead, sizes, least), ~mine.gather(-1, others))
        if not network.binary:
            sizes, least = weights.abs().sum(1, keepdim=True), constant.abs().sum(1, keepdim=True)
            weights, constant = signs @ weights, constant @ signs  # [S, M], [S]
        else:
            sizes, least, weights, constant = weights.abs(), constant.abs(), weights[:, 0], constant[:, 0]
        rows = y.unsqueeze(-1) * weights.view(len(y), 1, 1, -1)  # [S, N, 1, M]
        return cls(balls, Functions(rows, y * constant.view(-1, 1, 1), sizes, least), torch.ones_like(y).bool())

    def one_by_one(self) -> "Margins":
        """With a point for every function, so that each has caps of its own, at the price of a pass through all layers
        for each."""
        rows, constant, own = self.functions.rows, self.functions.constant, self.functions
        each = Functions(
            rows.flatten(1, 2).unsqueeze(2),  # [S, N o, 1, M]
            constant.flatten(1, 2).unsqueeze(2),
            own.sizes.amax(1, keepdim=True),
            own.constant_sizes.amax(1, keepdim=True),
        )
        seen = self.balls.seen.repeat_interleave(rows.shape[2], 1)  # [S, N o, M]
        return Margins(replace(self.balls, seen=seen), each, self.counts)

    def least(self, radius: Tensor) -> Tensor:
        """[S, N]: no more than the margin is anywhere in balls of `radius` [S, N] where it may be 0 or less; nan where
        nothing is known."""
        balls, single = self.balls, self.functions.rows.shape[2] == 1
        around = radius.repeat_interleave(balls.seen.shape[1] // radius.shape[1], 1)  # [S, N'], of points of their own
        cap, known = Cap.ball(around, balls.factor.shape[2]), list[Interval]()
        least = torch.full_like(self.functions.constant, -torch.inf)  # [S, N', o']
        for _ in range(1 + CAPS * single):
            known = balls.intervals(cap, known)
            height, normal = balls.linear(self.functions, balls.bands(known), around)
            least = torch.maximum(least, height - cap.most(-normal, balls.rounding))
            cap = Cap.below(height[..., 0], normal[..., 0, :], around, balls.rounding)
        return least.view(self.counts.shape).masked_fill(~self.counts, torch.inf).amin(-1)
