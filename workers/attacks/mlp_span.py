"""Networks of any depth as the attacks see them: in the span of their first layer's weights.

As in `span.py` a perturbation u moves the first layer's pre-activations to p + L u; the gradient by them comes from a
pass through what stands above and back, and times L^T it is the gradient by u.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from phaselab.domain.results.results import READOUTS, Readout
from phaselab.workers.attacks.landscape import Chosen, Economy, Look
from phaselab.workers.attacks.majorant import nearer
from phaselab.workers.attacks.regions import Ball
from phaselab.workers.attacks.span import CHUNK_NUMBERS, ECONOMY, ROUNDING
from phaselab.workers.networks.groups import lead, read_out
from phaselab.workers.networks.mlp import Mlp, Upper, of_last, outputs, slope_bound
from phaselab.workers.networks.passes import Pass, by_last
from phaselab.workers.networks.slopes import by_lead, by_read_out

TOGETHER = 2 * CHUNK_NUMBERS
"""Numbers in a tensor of points of several runs that are attacked together on a CPU: a look at 64 neurons costs the
same a point from 500 points on, and from 8,000 on half as much again."""


@dataclass(frozen=True, eq=False)
class MlpPoints:
    """Test points of S runs, as the first layers of their networks see them, and what stands above."""

    preactivations: Tensor
    """[S, M, N] without perturbation"""
    factor: Tensor
    """L [S, M, M]"""
    pull: Tensor
    """L^T over its largest entry [S, M, M]: gradients are followed for their direction only"""
    side: Tensor
    """[S, N] +1 or -1 in the number format of the pre-activations"""
    label: Tensor
    """[S, N] long"""
    length: Tensor
    """[S, M] |w_r|"""
    upper: Upper
    network: Mlp

    def passed(self, perturbation: Tensor) -> Pass:
        """Through the network at perturbations [S, M, N]."""
        moved = torch.baddbmm(self.preactivations, self.factor, perturbation)
        return Pass.of(moved, self.length, self.upper, self.network)

    def margins(self, of_groups: Tensor, readout: Readout) -> Tensor:
        """[S, c, N] -> [S, N]: y times the readout."""
        return read_out(of_groups, self.network, readout) * self.side

    def take(self, chosen: Chosen) -> "MlpPoints":
        """The chosen runs and points."""
        runs = chosen.runs
        return MlpPoints(
            chosen.of(self.preactivations),
            self.factor[runs],
            self.pull[runs],
            chosen.of(self.side),
            chosen.of(self.label),
            self.length[runs],
            self.upper.each(lambda tensor: tensor[runs]),
            self.network,
        )

    def safe_radius(self, readout: Readout) -> Tensor:
        """[S, N]: by the readout's margin and the bound of its slope no perturbation of this length breaks the point;
        negative for a wrong one, 0 where the slope has no bound.

        With b the bounds of the derivatives by the pre-activations the gradient L^T g, |g_r| <= b_r, has at most the
        square b^T |L L^T| b.
        """
        upper = self.upper.each(torch.Tensor.double)
        bound = slope_bound(upper, self.network, readout)  # [S, M]
        products = self.factor.double() @ self.factor.double().mT  # [S, M, M]
        square = (bound.unsqueeze(1) @ products.abs() @ bound.unsqueeze(2)).view(-1, 1)  # [S, 1]
        of_groups = outputs(self.preactivations.double(), self.length.double(), upper, self.network)
        margin = self.margins(of_groups, readout)
        return (margin / (square.sqrt() * (1 + ROUNDING))).nan_to_num(0.0).to(self.preactivations)


@dataclass(frozen=True, eq=False)
class _OnPoints(ABC):
    """What both landscapes share."""

    points: MlpPoints
    safe: Tensor
    """[S, N]"""
    region = Ball()

    @property
    def economy(self) -> Economy:
        """Of several runs as many points as are no dearer together."""
        seen = self.points.preactivations
        return replace(ECONOMY, together=TOGETHER // seen.shape[1] if seen.device.type == "cpu" else None)

    @abstractmethod
    def judge(self, of_groups: Tensor) -> tuple[Tensor, Tensor | None]:
        """Score [S, N] and margins [V, S, N], null where the score decides, from outputs [S, c, N]."""

    @abstractmethod
    def slope(self, of_groups: Tensor) -> Tensor:
        """[S, c, N]: the score's derivative by the outputs [S, c, N]."""

    def by_first(self, passed: Pass) -> Tensor:
        """[S, M, N]: what is followed, by the first layer's pre-activations."""
        return passed.back(self.by_last(passed.outputs))

    def by_last(self, of_groups: Tensor) -> Tensor:
        """[S, M, N]: the same by what the last hidden layer gives."""
        return by_last(self.slope(of_groups), self.points.upper, self.points.network)

    def zeros(self) -> Tensor:
        """[S, M, N]: no perturbation."""
        return torch.zeros_like(self.points.preactivations)

    def clean(self) -> Tensor:
        """[V, S, N]: the margins without perturbation."""
        return self.look(self.zeros()).verdicts

    def look(self, perturbation: Tensor) -> Look:
        """Score, gradient and margins at perturbations [S, M, N]."""
        points = self.points
        passed = points.passed(perturbation)
        score, margins = self.judge(passed.outputs)
        slope = self.by_first(passed)  # [S, M, N]
        largest = slope.abs().amax(dim=1, keepdim=True)  # [S, 1, N]: a small slope has a direction, too
        gradient = torch.bmm(points.pull, slope / largest.where(largest > 0, 1.0))
        return Look(score, gradient, margins)

    def safe_radius(self) -> Tensor:
        """[S, N]"""
        return self.safe

    def take(self, chosen: Chosen) -> Self:
        """The landscape of the chosen runs and points."""
        return replace(self, points=self.points.take(chosen), safe=chosen.of(self.safe))


