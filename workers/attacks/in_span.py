"""What all networks whose first layer is linear share as victims: they are attacked in the span of its weights."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from phaselab.domain.results.results import READOUTS, Readout
from phaselab.workers.attacks.climb import drawn
from phaselab.workers.attacks.landscape import Again, Chosen, LineSearch, Noise
from phaselab.workers.attacks.lines import Lines
from phaselab.workers.networks.trained import Networks


@dataclass(frozen=True, eq=False)
class InSpan(ABC):
    """S networks whose inputs have no box."""

    networks: Networks
    seeds: Sequence[int]
    """Of each run"""
    side_of_cluster: Tensor
    """[k] +1 or -1"""
    boxed = False

    @property
    @abstractmethod
    def groups(self) -> int:
        """Number of label groups."""

    @abstractmethod
    def read(self, preactivations: Tensor, readout: Readout, runs: Tensor | None = None) -> Tensor:
        """[S', M, N'] -> [S', N']: the readout of networks `runs` [S'], of all when left out, in the number format of
        the pre-activations."""

    @property
    def side(self) -> Tensor:
        """[S, N] +1 or -1."""
        return self.networks.side

    @property
    def readouts(self) -> Sequence[Readout]:
        """The readouts that are different functions."""
        return READOUTS if self.groups > 2 else READOUTS[:1]

    def noise(self, target: int) -> Noise:
        """Normals [S, M + 2, N]."""
        seen = self.networks.preactivations  # [S, M, N]
        normals = drawn(self.seeds, target, (seen.shape[1] + 2, seen.shape[2]), seen.dtype)
        return lambda radius_number, restart: normals(radius_number, restart).to(seen.device)

    def again(self, readout: Readout, chosen: Chosen, perturbation: Tensor) -> Again:
        """Carried back to the inputs, delta = W^T L^+ u, and predicted from there, in float64.

        With W = L Q, Q having orthonormal rows, L tells lengths and inner products of all that is in the span: no input
        is needed.
        """
        networks = self.networks
        spanned, back = networks.spanned[chosen.runs], networks.coordinates[chosen.runs]
        moved = back @ perturbation.double()  # [S', M, N'] of the inputs, along the rows of Q
        clean, side = chosen.of(networks.preactivations.double()), chosen.of(networks.side)  # [S', M, N'], [S', N']
        before, after = (self.read(seen, readout, chosen.runs) * side for seen in (clean, clean + spanned @ moved))
        return Again(before, after, moved.square().sum(dim=1).sqrt())

    def lines(self, points: int) -> LineSearch:
        """To centres and along the averaged direction."""
        return self.searched(points)

    def searched(self, points: int) -> Lines:
        """The same, of which more can be asked."""
        return Lines(self.networks, self.read, self.side_of_cluster, points)
