"""The gradient of the training loss by the pre-activations, in closed form.

Logistic, f = f_0 - f_1, y = +-1: dL/df = -y sigmoid(-y f) / n. Cross-entropy: dL/df_i = (softmax_i - 1[i = label]) / n.
Through a group's mean of ReLUs, 1 / width of it reaches each active neuron of the group.
"""

import torch
from torch import Tensor

from workers.two_layer import TwoLayer, onehot, outputs, to_neurons


class LossGradient:
    """The gradient for fixed labels [..., n], as a function of pre-activations [..., M, n]."""

    def __init__(self, network: TwoLayer, label: Tensor, precision: torch.dtype) -> None:
        self.network = network
        self.scale = 1 / (label.shape[-1] * network.layout.width)
        self.target = onehot(label, network.layout.outputs).to(precision)  # [..., c, n]
        self.side = network.layout.side_of_neuron.to(precision)  # [M]

    def __call__(self, preactivations: Tensor) -> Tensor:
        """[..., M, n] -> [..., M, n]"""
        by_neuron = self._logistic(preactivations) if self.network.biased else self._cross_entropy(preactivations)
        active = torch.gt(preactivations, 0, out=torch.empty_like(preactivations))  # 0 or 1
        return active.mul_(by_neuron)

    def _logistic(self, preactivations: Tensor) -> Tensor:
        sign = self.target[..., 0, :] - self.target[..., 1, :]  # [..., n] +1 or -1
        readout = (self.side / self.network.layout.width) @ preactivations.clamp_min(0)  # [..., n]
        pull = torch.sigmoid(-sign * readout) * (sign * self.scale)  # [..., n]
        return pull.unsqueeze(-2) * -self.side.unsqueeze(-1)  # [..., M, n]

    def _cross_entropy(self, preactivations: Tensor) -> Tensor:
        share = outputs(preactivations, self.network.layout).softmax(dim=-2)  # [..., c, n]
        return to_neurons(share.sub_(self.target).mul_(self.scale), self.network.layout)
