"""Which opposing neurons to count as on: the pattern whose majorant seems to vanish nearest to the point.

With x the active neurons of a point's own side (of its leading group under `max`) and a the pattern, h = v.p with
v = x - a, up to the width; as long as no own relu turns, its gradient is v.W, of square v.Kv with K = W W^T, and h
vanishes at the distance v.p / |v.W|. The patterns are not enumerated: the search is greedy.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.workers.attacks.span import SpanPoints
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.two_layer import to_neurons

FLAT = 1e-12
"""Squared slopes are raised to it, the largest entry of the factor being 1: below is rounding."""
ROUNDS = 100
"""Most changes to a pattern."""
NEARER = 1 - 1e-6
"""By less than this a change does not bring a pattern nearer but for rounding."""


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
    def of(cls, vector: Tensor, products: Tensor, preactivations: Tensor) -> "_Linear":
        """From v [S, M, N], K [S, M, M] and p [S, M, N]."""
        slope = torch.bmm(products, vector)  # [S, M, N]
        height, square = ((vector * one).sum(dim=1, keepdim=True) for one in (preactivations, slope))
        return cls(height, slope, square)


def nearest_pattern(points: SpanPoints, readout: Readout) -> Tensor:
    """[S, M, N] of 0 and 1: the opposing neurons that count as on; those of one group under `max`.

    At first all of the opposing side, or of the opposing group that is nearest; then, as long as that brings it
    nearer, the one neuron leaves, or comes in again, that brings it nearest.
    """
    products, seen = torch.bmm(points.pull.mT, points.pull), points.preactivations  # [S, M, M], [S, M, N]
    own = _own_active(points, readout)  # [S, M, N] x
    pattern = _all_of_nearest(points, _Linear.of(own, products, seen), products, readout)  # [S, M, N]
    at, allowed = _Linear.of(own - pattern, products, seen), pattern > 0
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
        at = _Linear.of(own - pattern, products, seen)
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
