"""Two-layer ReLU networks seen from their pre-activations: outputs, and the gradient of the loss.

Pre-activations are [..., M, N]: neurons by points, points last, because every sum over neurons then runs along
contiguous points.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.settings import Settings
from phaselab.workers.networks.groups import lead, onehot
from phaselab.workers.networks.layout import GroupLayout


@dataclass(frozen=True, eq=False)
class TwoLayer:
    """A network: f_i = mean over the neurons of group i of relu(<w, x> + b), the groups of side +1 first.

    `logistic` trains f_0 - f_1 on +-1 (group 0 is +1), with biases; `cross_entropy` trains the groups, without.
    """

    layout: GroupLayout
    loss: Literal["logistic", "cross_entropy"]

    @property
    def biased(self) -> bool:
        """Whether the first layer has trained biases."""
        return self.loss == "logistic"

    @cached_property
    def positive_groups(self) -> int:
        """Number of groups of side +1; they come first."""
        return self.layout.groups_of_side(1)


def network_of(settings: Settings, device: str | torch.device = "cpu") -> TwoLayer:
    """The network of canonical settings. Raises ValueError for others."""
    network = settings.network
    if not isinstance(network.width, int):
        raise ValueError("the settings are not canonical: network.width is auto")
    layout = GroupLayout.build(label_groups(settings).side_of_group, network.width, device)
    return TwoLayer(layout, "logistic" if network.labels == "binary" else "cross_entropy")


def outputs(preactivations: Tensor, layout: GroupLayout) -> Tensor:
    """[..., M, N] -> [..., c, N]: f_i, the mean of the group's active pre-activations."""
    active = preactivations.relu()  # [..., M, N]; clamp_min would have the slope 1 at 0
    if layout.width == 1:
        return active
    *batch, _, points = preactivations.shape
    return active.view(*batch, layout.outputs, layout.width, points).mean(dim=-2)  # [..., c, N]


def to_neurons(of_groups: Tensor, layout: GroupLayout) -> Tensor:
    """[..., c, N] -> [..., M, N]: every neuron gets its group's row."""
    return of_groups if layout.width == 1 else of_groups.repeat_interleave(layout.width, dim=-2)


class LossGradient:
    """The gradient of the training loss by the pre-activations, in closed form, for fixed labels [..., n].

    Logistic, f = f_0 - f_1, y = +-1: dL/df = -y sigmoid(-y f) / n. Cross-entropy: dL/df_i = (softmax_i - 1[i = label])
    / n. Through a group's mean of ReLUs, 1 / width of it reaches each active neuron of the group.
    """

    def __init__(self, network: TwoLayer, label: Tensor, precision: torch.dtype) -> None:
        self.network, self.label = network, label
        self.scale = 1 / (label.shape[-1] * network.layout.width)
        self.target = onehot(label, network.layout.outputs).to(precision)  # [..., c, n]
        self.sign = self.target[..., 0, :] - self.target[..., 1, :]  # [..., n] for two groups, +1 or -1
        self.side = network.layout.side_of_neuron.to(precision).unsqueeze(-1)  # [M, 1]

    def __call__(self, preactivations: Tensor) -> Tensor:
        """[..., M, n] -> [..., M, n]"""
        active = torch.gt(preactivations, 0, out=torch.empty_like(preactivations))  # 0 or 1
        return (
            self._logistic(preactivations, active)
            if self.network.biased
            else self._cross_entropy(preactivations, active)
        )

    def lead(self, preactivations: Tensor) -> Tensor:
        """[..., M, n] -> [..., n]: the own output less the logsumexp of the others, which falls as the loss rises;
        differentiable."""
        return lead(outputs(preactivations, self.network.layout), self.label)

    def _logistic(self, preactivations: Tensor, active: Tensor) -> Tensor:
        active.mul_(self.side)  # 0 or the neuron's side
        margin = (preactivations * active).sum(dim=-2).mul_(self.sign)  # [..., n] width * y f
        pull = margin.div_(-self.network.layout.width).sigmoid_().mul_(self.sign).mul_(-self.scale)
        return active.mul_(pull.unsqueeze(-2))

    def _cross_entropy(self, preactivations: Tensor, active: Tensor) -> Tensor:
        share = outputs(preactivations, self.network.layout).softmax(dim=-2)  # [..., c, n]
        return active.mul_(to_neurons(share.sub_(self.target).mul_(self.scale), self.network.layout))
