"""Exact robust radii of the networks of `mlp` that have them: two layers of a piecewise linear activation, whatever the
output, and linear networks of any depth.

The scale of the outputs is positive and common, and drops.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

import torch
from torch import Tensor

from phaselab.workers.exact.exact import PATTERNS, InSpan, OfLayout, RobustRadii
from phaselab.workers.exact.patterns import pattern_count
from phaselab.workers.exact.side import Readout
from phaselab.workers.exact.weighed import Weighed, weighed_decision, weighed_flips, weighed_radii
from phaselab.workers.networks.mlp import LEAK, Mlp, Upper

LEAKS: Mapping[str, float] = {"relu": 0.0, "leaky_relu": LEAK, "linear": 1.0}
"""Slope below 0 of the activations that are max(z, leak z)."""


def exact_of(network: Mlp, upper: Upper, fixed: bool) -> InSpan:
    """The exact method on S networks; `fixed`: every output adds up its own neurons, as published."""
    leak = LEAKS[network.activation]
    return OfLayout(network.layout, leak) if fixed and network.depth == 2 else OfWeights(network, upper, leak)


@dataclass(frozen=True, eq=False)
class OfWeights:
    """The exact method on networks whose outputs weigh every neuron of the first layer."""

    network: Mlp
    upper: Upper
    leak: float

    def radii(self, preactivations: Tensor, factor: Tensor, side: Tensor, readout: Readout) -> RobustRadii:
        """Of points [S, N, M] with L [S, M, D] and classes [S, N]."""
        return weighed_radii(preactivations, factor, self._outputs(readout), side)

    def flips(self, preactivations: Tensor, factor: Tensor, side: Tensor, readout: Readout, start: Tensor) -> Tensor:
        """[S, N, D] from `start` [S, N, D]."""
        return weighed_flips(preactivations, factor, self._outputs(readout), side, start)

    def of_labels(self, preactivations: Tensor, factor: Tensor, group: Tensor) -> RobustRadii:
        """Of points [S, N, M] of label groups [S, N]."""
        return weighed_decision(preactivations, factor, self._every_output, group)

    @property
    def of_labels_is_cheap(self) -> bool:
        """By as many neurons as may weigh more in another output."""
        return pattern_count(self.network.layout.neurons, 1, self.leak) <= PATTERNS

    @property
    def _every_output(self) -> Weighed:
        weights, doubt = folded(self.network, self.upper)
        return Weighed(weights, self.network.layout.side_of_group, self.leak, doubt)

    def _outputs(self, readout: Readout) -> Weighed:
        """The outputs that decide by a readout: f against 0 by the sum, and of a binary network."""
        if readout == "max" and not self.network.binary:
            return self._every_output
        weights, doubt = folded(self.network, self.upper)
        side = self.network.layout.side_of_group
        if not self.network.binary:
            weights = _rounded_once(weights * side.to(weights).view(-1, 1))
            doubt = None if doubt is None else doubt.sum(1, keepdim=True)
        doubt = None if doubt is None else _beside_zero(doubt)
        return Weighed(_beside_zero(weights), side.new_tensor([1, -1]), self.leak, doubt)


def folded(network: Mlp, upper: Upper) -> tuple[Tensor, Tensor | None]:
    """(weights [S, o, M + 1] of the outputs over the first layer's neurons and a constant, their doubt), double.

    Above the first layer a linear network is a product of matrices, of which double precision loses at most the product
    of their sizes by a rounding for every sum; `doubt` is that product times the depth.
    """
    upper = upper.each(Tensor.double)
    weights, constant = upper.output, upper.output_bias
    size, constant_size = weights.abs(), constant.abs()
    for layer, bias in zip(reversed(upper.hidden), reversed(upper.hidden_bias), strict=True):
        constant = constant + (weights @ bias.unsqueeze(-1)).squeeze(-1)
        constant_size = constant_size + (size @ bias.abs().unsqueeze(-1)).squeeze(-1)
        weights, size = weights @ layer, size @ layer.abs()
    whole = torch.cat([weights, constant.unsqueeze(-1)], -1)
    if not upper.hidden:
        return whole, None
    return whole, network.depth * torch.cat([size, constant_size.unsqueeze(-1)], -1)


def _beside_zero(weights: Tensor) -> Tensor:
    """[S, 2, M] of [S, 1, M]."""
    return torch.cat([weights, torch.zeros_like(weights)], 1)


def _rounded_once(weights: Tensor) -> Tensor:
    """The sum [S, 1, M] over outputs of [S, o, M], right to one rounding whatever cancels."""
    columns = weights.mT.flatten(0, 1).tolist()  # [S M][o]
    summed = weights.new_tensor([fsum(column) for column in columns])
    return summed.view(len(weights), 1, -1)
