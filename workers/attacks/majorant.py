"""Landscapes that show the way through relus that are off: the gradient of a convex function above the margin.

A point's margin is V - V', the value of its own side less that of the opposing one. For a pattern a of opposing
neurons (any under `sum`, some of one group under `max`) with pre-activations q, h = V - a.q / width is convex and
nowhere below the margin. The gradient shown is that of h; score and margin stay the network's own, so nothing counts
as broken that is not. The pattern is chosen once per point (workers/attacks/patterns.py).
Derivation: docs/methods/attacks.md.
"""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from phaselab.workers.attacks.landscape import Chosen, Look
from phaselab.workers.attacks.patterns import nearest_pattern
from phaselab.workers.attacks.span import MaxMargin, SpanPoints, SumMargin
from phaselab.workers.networks.two_layer import to_neurons


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
