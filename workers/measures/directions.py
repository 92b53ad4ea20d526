"""Measures of where networks can be moved: along gradients, off the span of the data, along the averaged direction.

Derivations: docs/methods/measures.md.
"""

from functools import partial

import torch
from torch import Tensor

from phaselab.domain.results.results import READOUTS, Decision
from phaselab.workers.measures.functions import FUNCTIONS
from phaselab.workers.measures.measures import evenness, median, over_norms, robust_radius
from phaselab.workers.measures.shown import Shown


def gradient_averaging(shown: Shown, decision: Decision) -> Tensor:
    """[S]: the averaging index of gradients at points that are right, each on the centres of its own side, weighted by
    the squared length; nan of a family that shows none."""
    if decision not in shown.gradients or shown.side is None:
        return torch.full_like(shown.scale, torch.nan)
    found = shown.gradients[decision]
    side = torch.tensor(shown.side_of_cluster, device=found.margin.device)  # [k]
    own = shown.side.unsqueeze(-1) == side  # [S, N, k]
    return evenness(found.held.mT, own, found.square.where(found.margin > 0, 0.0))


def offspan_radius(shown: Shown, decision: Decision) -> Tensor:
    """[S]: median over points of margin / |Q g|, 0 for wrong ones; nan where nothing is off the span, infinite where
    half of the gradients have no part off it."""
    found = shown.gradients[decision]
    assert found.outside is not None
    radius = found.margin / found.outside.clamp_min(0).sqrt()  # [S, N]
    return median(torch.where(found.margin > 0, radius, 0.0)).where(found.outside.isfinite().all(dim=1), torch.nan)


def averaged_radius(shown: Shown, decision: Decision) -> Tensor:
    """[S]: median over points of the least distance along the averaged direction at which they are wrong."""
    return median(shown.averaged[decision])


def averaging_optimality(shown: Shown, decision: Decision) -> Tensor:
    """[S]: the robust radius over the averaged one."""
    ratio: Tensor = robust_radius(shown, decision) / averaged_radius(shown, decision)
    return ratio.clamp_max(1.0)


for _readout in READOUTS:
    FUNCTIONS[f"gradient_averaging_{_readout}"] = partial(gradient_averaging, decision=_readout)
    FUNCTIONS[f"offspan_radius_{_readout}"] = partial(offspan_radius, decision=_readout)
    FUNCTIONS[f"offspan_radius_{_readout}_relative"] = partial(over_norms, radius=offspan_radius, decision=_readout)
    FUNCTIONS[f"averaged_radius_{_readout}"] = partial(averaged_radius, decision=_readout)
    FUNCTIONS[f"averaged_radius_{_readout}_relative"] = partial(over_norms, radius=averaged_radius, decision=_readout)
    FUNCTIONS[f"averaging_optimality_{_readout}"] = partial(averaging_optimality, decision=_readout)
