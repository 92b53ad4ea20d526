"""Measures of how far training has taken networks from their start, and by how much it separates the points.

Derivations: docs/methods/measures.md.
"""

import torch
from torch import Tensor

from phaselab.workers.measures.functions import measure, of_layer
from phaselab.workers.measures.layer import Layer
from phaselab.workers.measures.shown import Shown


@of_layer
def weight_change(layer: Layer) -> Tensor:
    """|W - W0| / |W0|."""
    return layer.past.change


@of_layer
def pattern_flips(layer: Layer) -> Tensor:
    """Share of neurons and training points whose pre-activation has another sign; nan for linear neurons, which have
    no on and off."""
    return torch.full_like(layer.past.flips, torch.nan) if layer.linear else layer.past.flips


@measure
def normalized_margin(shown: Shown) -> Tensor:
    """The least margin of a training point, over the length of all that is trained."""
    assert shown.margin is not None
    return shown.margin
