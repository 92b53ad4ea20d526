"""Networks of any depth seen from the pre-activations of their first layer: what stands above it, and its outputs.

With z the pre-activations of the first layer, h_1 = a(z), h_l = a(W_l h_(l-1) + b_l) up to the last hidden layer, the
outputs are f = s (A h + c), s = multiplier * width^-output_power. Tensors are [..., M, N], points last, as those of
two-layer networks are; the leading dimensions are runs. Derivations: docs/methods/mlp.md.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.settings import Settings
from phaselab.workers.networks.groups import Loss, lead, losses, mean_loss
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.past import SeenLayer
from phaselab.workers.networks.slopes import by_loss

LEAK = 0.1
"""Slope of leaky_relu below 0."""
ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": lambda z: torch.nn.functional.leaky_relu(z, LEAK),
    "linear": lambda z: z,
    "erf": torch.erf,
    "power": torch.relu,  # above the first layer
}
SIGNED = ("linear", "erf")
"""Activations that give negative values as readily as positive ones."""
STEEPEST = {"erf": 2 / math.sqrt(math.pi)}
"""The largest slope of an activation, where it is not 1."""


@dataclass(frozen=True, eq=False)
class Mlp:
    """What the networks of runs of one shape have in common.

    Every hidden layer has M neurons, `layout` deals them to the outputs that they are fixed to, or start at. A binary
    network has one row of output weights, f, and the outputs f and 0 for its two groups.
    """

    layout: GroupLayout
    depth: int
    activation: str
    power: float | None
    """Of the first layer, for the activation `power`"""
    loss: Loss
    binary: bool
    off_target: float = 0.0
    """Of the outputs of other label groups, for the loss `square`"""

    def mean_loss(self, of_groups: Tensor, label: Tensor) -> Tensor:
        """Outputs [..., c, N] and labels [..., N] -> [...]"""
        return mean_loss(of_groups, label, self.loss, self.binary, self.off_target)

    def score(self, of_groups: Tensor, label: Tensor) -> Tensor:
        """Outputs [..., c, N] and labels [..., N] -> [..., N]: what falls as a point's own loss rises."""
        if self.loss != "square":
            return lead(of_groups, label)
        return -losses(of_groups, label, self.loss, self.binary, self.off_target)

    def loss_slope(self, of_groups: Tensor, label: Tensor, factor: Tensor) -> Tensor:
        """Outputs [..., c, N], labels [..., N], factors [...] -> [..., c, N]: the losses' derivative by the outputs,
        times the factor."""
        return by_loss(of_groups, label, factor[..., None, None], self.loss, self.binary, self.off_target)

    @cached_property
    def positive_groups(self) -> int:
        """Number of groups of side +1; they come first."""
        return self.layout.groups_of_side(1)

    @property
    def rows(self) -> int:
        """Number o of rows of output weights."""
        return 1 if self.binary else self.layout.outputs


def network_of(settings: Settings, device: str | torch.device = "cpu") -> Mlp:
    """The network of canonical settings. Raises ValueError for others."""
    network, loss = settings.network, settings.training.loss
    if not isinstance(network.width, int) or loss == "auto":
        raise ValueError("the settings are not canonical: network.width or training.loss is auto")
    layout = GroupLayout.build(label_groups(settings).side_of_group, network.width, device)
    binary, off = network.labels == "binary", settings.training.off_target
    return Mlp(layout, network.depth, network.activation, network.power, loss, binary, off)


