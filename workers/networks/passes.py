"""A pass through a network of any depth and back: its outputs, and their derivatives in closed form.

What automatic differentiation gives, up to rounding, in half its time: no graph is kept, and what is not asked for is
not computed. Derivation: docs/methods/mlp.md.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.workers.networks.mlp import LEAK, Mlp, Upper, above_first, first_active, of_last
from phaselab.workers.networks.past import SeenLayer

Name = tuple[str, int]
"""Of something that has a gradient: its part (`training.mlp.trained_parts`) and its number among those of the part."""
FIRST: Name = ("preactivations", 0)
LENGTH: Name = ("length", 0)


def _of_relu(gradient: Tensor, layer: SeenLayer) -> Tensor:
    return torch.gt(layer.before, 0, out=torch.empty_like(gradient)).mul_(gradient)


SLOPES: Mapping[str, Callable[[Tensor, SeenLayer], Tensor]] = {
    "relu": _of_relu,
    "power": _of_relu,  # above the first layer
    "leaky_relu": lambda gradient, layer: torch.where(layer.before > 0, gradient, LEAK * gradient),
    "linear": lambda gradient, layer: gradient,
    "erf": lambda gradient, layer: layer.before.square().neg_().exp_().mul_(gradient).mul_(2 / math.sqrt(math.pi)),
}
"""A gradient by what an activation gives, times the activation's slope."""


@dataclass(frozen=True, eq=False)
class Pass:
    """What a network makes of points, with everything on the way."""

    upper: Upper
    network: Mlp
    length: Tensor
    """[..., M] |w_r|"""
    layers: list[SeenLayer]
    """Every hidden layer"""
    outputs: Tensor
    """[..., c, N]"""

    @classmethod
    def of(cls, preactivations: Tensor, length: Tensor, upper: Upper, network: Mlp) -> "Pass":
        """Through the network, from pre-activations [..., M, N] and lengths [..., M] of the first layer."""
        first = SeenLayer(preactivations, first_active(preactivations, length, upper, network))
        layers = [first, *above_first(first.after, upper, network)]
        return cls(upper, network, length, layers, of_last(layers[-1].after, upper, network))

    def back(self, gradient: Tensor) -> Tensor:
        """[..., M, N]: a gradient by the first layer's pre-activations, from that by what the last hidden layer gives,
        [..., M, N]."""
        return dict(self._below_output(gradient, frozenset([FIRST])))[FIRST]

    def gradients(self, slope: Tensor, wanted: frozenset[Name]) -> Iterator[tuple[Name, Tensor]]:
        """Of a function with this slope [..., c, N] by the outputs those gradients that are wanted, from the output to
        the first layer; for each run, over all points: by weights [..., M, M], biases [..., M], output weights
        [..., o, M] and biases [..., o], lengths [..., M]."""
        names: tuple[Name, Name] = ("output", 0), ("output_bias", 0)
        by_rows = _by_rows(slope, self.upper, self.network)
        yield from _of_weights(by_rows, self.layers[-1].after, *names, wanted)
        if not wanted <= frozenset(names):
            yield from self._below_output(self.upper.output.mT @ by_rows, wanted)

    def _below_output(self, gradient: Tensor, wanted: frozenset[Name]) -> Iterator[tuple[Name, Tensor]]:
        """Those of the layers below it, from the gradient [..., M, N] by what the last hidden layer gives."""
        for layer in range(len(self.layers) - 1, 0, -1):
            gradient = SLOPES[self.network.activation](gradient, self.layers[layer])
            names: tuple[Name, Name] = ("hidden", layer - 1), ("hidden_bias", layer - 1)
            yield from _of_weights(gradient, self.layers[layer - 1].after, *names, wanted)
            gradient = self.upper.hidden[layer - 1].mT @ gradient
        yield from self._of_first(gradient, wanted)

    def _of_first(self, gradient: Tensor, wanted: frozenset[Name]) -> Iterator[tuple[Name, Tensor]]:
        """By lengths and pre-activations, from the gradient [..., M, N] by what the first layer gives."""
        first, power = self.layers[0], self.network.power
        if power is None:
            yield FIRST, SLOPES[self.network.activation](gradient, first)
            return
        if LENGTH in wanted:  # |w| R t^p with t = relu(z) / (|w| R) is |w| to the power of 1 - p
            yield LENGTH, (1 - power) * (gradient * first.after).sum(dim=-1) / self.length
        size = (self.length * self.upper.unit.unsqueeze(-1)).unsqueeze(-1)  # [..., M, 1]
        share = torch.relu(first.before) / size
        slope = share.pow(power - 1).mul_(power)
        yield FIRST, _of_relu((gradient * size).mul_(slope).div_(size), first)


def by_last(slope: Tensor, upper: Upper, network: Mlp) -> Tensor:
    """[..., M, N]: the gradient by what the last hidden layer gives, of a function with this slope [..., c, N] by the
    outputs."""
    return upper.output.mT @ _by_rows(slope, upper, network)


def _by_rows(slope: Tensor, upper: Upper, network: Mlp) -> Tensor:
    """[..., o, N]: the same by the rows of output weights, before they are scaled."""
    return slope[..., : network.rows, :] * upper.scale[..., None, None]


def _of_weights(
    gradient: Tensor, below: Tensor, weights: Name, bias: Name, wanted: frozenset[Name]
) -> Iterator[tuple[Name, Tensor]]:
    """Of a layer, from the gradient [..., M, N] by its pre-activations and what the layer below gives, [..., M', N]."""
    if weights in wanted:
        yield weights, gradient @ below.mT
    if bias in wanted:
        yield bias, gradient.sum(dim=-1)
