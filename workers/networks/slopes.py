"""Derivatives of what is computed from the outputs of label groups, [..., c, N], by the outputs: in closed form, what
automatic differentiation of the functions in `groups.py` gives."""

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.workers.networks.groups import Loss, Sided, label_margin, off_target, onehot

LINEAR = 20
"""From where torch takes softplus as linear."""


def by_loss(
    of_groups: Tensor, label: Tensor, factor: Tensor, loss: Loss, binary: bool = False, off: float = 0.0
) -> Tensor:
    """Outputs [..., c, N], labels [..., N] and factors [..., 1, 1] -> [..., c, N]: of the loss at every point
    (`groups.losses`), times the factor."""
    if loss == "square":
        apart = off_target(of_groups, label, binary, off) * factor  # [..., c, N], or [..., 1, N] of f - y
        return torch.cat([apart, -apart], dim=-2) if binary else apart
    own = onehot(label, of_groups.shape[-2]).to(of_groups)  # [..., c, N]
    if loss == "cross_entropy":
        return (of_groups.softmax(dim=-2) - own) * factor
    if loss == "logistic":  # of two groups
        behind = -label_margin(of_groups, label).unsqueeze(-2)  # [..., 1, N]
        size: Tensor = torch.ops.aten.softplus_backward(factor.expand_as(behind), behind, 1, LINEAR)
        return (1 - 2 * own) * size
    at_label = (of_groups * own).sum(dim=-2, keepdim=True)  # [..., 1, N]
    size = (of_groups - at_label).exp_() * (1 - own) * factor  # [..., c, N], 0 for the label
    return size - own * size.sum(dim=-2, keepdim=True)


def by_lead(of_groups: Tensor, label: Tensor) -> Tensor:
    """Outputs [..., c, N] and labels [..., N] -> [..., c, N]: of the lead (`groups.lead`)."""
    own = onehot(label, of_groups.shape[-2])  # [..., c, N] long
    return own - of_groups.masked_fill(own.bool(), -torch.inf).softmax(dim=-2)


def by_read_out(of_groups: Tensor, network: Sided, readout: Readout) -> Tensor:
    """Outputs [..., c, N] -> [..., c, N]: of the readout (`groups.read_out`); groups that tie for the largest share."""
    first = network.positive_groups
    if readout == "sum":
        slope = torch.ones_like(of_groups)
        slope[..., first:, :] = -1.0
        return slope
    sides = of_groups[..., :first, :], of_groups[..., first:, :]  # [..., c+, N], [..., c-, N]
    return torch.cat([sign * _leaders(side) for sign, side in zip((1, -1), sides, strict=True)], dim=-2)


def _leaders(outputs: Tensor) -> Tensor:
    """[..., c, N] -> [..., c, N]: 1 for the largest output of a point, shared where several are."""
    leads = outputs.eq(outputs.amax(dim=-2, keepdim=True)).to(outputs)
    return leads.div_(leads.sum(dim=-2, keepdim=True))
