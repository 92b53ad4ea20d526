"""How far what broke points can be shortened: upper bounds of robust radii from an attack."""

import torch
from torch import Tensor

from phaselab.workers.attacks.landscape import Landscape, Objective
from phaselab.workers.attacks.lines import first_fall
from phaselab.workers.attacks.pgd import Broken


def attacked_radii(objective: Objective, broken: Broken) -> Tensor:
    """[S, N] float64: the length of the shortest perturbation known that breaks each point, by the first verdict; 0 for
    a point that is wrong by itself, infinite for one that withstood every radius.

    On the segment from the point to what broke it in the attack the first place is taken that a grid and halvings find;
    then there is the straight line that breaks it first. An upper bound of the robust radius.
    """
    landscape, witness = objective.ways[0].landscape, broken.witness  # [S, D, N]

    def holds(share: Tensor) -> Tensor:
        return landscape.look(witness * share.unsqueeze(1)).verdicts[0] > 0

    share = first_fall(holds, torch.ones_like(witness[:, 0]), 1.0).clamp_max(1.0).double()  # [S, N]
    length: Tensor = share * witness.double().norm(dim=1)
    length = length.masked_fill(~(witness != 0).any(dim=1), torch.inf)  # nothing broke it
    for way in objective.ways:
        if way.toward is not None:
            length = torch.minimum(length, _breaking(landscape, way.toward[0]))
    return length.where(landscape.clean()[0] > 0, 0.0)


def _breaking(landscape: Landscape, perturbation: Tensor) -> Tensor:
    """[S, N] float64: the lengths of the perturbations [S, D, N] that break their points, infinite for the others."""
    stands = landscape.look(perturbation).verdicts[0] > 0  # [S, N]
    length: Tensor = perturbation.double().norm(dim=1)
    return length.masked_fill(stands, torch.inf)