@dataclass(frozen=True, eq=False)
class MlpMargin(_OnPoints):
    """A readout: score and margin are y times it."""

    readout: Readout
    goal = 0.0
    verdicts = 1

    def judge(self, of_groups: Tensor) -> tuple[Tensor, Tensor | None]:
        """The margin [S, N] of outputs [S, c, N]."""
        return self.points.margins(of_groups, self.readout), None

    def slope(self, of_groups: Tensor) -> Tensor:
        """[S, c, N]"""
        return by_read_out(of_groups, self.points.network, self.readout) * self.points.side.unsqueeze(1)

    def by_last(self, of_groups: Tensor) -> Tensor:
        """[S, M, N]"""
        return self._of_sum if self.readout == "sum" else super().by_last(of_groups)

    @cached_property
    def _of_sum(self) -> Tensor:
        """The same wherever points are."""
        side, groups = self.points.side, self.points.network.layout.outputs
        return super().by_last(side.unsqueeze(1).expand(-1, groups, -1))


def has_majorant(network: Mlp) -> bool:
    """Whether the sum readout has a convex function above its margin that `majorant.py` knows."""
    return network.depth == 2 and network.activation == "relu"


@dataclass(frozen=True, eq=False)
class MlpMajorant(MlpMargin):
    """The sum readout of two layers of relus, followed along h of `majorant.py`: opposing neurons of a pattern count as
    on, for a gradient does not see those that are off and could wake up."""

    pattern: Tensor
    """[S, M, N] of 0 and 1"""

    @classmethod
    def of(cls, margin: MlpMargin) -> Self:
        """With the pattern chosen, from all of the opposing neurons on: a relu of weight w is one of |w| z."""
        points, weights = margin.points, margin._of_sum  # [S, M, N]
        size = weights[..., :1].abs()  # [S, M, 1], the same at all points
        largest = size.amax(dim=1, keepdim=True)
        largest = largest.where(largest > 0, 1.0)  # [S, 1, 1]
        size = size / largest
        factor = size * points.pull.mT
        seen = size * points.preactivations
        own, opposing = ((weights > 0) & (seen > 0)).to(seen), (weights < 0).to(seen)
        constant = points.margins(of_last(torch.zeros_like(seen), points.upper, points.network), "sum")  # [S, N]
        pattern = nearer(own, opposing, torch.bmm(factor, factor.mT), seen, constant.unsqueeze(1) / largest)
        return cls(points, margin.safe, margin.readout, pattern)

    def by_first(self, passed: Pass) -> Tensor:
        """[S, M, N]"""
        return torch.where(self._of_sum < 0, self._of_sum * self.pattern, super().by_first(passed))

    def take(self, chosen: Chosen) -> Self:
        """The landscape of the chosen runs and points."""
        return replace(super().take(chosen), pattern=chosen.of(self.pattern))


@dataclass(frozen=True, eq=False)
class MlpOwnLoss(_OnPoints):
    """The own label's output less the logsumexp of the others, whatever the loss in training was, and both readouts'
    margins as verdicts. It falls as the cross-entropy rises, and the exponential loss with it."""

    goal = -torch.inf
    verdicts = len(READOUTS)

    def judge(self, of_groups: Tensor) -> tuple[Tensor, Tensor | None]:
        """The score [S, N] and the margins [2, S, N] of outputs [S, c, N]."""
        margins = torch.stack([self.points.margins(of_groups, readout) for readout in READOUTS])
        return lead(of_groups, self.points.label), margins

    def slope(self, of_groups: Tensor) -> Tensor:
        """[S, c, N]"""
        return by_lead(of_groups, self.points.label)
