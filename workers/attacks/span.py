"""The attacks' landscape in the span of the weights of two-layer networks.

Input gradients are combinations of the rows of W. With W W^T = L L^T, a perturbation in the span is told by its
coordinates u in R^M: it moves the pre-activations to p + L u, it is as long as u, and the gradient of a function of
the pre-activations is L^T times its gradient by them. So an attack costs what M costs, whatever d is.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from phaselab.domain.results.results import READOUTS, Readout
from phaselab.workers.attacks.landscape import Chosen, Economy, Look
from phaselab.workers.attacks.regions import Ball
from phaselab.workers.networks.groups import onehot, read_out
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.two_layer import TwoLayer, outputs, to_neurons

CHUNK_NUMBERS = 60_000
"""Numbers in a tensor of one attacked chunk on the CPU: a handful of such tensors stay in a core's cache.

Measured on one core of a 2.8 GHz server CPU, 10 neurons by 1,000 points: an elementwise pass costs 8 µs for 6 runs at
once, 170 µs for 64. Attacks of 6 runs at once took four fifths of the time of 3 at once.
"""
ROUNDING = 1e-5
"""Relative error that is granted to margins in float32."""
ECONOMY = Economy(at_once=None, look_every=4, spare=0.25)
"""A look costs little beside choosing the points that are left."""
SMALLEST = -50.0
"""Exponents below are raised to it: e^-50 is nothing beside 1, but keeps clear of denormal numbers, which are slow."""


def runs_at_once(neurons: int, points: int, device: str) -> int:
    """How many runs to attack as one batch: what fits into the cache of a CPU core, everything on a GPU."""
    if torch.device(device).type != "cpu":
        return 2**31
    return max(1, CHUNK_NUMBERS // (neurons * points))


@dataclass(frozen=True, eq=False)
class SpanPoints:
    """Test points of S runs, as their networks see them."""

    preactivations: Tensor
    """[S, M, N] without perturbation"""
    factor: Tensor
    """L [S, M, M]"""
    pull: Tensor
    """L^T over its largest entry [S, M, M]: gradients are followed for their direction only"""
    side: Tensor
    """[S, N] +1 or -1 in the number format of the pre-activations"""
    toward: Tensor
    """[S, M, N]: +1 for the neurons of a point's own side, -1 for the opposing ones"""
    network: TwoLayer

    @classmethod
    def of(cls, preactivations: Tensor, factor: Tensor, side: Tensor, network: TwoLayer) -> "SpanPoints":
        """From pre-activations [S, M, N], factor [S, M, M] and sides [S, N]."""
        largest = factor.abs().amax(dim=(1, 2), keepdim=True)  # [S, 1, 1]
        pull = (factor / largest.where(largest > 0, 1.0)).mT.contiguous()
        side = side.to(preactivations)
        toward = network.layout.side_of_neuron.to(preactivations).view(1, -1, 1) * side.unsqueeze(1)  # [S, M, N]
        return cls(preactivations, factor.to(preactivations), pull.to(preactivations), side, toward, network)

    def moved(self, perturbation: Tensor) -> Tensor:
        """[S, M, N] -> [S, M, N]: pre-activations under perturbations."""
        return torch.baddbmm(self.preactivations, self.factor, perturbation)

    def reach(self, preactivations: Tensor) -> Tensor:
        """[S, M, N] -> [S, c, N]: outputs of a point's own groups, and less those of the opposing ones. As outputs are
        not negative, the largest of all is V, the value of the own side by `max`, the least -V', of the opposing one.
        """
        layout = self.network.layout
        return outputs(preactivations, layout) * self.toward[:, :: layout.width]

    def take(self, chosen: Chosen) -> "SpanPoints":
        """The chosen runs and points."""
        return replace(
            self,
            preactivations=chosen.of(self.preactivations),
            factor=self.factor[chosen.runs],
            pull=self.pull[chosen.runs],
            side=chosen.of(self.side),
            toward=chosen.of(self.toward),
        )

    def safe_radius(self, readout: Readout) -> Tensor:
        """[S, N]: by the readout's margin and the bound of its slope no perturbation of this length breaks the point;
        negative for a wrong one.
        """
        margin = read_out(outputs(self.preactivations, self.network.layout), self.network, readout) * self.side
        return margin / (steepest(self.factor, self.network.layout, readout).unsqueeze(-1) * (1 + ROUNDING))


def steepest(factor: Tensor, layout: GroupLayout, readout: Readout) -> Tensor:
    """[S]: a bound of the length of a readout's gradient by the perturbation anywhere, from L [S, M, M].

    A readout is continuous and piecewise linear. Where neurons are on or off by a pattern s in {0, 1}^M its gradient
    is (1/h) sum_r s_r side_r L_r, of square (1/h^2) s^T K s with K_rs = side_r side_s <w_r, w_s>; that is at most the
    sum of the positive entries of K. Under `max` only one group of either side counts at a time.
    Derivation: docs/methods/attacks.md.
    """
    sided = factor.double() * layout.side_of_neuron.view(1, -1, 1)  # [S, M, M]
    member = torch.nn.functional.one_hot(layout.group_of_neuron, layout.outputs).to(sided)  # [M, c]
    blocks = member.T @ (sided @ sided.mT).clamp_min(0) @ member  # [S, c, c] sums over the neurons of two groups
    if readout == "sum":
        square = blocks.sum(dim=(1, 2))  # [S]
    else:
        alone = blocks.diagonal(dim1=1, dim2=2)  # [S, c]
        pairs = alone.unsqueeze(1) + alone.unsqueeze(2) + 2 * blocks  # [S, c, c]
        opposed = layout.side_of_group.unsqueeze(0) != layout.side_of_group.unsqueeze(1)  # [c, c]
        square = pairs[:, opposed].amax(dim=1)  # [S]
    return (square.sqrt() / layout.width).to(factor.dtype)


