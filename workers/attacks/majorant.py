"""Landscapes that show the way through relus that are off: the gradient of a convex function above the margin.

A point's margin is V - V', the value of its own side less that of the opposing one. For a pattern a of opposing
neurons (any under `sum`, some of one group under `max`) with pre-activations q, h = V - a.q / width is convex and
nowhere below the margin. The gradient shown is that of h; score and margin stay the network's own, so nothing counts
as broken that is not. The pattern is chosen once per point.
Derivation: docs/methods/attacks.md.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.workers.attacks.landscape import Chosen, Look
from phaselab.workers.attacks.span import MaxMargin, SpanPoints, SumMargin
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.two_layer import to_neurons

FLAT = 1e-12
"""Squared slopes are raised to it, the largest entry of the factor being 1: below is rounding."""
ROUNDS = 100
"""Most changes to a pattern."""
NEARER = 1 - 1e-6
"""By less than this a change does not bring a pattern nearer but for rounding."""


@dataclass(frozen=True, eq=False)
class SumMajorant(SumMargin):
    """The `sum` readout, followed along h."""

    pattern: Tensor
    """[S, M, N]: 1 for the opposing neurons that count as on, else 0"""

    @classmethod
    def of(cls, points: SpanPoints) -> Self:
        """With the pattern chosen."""
        return cls(points, nearest_pattern(points, "sum"))

    def look(self, perturbation: Tensor) -> Look:
        """Score of the readout, gradient of h at perturbations [S, M, N]."""
        points = self.points
        moved = points.moved(perturbation)  # [S, M, N]
        active = torch.gt(moved, 0, out=torch.empty_like(moved)).mul_(points.toward)  # [S, M, N] 0, or 1 or -1
        margin = moved.mul_(active).sum(dim=1)  # [S, N]
        return Look(margin, self.slope(active.clamp_min_(0).sub_(self.pattern)))

    def take(self, chosen: Chosen) -> Self:
        """The landscape of the chosen runs and points."""
        return replace(self, points=self.points.take(chosen), pattern=chosen.of(self.pattern))


@dataclass(frozen=True, eq=False)
class MaxMajorant(MaxMargin):
    """The `max` readout, followed along h."""

    pattern: Tensor
    """[S, M, N]: 1 for the neurons of an opposing group that count as on, else 0"""

    @classmethod
    def of(cls, points: SpanPoints) -> Self:
        """With the pattern chosen."""
        return cls(points, nearest_pattern(points, "max"))

    def look(self, perturbation: Tensor) -> Look:
        """Score of the readout, gradient of h at perturbations [S, M, N]."""
        moved = self.points.moved(perturbation)  # [S, M, N]
        reach = self.points.reach(moved)  # [S, c, N]
        bottom, top = reach.aminmax(dim=1, keepdim=True)  # [S, 1, N]
        leads = to_neurons(reach.eq(top).to(moved), self.points.network.layout)  # [S, M, N]
        value = torch.gt(moved, 0, out=moved).mul_(leads)  # [S, M, N] gradient of V by the pre-activations
        return Look((top + bottom).squeeze(1), self.slope(value.sub_(self.pattern)))

    def take(self, chosen: Chosen) -> Self:
        """The landscape of the chosen runs and points."""
        return replace(self, points=self.points.take(chosen), pattern=chosen.of(self.pattern))


@dataclass(eq=False)
class _Linear:
    """v.p at each point, with what its gradient needs."""

    height: Tensor
    """[S, 1, N] v.p"""
    slope: Tensor
    """[S, M, N] K v"""
    square: Tensor
    """[S, 1, N] v.Kv"""

    @classmethod
    def of(cls, vector: Tensor, products: Tensor, preactivations: Tensor, constant: Tensor | float = 0.0) -> "_Linear":
        """From v [S, M, N], K [S, M, M] and p [S, M, N]."""
        slope = torch.bmm(products, vector)  # [S, M, N]
        height, square = ((vector * one).sum(dim=1, keepdim=True) for one in (preactivations, slope))
        return cls(height + constant, slope, square)


def nearest_pattern(points: SpanPoints, readout: Readout) -> Tensor:
    """[S, M, N] of 0 and 1: the opposing neurons that count as on; those of one group under `max`. The pattern whose
    majorant seems to vanish nearest to the point.

    With x the active neurons of a point's own side (of its leading group under `max`) and a the pattern, h = v.p with
    v = x - a, up to the width; as long as no own relu turns, its gradient is v.W, of square v.Kv with K = W W^T, and h
    vanishes at the distance v.p / |v.W|. The patterns are not enumerated: the search is greedy.
    At first all of the opposing side, or of the opposing group that is nearest; then, as long as that brings it
    nearer, the one neuron leaves, or comes in again, that brings it nearest.
    """
    products, seen = torch.bmm(points.pull.mT, points.pull), points.preactivations  # [S, M, M], [S, M, N]
    own = _own_active(points, readout)  # [S, M, N] x
    pattern = _all_of_nearest(points, _Linear.of(own, products, seen), products, readout)  # [S, M, N]
    return nearer(own, pattern, products, seen)


def nearer(own: Tensor, pattern: Tensor, products: Tensor, seen: Tensor, constant: Tensor | float = 0.0) -> Tensor:
    """The greedy search from a pattern [S, M, N], of which neurons leave or come in again: in place. With x [S, M, N],
    K [S, M, M], p [S, M, N] and what h has besides v.p, [S, 1, N]."""
    at, allowed = _Linear.of(own - pattern, products, seen, constant), pattern > 0
    diagonal = products.diagonal(dim1=1, dim2=2).unsqueeze(-1)  # [S, M, 1]
    distance = _distance(at.height, at.square)  # [S, 1, N]
    for _ in range(min(ROUNDS, seen.shape[1])):
        turn = 1 - 2 * pattern  # [S, M, N] what a change adds to the pattern
        changed = _distance(at.height - turn * seen, at.square - 2 * turn * at.slope + diagonal)  # [S, M, N]
        least, neuron = changed.masked_fill_(~allowed, torch.inf).min(dim=1, keepdim=True)  # [S, 1, N]
        better = least < distance.where(distance > 0, -torch.inf) * NEARER
        if not bool(better.any()):
            break
        distance = torch.where(better, least, distance)
        pattern.scatter_add_(1, neuron, turn.gather(1, neuron) * better)
        at = _Linear.of(own - pattern, products, seen, constant)
    return pattern


def _own_active(points: SpanPoints, readout: Readout) -> Tensor:
    """[S, M, N]: 1 for the active neurons of a point's own side, of its leading group under `max`, else 0."""
    seen = points.preactivations
    active = (seen > 0).to(seen).mul_(points.toward.clamp_min(0))  # [S, M, N]
    if readout == "sum":
        return active
    reach = points.reach(seen)  # [S, c, N]
    return active.mul_(to_neurons(reach.eq(reach.amax(dim=1, keepdim=True)).to(seen), points.network.layout))


