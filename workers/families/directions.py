"""Where networks on a linear first layer lead: their gradients at the test points, and along the averaged direction."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from phaselab.domain.results.results import Decision, Readout
from phaselab.workers.measures.layer import Gradients
from phaselab.workers.networks.trained import Networks

Value = TypeVar("Value")
Read = Callable[[Tensor, Readout], Tensor]
"""Readouts [S, N] of pre-activations [S, M, N], differentiable, in their number format."""


@torch.enable_grad()
def gradients(networks: Networks, read: Read, readout: Readout) -> Gradients:
    """Those of y times a readout.

    With a the gradient by the pre-activations, that by the inputs is W^T a: |g|^2 = a^T W W^T a, and what it holds of
    the centres are a's multiples of what the neurons hold.
    """
    seen = networks.preactivations.detach().double().requires_grad_()  # [S, M, N]
    margin = read(seen, readout) * networks.side  # [S, N]
    (slope,) = torch.autograd.grad(margin.sum(), seen)  # [S, M, N]
    held = networks.coefficients.mT @ slope  # [S, k, N]
    products = networks.weight_products, networks.past.frozen  # [S, M, M] each
    square, outside = ((slope * (each @ slope)).sum(dim=1) for each in products)  # [S, N] each
    return Gradients(margin.detach(), square, held, outside)


def of_each(compute: Callable[[Readout], Value], groups: int) -> dict[Decision, Value]:
    """A value per readout; two groups have one readout, which is computed once."""
    by_sum = compute("sum")
    return {"sum": by_sum, "max": compute("max") if groups > 2 else by_sum}