@dataclass(frozen=True, eq=False)
class Upper:
    """What stands above the first layer, of S runs or of one."""

    hidden: tuple[Tensor, ...]
    """depth - 2 times W_l [..., M, M]"""
    hidden_bias: tuple[Tensor, ...]
    """depth - 2 times b_l [..., M]"""
    output: Tensor
    """A [..., o, M]"""
    output_bias: Tensor
    """c [..., o]"""
    scale: Tensor
    """s [...]"""
    unit: Tensor
    """R [...]: the root mean square of the centres' norms, which `power` divides by"""

    def named(self) -> Iterator[tuple[str, Tensor]]:
        """Each with its name; of layers the second is the first in `hidden`."""
        for layer, (weights, bias) in enumerate(zip(self.hidden, self.hidden_bias, strict=True), start=2):
            yield f"hidden_{layer}", weights
            yield f"hidden_bias_{layer}", bias
        yield from (("output", self.output), ("output_bias", self.output_bias), ("scale", self.scale))

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, in a fixed order."""
        return (*self.hidden, *self.hidden_bias, self.output, self.output_bias, self.scale, self.unit)

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> "Upper":
        """From all of them, in that order."""
        layers = (len(tensors) - 4) // 2
        return cls(tuple(tensors[:layers]), tuple(tensors[layers : 2 * layers]), *tensors[2 * layers :])

    def each(self, change: Callable[[Tensor], Tensor]) -> "Upper":
        """The same with every tensor changed."""
        return Upper.of([change(tensor) for tensor in self.tensors])

    @classmethod
    def joined(cls, uppers: "Sequence[Upper]", join: Callable[[list[Tensor]], Tensor]) -> "Upper":
        """Those of several runs as one: by `torch.stack`, or by `torch.cat` of stacks."""
        return cls.of([join(list(same)) for same in zip(*(upper.tensors for upper in uppers), strict=True)])


def outputs(preactivations: Tensor, length: Tensor, upper: Upper, network: Mlp) -> Tensor:
    """Outputs of the label groups [..., c, N] from pre-activations [..., M, N] and lengths |w_r| [..., M] of the first
    layer."""
    return of_first(first_active(preactivations, length, upper, network), upper, network)


def of_first(active: Tensor, upper: Upper, network: Mlp) -> Tensor:
    """Outputs [..., c, N] from what the first layer gives, [..., M, N]."""
    for layer in above_first(active, upper, network):
        active = layer.after
    return of_last(active, upper, network)


def of_last(active: Tensor, upper: Upper, network: Mlp) -> Tensor:
    """Outputs [..., c, N] from what the last hidden layer gives, [..., M, N]."""
    values = (upper.output @ active + upper.output_bias.unsqueeze(-1)) * upper.scale[..., None, None]  # [..., o, N]
    return torch.cat([values, torch.zeros_like(values)], dim=-2) if network.binary else values


def above_first(active: Tensor, upper: Upper, network: Mlp) -> Iterator[SeenLayer]:
    """The hidden layers after the first one, from what that gives, [..., M, N]."""
    for weights, bias in zip(upper.hidden, upper.hidden_bias, strict=True):
        before = (weights @ active).add_(bias.unsqueeze(-1))
        active = ACTIVATIONS[network.activation](before)
        yield SeenLayer(before, active)


def hidden_layers(preactivations: Tensor, length: Tensor, upper: Upper, network: Mlp) -> list[SeenLayer]:
    """Every hidden layer, from pre-activations [..., M, N] and lengths |w_r| [..., M] of the first one."""
    first = SeenLayer(preactivations, first_active(preactivations, length, upper, network))
    return [first, *above_first(first.after, upper, network)]


def first_active(preactivations: Tensor, length: Tensor, upper: Upper, network: Mlp) -> Tensor:
    """[..., M, N] -> [..., M, N]: what the first layer gives. `power` is |w| R t^p with t = relu(z) / (|w| R)."""
    if network.power is None:
        return ACTIVATIONS[network.activation](preactivations)
    size = (length * upper.unit.unsqueeze(-1)).unsqueeze(-1)  # [..., M, 1]
    share = torch.relu(preactivations) / size
    return size * share.pow(network.power)


def slope_bound(upper: Upper, network: Mlp, readout: Readout) -> Tensor:
    """[S, M]: bounds of the size of a readout's derivative by each pre-activation of the first layer, anywhere;
    infinite for powers, whose slope has no bound.

    By the chain rule with every weight's size: no activation is steeper than `STEEPEST`.
    """
    side = network.layout.side_of_group
    if network.binary:
        bound = upper.output.abs().squeeze(-2)  # [S, M]
    elif readout == "sum":
        bound = (side.to(upper.output) @ upper.output).abs()  # [S, M]
    else:
        apart = (upper.output[:, side > 0].unsqueeze(2) - upper.output[:, side < 0].unsqueeze(1)).abs()
        bound = apart.amax(dim=(1, 2))  # [S, M]: over pairs of opposing groups
    steepest = STEEPEST.get(network.activation, 1.0)
    for weights in reversed(upper.hidden):
        bound = steepest * (weights.abs().mT @ bound.unsqueeze(-1)).squeeze(-1)
    bound = steepest * bound * upper.scale.unsqueeze(-1)
    return bound if network.power in (None, 1.0) else torch.full_like(bound, torch.inf)


def pushes(preactivations: Tensor, length: Tensor, upper: Upper, network: Mlp) -> Tensor:
    """[S, M]: +1, -1 or 0: the side to which what a neuron of the first layer gives moves the sum readout, on average
    over points [S, M, N]."""
    with torch.enable_grad():
        active = first_active(preactivations, length, upper, network).detach().requires_grad_()
        of_groups = of_first(active, upper, network)
        side = network.layout.side_of_group.to(of_groups).unsqueeze(-1)  # [c, 1]
        (gradient,) = torch.autograd.grad((of_groups * side).sum(), active)
    return gradient.sum(dim=-1).sign()
