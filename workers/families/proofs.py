"""What proves radii of networks whose first layer is linear in the input, in the span of their weights."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.workers.attacks.attacks import ExactLabel
from phaselab.workers.attacks.landscape import Victim
from phaselab.workers.attacks.lines import first_fall
from phaselab.workers.attacks.mlp_victim import MlpVictim
from phaselab.workers.exact.certified import Certified
from phaselab.workers.exact.exact import InSpan, RobustRadii
from phaselab.workers.networks.trained import Networks


@dataclass(frozen=True, eq=False)
class Exact:
    """The exact method on the networks of S runs: in the span of their weights, for whoever attacks them."""

    networks: Networks
    method: InSpan

    def __call__(self, readout: Readout) -> RobustRadii:
        """Bounds [S, N], perturbations [S, N, M]."""
        networks, seen = self.networks, self.networks.preactivations.mT  # [S, N, M]
        found = self.method.radii(seen, networks.spanned, networks.side, readout)
        return replace(found, perturbation=found.perturbation @ networks.coordinates)

    def descend(self, readout: Readout, points: Tensor, start: Tensor) -> Tensor:
        """[S, M, N] of `points` [S, N] from `start` [S, M, N]."""
        networks, seen = self.networks, self.networks.preactivations.mT  # [S, N, M]
        begin = (networks.coordinates @ start.double()).mT * points.unsqueeze(-1)  # [S, N, D]
        found = self.method.flips(seen, networks.spanned, networks.side, readout, begin)
        return (found @ networks.coordinates).mT


def of_labels(networks: Networks, method: InSpan, asked: bool) -> ExactLabel | None:
    """The exact radii of the decision between all labels; null where they are dear and not `asked` for."""
    if not asked and not method.of_labels_is_cheap:
        return None
    return lambda: method.of_labels(networks.preactivations.mT, networks.spanned, networks.label)


@dataclass(frozen=True, eq=False)
class Bounded:
    """Certified bounds of the networks of S runs, for whoever attacks them."""

    networks: Networks
    method: Certified
    victim: Victim

    def __call__(self, readout: Readout) -> RobustRadii:
        """Bounds [S, N], perturbations [S, N, M]: none."""
        networks, seen = self.networks, self.networks.preactivations.mT  # [S, N, M]
        lower, upper = self.method.bounds(seen, networks.spanned, networks.side, readout)
        return RobustRadii(lower, upper, torch.zeros_like(seen))

    def descend(self, readout: Readout, points: Tensor, start: Tensor) -> Tensor:
        """[S, M, N]: of each `start` the part that flips its point, by a grid and halvings; in a box nothing."""
        victim = self.victim
        if not isinstance(victim, MlpVictim):
            return torch.zeros_like(start)
        seen, step = self.networks.preactivations.double(), self.networks.factor @ start.double()  # [S, M, N]

        def holds(share: Tensor) -> Tensor:
            return victim.read(seen + share.unsqueeze(1) * step, readout) * victim.side > 0

        share = first_fall(holds, points.double(), 1.0)  # [S, N]
        return start.double() * share.where(share.isfinite() & points, 0.0).unsqueeze(1)
