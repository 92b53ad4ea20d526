"""The gradient of the training loss by the pre-activations, in closed form.

Logistic, f = f_0 - f_1, y = +-1: dL/df = -y sigmoid(-y f) / n. Cross-entropy: dL/df_i = (softmax_i - 1[i = label]) / n.
Through a group's mean of ReLUs, 1 / width of it reaches each active neuron of the group.
"""

import torch
from torch import Tensor

from phaselab.workers.networks.two_layer import TwoLayer, onehot, outputs, to_neurons


class LossGradient:
    """The gradient for fixed labels [..., n], as a function of pre-activations [..., M, n]."""

    def __init__(self, network: TwoLayer, label: Tensor, precision: torch.dtype) -> None:
        self.network = network
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

    def _logistic(self, preactivations: Tensor, active: Tensor) -> Tensor:
        active.mul_(self.side)  # 0 or the neuron's side
        margin = (preactivations * active).sum(dim=-2).mul_(self.sign)  # [..., n] width * y f
        pull = margin.div_(-self.network.layout.width).sigmoid_().mul_(self.sign).mul_(-self.scale)
        return active.mul_(pull.unsqueeze(-2))

    def _cross_entropy(self, preactivations: Tensor, active: Tensor) -> Tensor:
        share = outputs(preactivations, self.network.layout).softmax(dim=-2)  # [..., c, n]
        return active.mul_(to_neurons(share.sub_(self.target).mul_(self.scale), self.network.layout))
