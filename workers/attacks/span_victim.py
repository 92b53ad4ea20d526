"""Two-layer networks as the attacks see them: in the span of their weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from phaselab.domain.results.results import READOUTS, Readout
from phaselab.workers.attacks.climb import drawn
from phaselab.workers.attacks.landscape import TARGETS, Again, Chosen, Noise, Objective, Way
from phaselab.workers.attacks.lines import Lines
from phaselab.workers.attacks.majorant import MaxMajorant, SumMajorant
from phaselab.workers.attacks.span import MaxMargin, OwnLoss, SpanPoints, SumMargin
from phaselab.workers.networks.trained import Networks
from phaselab.workers.networks.two_layer import TwoLayer, outputs, read_out


@dataclass(frozen=True, eq=False)
class SpanVictim:
    """Two-layer networks whose inputs have no box."""

    networks: Networks
    network: TwoLayer
    seeds: Sequence[int]
    """Of each run"""
    side_of_cluster: Tensor
    """[k] +1 or -1"""
    boxed = False

    @property
    def side(self) -> Tensor:
        """[S, N] +1 or -1."""
        return self.networks.side

    @property
    def readouts(self) -> Sequence[Readout]:
        """The readouts that are different functions."""
        return READOUTS if self.network.layout.outputs > 2 else READOUTS[:1]

    def readout(self, readout: Readout) -> Objective:
        """Along the gradient of a majorant, which breaks most, then along the readout's own."""
        return self._sum if readout == "sum" else self._max

    def own_loss(self) -> Objective:
        """The own loss. With two groups it moves with the readout, f_0 - f_1, of which this is the second way."""
        if len(self.readouts) == 1:
            readout = self.readout("sum")
            return Objective(readout.target, readout.ways[1:])
        return Objective(TARGETS.index("own loss"), [Way(OwnLoss.of(self.points, self.networks.label))])

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
        networks, layout = self.networks, self.network.layout
        spanned, back = networks.spanned[chosen.runs], networks.coordinates[chosen.runs]
        moved = back @ perturbation.double()  # [S', M, N'] of the inputs, along the rows of Q
        clean, side = chosen.of(networks.preactivations.double()), chosen.of(networks.side)  # [S', M, N'], [S', N']
        before, after = (
            read_out(outputs(seen, layout), self.network, readout) * side for seen in (clean, clean + spanned @ moved)
        )
        return Again(before, after, moved.square().sum(dim=1).sqrt())

    def lines(self, points: int) -> Lines:
        """To centres and along the averaged direction."""
        return Lines(self.networks, self.network, self.side_of_cluster, points)

    @cached_property
    def points(self) -> SpanPoints:
        """The test points."""
        networks = self.networks
        return SpanPoints.of(networks.preactivations, networks.factor, networks.side, self.network)

    @cached_property
    def _sum(self) -> Objective:
        ways = Way(SumMajorant.of(self.points)), Way(SumMargin(self.points))
        return Objective(TARGETS.index("sum"), ways)

    @cached_property
    def _max(self) -> Objective:
        ways = Way(MaxMajorant.of(self.points)), Way(MaxMargin(self.points))
        return Objective(TARGETS.index("max"), ways)
