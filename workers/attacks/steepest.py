"""How steep a readout of a two-layer network can be anywhere: what no attack on a point needs to look at.

A readout is continuous and piecewise linear. Where neurons are on or off by a pattern s in {0, 1}^M its gradient by
the perturbation is (1/h) sum_r s_r side_r L_r, of square (1/h^2) s^T K s with K_rs = side_r side_s <w_r, w_s>; that is
at most the sum of the positive entries of K. Under `max` only one group of either side counts at a time.
Derivation: docs/methods/attacks.md.
"""

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.workers.networks.layout import GroupLayout


def steepest(factor: Tensor, layout: GroupLayout, readout: Readout) -> Tensor:
    """[S]: a bound of the length of a readout's gradient by the perturbation, from L [S, M, M]."""
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
