"""Outputs of label groups, [..., c, N] with those of side +1 first: losses, margins, readouts; of whatever network."""

from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from phaselab.domain.results.results import Readout

Loss = Literal["logistic", "cross_entropy", "square", "exponential"]


class Sided(Protocol):
    """A network whose first outputs are of side +1."""

    @property
    def positive_groups(self) -> int:
        """Number of groups of side +1."""


def mean_loss(of_groups: Tensor, label: Tensor, loss: Loss, binary: bool = False, off: float = 0.0) -> Tensor:
    """Outputs [..., c, N] and labels [..., N] -> [...]: the mean loss over points."""
    return losses(of_groups, label, loss, binary, off).mean(dim=-1)


def losses(of_groups: Tensor, label: Tensor, loss: Loss, binary: bool = False, off: float = 0.0) -> Tensor:
    """Outputs [..., c, N] and labels [..., N] -> [..., N]: the loss at every point.

    Of label groups: cross-entropy, half the squared distance to 1 for the label and `off` for the others, and the sum
    over the other groups i of exp(f_i - f_label). `binary` labels are +-1, those of f = f_0 - f_1: log(1 + exp(-y f)),
    (f - y)^2 / 2 and exp(-y f).
    """
    if loss == "logistic":
        return functional.softplus(-label_margin(of_groups, label))
    if loss == "cross_entropy":
        return -_at(of_groups.log_softmax(dim=-2), label)
    if loss == "square":
        return off_target(of_groups, label, binary, off).square().sum(dim=-2) / 2
    ahead = _at(of_groups, label).unsqueeze(-2) - of_groups  # [..., c, N], 0 for the label
    return (-ahead).exp().sum(dim=-2) - 1


def lead(of_groups: Tensor, label: Tensor) -> Tensor:
    """[..., c, N] and labels [..., N] -> [..., N]: the label's output less the logsumexp of the others.

    It falls as the loss rises: cross-entropy and logistic loss are log(1 + exp(-lead)), the exponential one exp(-lead).
    But its gradient never underflows.
    """
    others = of_groups.masked_fill(onehot(label, of_groups.shape[-2]).bool(), -torch.inf)  # [..., c, N]
    return _at(of_groups, label) - others.logsumexp(dim=-2)


def off_target(of_groups: Tensor, label: Tensor, binary: bool, off: float) -> Tensor:
    """[..., c, N], or [..., 1, N] of f - y: outputs less what they should be."""
    target = onehot(label, of_groups.shape[-2]).to(of_groups)  # [..., c, N]
    if not binary:
        return of_groups - (target * (1 - off) + off)
    (plus, minus), (is_plus, is_minus) = of_groups.unbind(dim=-2), target.unbind(dim=-2)
    return ((plus - minus) - (is_plus - is_minus)).unsqueeze(-2)


def label_margin(of_groups: Tensor, label: Tensor) -> Tensor:
    """[..., c, N] and labels [..., N] -> [..., N]: the label's output less the largest other one."""
    others = of_groups.masked_fill(onehot(label, of_groups.shape[-2]).bool(), -torch.inf)
    return _at(of_groups, label) - others.amax(dim=-2)


def read_out(of_groups: Tensor, network: Sided, readout: Readout) -> Tensor:
    """[..., c, N] -> [..., N]: sum minus sum, or max minus max, over the sides' groups."""
    first = network.positive_groups
    positive, negative = of_groups[..., :first, :], of_groups[..., first:, :]  # [..., c+, N], [..., c-, N]
    if readout == "sum":
        return positive.sum(dim=-2) - negative.sum(dim=-2)
    return positive.amax(dim=-2) - negative.amax(dim=-2)


def onehot(label: Tensor, groups: int) -> Tensor:
    """Labels [..., N] -> [..., c, N] of 0 and 1, long."""
    return functional.one_hot(label, groups).movedim(-1, -2)


def _at(of_groups: Tensor, label: Tensor) -> Tensor:
    """[..., c, N] and [..., N] -> [..., N]: each point's own label's row."""
    index = label.unsqueeze(-2).expand(*of_groups.shape[:-2], 1, -1)  # [..., 1, N]
    return of_groups.gather(-2, index).squeeze(-2)
