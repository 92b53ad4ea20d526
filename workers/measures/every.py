"""Every measure's function. The files of their kinds keep them (`functions`) when they are imported, which is here."""

import torch
from torch import Tensor

from phaselab.workers.measures import collapse, directions, features, measures, neurons, training
from phaselab.workers.measures.functions import FUNCTIONS, LAYERED, OfLayer
from phaselab.workers.measures.shown import Shown

__all__ = ["FUNCTIONS", "KINDS", "LAYERED", "profile"]


def profile(function: OfLayer, shown: Shown) -> Tensor:
    """[S, L]: a measure of every hidden layer, from the first to the last; [S, 1] of nan where there is none."""
    if not shown.layers:
        return torch.full_like(shown.loss, torch.nan).unsqueeze(1)
    return torch.stack([function(layer) for layer in shown.layers], dim=1)


KINDS = (measures, directions, features, collapse, neurons, training)
"""The files that hold them."""