@dataclass(frozen=True, eq=False)
class OnPoints(ABC):
    """What all landscapes on span points share."""

    points: SpanPoints
    region = Ball()
    economy = ECONOMY

    @property
    def goal(self) -> float:
        """A readout is broken for good at 0."""
        return 0.0

    @property
    def verdicts(self) -> int:
        """The score decides."""
        return 1

    def zeros(self) -> Tensor:
        """[S, M, N]: no perturbation."""
        return torch.zeros_like(self.points.preactivations)

    @abstractmethod
    def look(self, perturbation: Tensor) -> Look:
        """Score, gradient and margins at perturbations [S, M, N]."""

    def clean(self) -> Tensor:
        """[V, S, N]: the margins without perturbation."""
        return self.look(self.zeros()).verdicts

    def slope(self, by_neuron: Tensor) -> Tensor:
        """[S, M, N] gradient by the pre-activations -> [S, M, N] along the gradient by the perturbation."""
        return torch.bmm(self.points.pull, by_neuron)

    def take(self, chosen: Chosen) -> Self:
        """The landscape of the chosen runs and points."""
        return replace(self, points=self.points.take(chosen))


@dataclass(frozen=True, eq=False)
class SumMargin(OnPoints):
    """The `sum` readout: score and margin are y times it (times the width, which changes no sign)."""

    def look(self, perturbation: Tensor) -> Look:
        """Score and gradient at perturbations [S, M, N]; the score is the margin."""
        points = self.points
        moved = points.moved(perturbation)  # [S, M, N]
        active = torch.gt(moved, 0, out=torch.empty_like(moved)).mul_(points.toward)  # [S, M, N] 0, or 1 or -1
        return Look(moved.mul_(active).sum(dim=1), self.slope(active))

    def safe_radius(self) -> Tensor:
        """[S, N]"""
        return self.points.safe_radius("sum")


@dataclass(frozen=True, eq=False)
class MaxMargin(OnPoints):
    """The `max` readout: score and margin are y times it. Ties follow all groups that tie."""

    def look(self, perturbation: Tensor) -> Look:
        """Score and gradient at perturbations [S, M, N]; the score is the margin."""
        moved = self.points.moved(perturbation)  # [S, M, N]
        reach = self.points.reach(moved)  # [S, c, N]
        bottom, top = reach.aminmax(dim=1, keepdim=True)  # [S, 1, N]
        leads = reach.eq(top).to(moved).sub_(reach.eq(bottom).to(moved))  # [S, c, N]
        active = torch.gt(moved, 0, out=moved).mul_(to_neurons(leads, self.points.network.layout))  # [S, M, N]
        return Look((top + bottom).squeeze(1), self.slope(active))

    def safe_radius(self) -> Tensor:
        """[S, N]"""
        return self.points.safe_radius("max")


@dataclass(frozen=True, eq=False)
class OwnLoss(OnPoints):
    """The network's own loss at the label group, and both readouts' margins as verdicts.

    The score is f_label - logsumexp of the other outputs, which falls as the cross-entropy log(1 + e^-score) rises
    (for two groups it is the logistic loss). Its gradient has the direction of the loss's, but never underflows.
    """

    target: Tensor
    """[S, c, N]: 1 for the label group, else 0"""
    mask: Tensor
    """[S, c, N]: infinity for the label group, else 0"""

    @property
    def goal(self) -> float:
        """The loss can always rise further."""
        return -torch.inf

    @property
    def verdicts(self) -> int:
        """Both readouts decide."""
        return len(READOUTS)

    @classmethod
    def of(cls, points: SpanPoints, label: Tensor) -> "OwnLoss":
        """From the label groups [S, N] long."""
        target = onehot(label, points.network.layout.outputs).to(points.preactivations)  # [S, c, N]
        return cls(points, target, torch.zeros_like(target).masked_fill_(target > 0, torch.inf))

    def look(self, perturbation: Tensor) -> Look:
        """Score, gradient and margins of sum and max at perturbations [S, M, N]."""
        points, network = self.points, self.points.network
        moved = points.moved(perturbation)  # [S, M, N]
        of_groups = outputs(moved, network.layout)  # [S, c, N]
        own = (of_groups * self.target).sum(dim=1)  # [S, N]
        others = of_groups - self.mask  # [S, c, N]
        top = others.amax(dim=1, keepdim=True)  # [S, 1, N]
        share = others.sub_(top).clamp_min_(SMALLEST).exp_()  # [S, c, N]
        total = share.sum(dim=1, keepdim=True)  # [S, 1, N]
        score = own - (top + total.log()).squeeze(1)
        by_output = torch.addcmul(self.target, share, 1 / total, value=-1)  # [S, c, N]
        active = torch.gt(moved, 0, out=moved).mul_(to_neurons(by_output, network.layout))  # [S, M, N]
        margins = torch.stack([read_out(of_groups, network, readout) * points.side for readout in READOUTS])
        return Look(score, self.slope(active), margins)

    def safe_radius(self) -> Tensor:
        """[S, N]: safe by both readouts."""
        return torch.minimum(*(self.points.safe_radius(readout) for readout in READOUTS))

    def take(self, chosen: Chosen) -> "OwnLoss":
        """The landscape of the chosen runs and points."""
        return OwnLoss(self.points.take(chosen), chosen.of(self.target), chosen.of(self.mask))
