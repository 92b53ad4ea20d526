"""Landscapes that show the way through relus that are off: the gradient of a convex function above the margin.

A point's margin is V - V', the value of its own side less that of the opposing one. With q_j the pre-activations of
the opposing neurons summed without relu (all of them under `sum`, those of group j under `max`, over the width),
h_j = V - q_j is convex and nowhere below the margin. The gradient shown is that of the h_j whose linearised zero is
nearest, |h_j| / |grad h_j|; score and margin stay the network's own, so nothing counts as broken that is not.
Derivation: docs/methods/attacks.md.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.pgd import Look
from workers.span import MaxMargin, SumMargin
from workers.two_layer import outputs, to_neurons

FLAT = 1e-12
"""Squared slopes are raised to it, the largest entry of the factor being 1: below is rounding."""


@dataclass(frozen=True, eq=False)
class SumMajorant(SumMargin):
    """The `sum` readout, followed along h = V - q."""

    def look(self, perturbation: Tensor) -> Look:
        """Score of the readout, gradient of h at perturbations [S, M, N]."""
        points = self.points
        moved = points.moved(perturbation)  # [S, M, N]
        active = torch.gt(moved, 0, out=torch.empty_like(moved)).mul_(points.toward)  # [S, M, N] 0, or 1 or -1
        margin = moved.mul_(active).sum(dim=1)  # [S, N]
        return Look(margin, self.slope(torch.minimum(active, points.toward, out=active)))


@dataclass(frozen=True, eq=False)
class MaxMajorant(MaxMargin):
    """The `max` readout, followed along the h_j whose linearised zero is nearest."""

    def look(self, perturbation: Tensor) -> Look:
        """Score of the readout, gradient of an h_j at perturbations [S, M, N]."""
        points, layout = self.points, self.points.network.layout
        moved = points.moved(perturbation)  # [S, M, N]
        of_groups = outputs(moved, layout)  # [S, c, N]
        unlike = points.toward[:, :: layout.width]  # [S, c, N] +1 for own groups, -1 for opposing ones
        own = unlike > 0
        value = of_groups.where(own, -torch.inf).amax(dim=1, keepdim=True)  # [S, 1, N] V
        margin = value - of_groups.where(~own, -torch.inf).amax(dim=1, keepdim=True)  # [S, 1, N]
        leads = of_groups.eq(value).logical_and_(own).to(moved)  # [S, c, N]
        by_neuron = to_neurons(leads, layout) * (moved > 0)  # [S, M, N]
        downhill = self.slope(by_neuron)  # [S, M, N] grad V, times the width
        group_pull = self._by_group(self.points.pull.mT).sum(dim=2).mT  # [S, M, c] grad q_j
        gap = value - self._by_group(moved).mean(dim=2)  # [S, c, N] h_j
        square = (
            downhill.square().sum(dim=1, keepdim=True)
            + group_pull.square().sum(dim=1).unsqueeze(-1)
            - 2 * torch.bmm(group_pull.mT, downhill)
        )  # [S, c, N] |grad h_j|^2
        distance = (gap / square.clamp_min_(FLAT).sqrt_()).masked_fill_(own, torch.inf)  # [S, c, N]
        nearest = distance.eq(distance.amin(dim=1, keepdim=True)).to(moved)  # [S, c, N]
        return Look(margin.squeeze(1), torch.baddbmm(downhill, group_pull, nearest, alpha=-1))

    def _by_group(self, values: Tensor) -> Tensor:
        """[S, M, X] -> [S, c, width, X]"""
        layout = self.points.network.layout
        return values.reshape(len(values), layout.outputs, layout.width, -1)