def _all_of_nearest(points: SpanPoints, value: _Linear, products: Tensor, readout: Readout) -> Tensor:
    """[S, M, N]: 1 for the neurons of the opposing side, or of the opposing group that is nearest, else 0."""
    sets = _sets(points.network.layout, readout).to(products)  # [G, M]
    inside = (sets @ products @ sets.T).diagonal(dim1=1, dim2=2).unsqueeze(-1)  # [S, G, 1]
    height = value.height - sets @ points.preactivations  # [S, G, N]
    square = value.square - 2 * (sets @ value.slope) + inside  # [S, G, N]
    opposing = sets @ points.toward < 0  # [S, G, N]
    nearest = _distance(height, square).where(opposing, torch.inf).argmin(dim=1)  # [S, N]
    return sets[nearest].mT.contiguous()


def _sets(layout: GroupLayout, readout: Readout) -> Tensor:
    """[G, M] of 0 and 1: the neurons of each side, or of each group under `max`."""
    if readout == "sum":
        return torch.stack([layout.side_of_neuron == side for side in (1, -1)]).long()
    return torch.nn.functional.one_hot(layout.group_of_neuron, layout.outputs).T


def _distance(height: Tensor, square: Tensor) -> Tensor:
    """How far away a linear function of this height and squared slope vanishes."""
    return height / square.clamp_min(FLAT).sqrt()
