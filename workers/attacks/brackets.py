"""What attacks found, fed into the upper bounds of the method that proves radii.

A perturbation that flips a point bounds its robust radius from above, whoever found it. Where a bracket is open, those
of the attacks and of straight lines, and the flips that descents come to from there, are predicted again from the
inputs, and their measured length counts. Trust looks at what each method found by itself; what is found here goes
beside its checks.
Derivation: docs/methods/exact.md.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.workers.attacks.attacks import Attacked, ExactMethod
from phaselab.workers.attacks.landscape import Victim, choose
from phaselab.workers.attacks.lines import LINED
from phaselab.workers.exact.exact import Bounds

OPEN = 1e-6
"""Relative gap beyond which a bracket is open."""
ROUNDING = 1e-4
"""Relative error that float32 is granted where numbers are compared with float64 ones."""


class Fed(NamedTuple):
    """Bounds with everything in them that was found, and whether that contradicts them."""

    bounds: Mapping[Readout, Bounds]
    contradicted: Tensor
    """[S] bool: something flips a point for certain below its certified lower bound. The bound stays what it is"""


def fed(victim: Victim, exact: ExactMethod | None, attacked: Attacked) -> Fed:
    """The bounds that are proved, upper ones no longer than any flip that is known. Exact radii take no note of a box,
    and what keeps to one is left out of them; certified lower bounds hold inside a box as well."""
    contradicted = torch.zeros(len(victim.side), dtype=torch.bool, device=victim.side.device)
    if exact is None or not attacked.exact or (victim.boxed and attacked.proof == "exact"):
        return Fed(attacked.exact, contradicted)
    found: dict[Readout, Bounds] = {}
    for readout in victim.readouts:
        bounds = attacked.exact[readout]
        open_ = ~(bounds.upper * (1 - OPEN) <= bounds.lower)  # [S, N]
        shortest = bounds.upper
        for perturbation in _shown(victim, exact, attacked, readout, open_) if bool(open_.any()) else ():
            shortest = torch.minimum(shortest, flips_again(victim, readout, open_, perturbation))
        contradicted = contradicted | (bounds.lower > shortest * (1 + ROUNDING)).any(dim=1)
        found[readout] = Bounds(bounds.lower, torch.maximum(shortest, bounds.lower))
    return Fed({readout: found.get(readout, found["sum"]) for readout in attacked.exact}, contradicted)


def flips_again(victim: Victim, readout: Readout, points: Tensor, perturbation: Tensor) -> Tensor:
    """[S, N]: lengths of perturbations [S, D, N] that flip their points, predicted again from the inputs; infinite
    where one does not, and beyond `points` [S, N]."""
    lengths, chosen = torch.full(points.shape, torch.inf, dtype=torch.float64, device=points.device), choose(points)
    if chosen is None:
        return lengths
    again = victim.again(readout, chosen, chosen.of(perturbation))
    flips = (again.after <= 0) & chosen.wanted  # [S', N']
    lengths[chosen.runs.unsqueeze(1), chosen.points] = again.length.double().where(flips, torch.inf)
    return lengths


def _shown(
    victim: Victim, exact: ExactMethod, attacked: Attacked, readout: Readout, points: Tensor
) -> Iterator[Tensor]:
    """[S, D, N] again and again: what broke points, and what descents make of it; zero where nothing did."""
    for start in _starts(victim, attacked, readout):
        yield start
        yield exact.descend(readout, points, start)


def _starts(victim: Victim, attacked: Attacked, readout: Readout) -> Iterator[Tensor]:
    """[S, D, N]: of each attack, and of the straight lines, what broke points; zero where nothing did."""
    if readout in attacked.broken:
        yield attacked.broken[readout].witness
    if attacked.native is not None:
        yield attacked.native.witness
    lines = victim.lines(LINED)
    if lines is not None:
        shown = lines.perturbations(readout, attacked.radii[-1])  # [S, D, N']
        yield torch.nn.functional.pad(shown, (0, victim.side.shape[1] - shown.shape[2]))
