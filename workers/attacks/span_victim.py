"""Two-layer networks as the attacks see them: in the span of their weights."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.workers.attacks.in_span import InSpan
from phaselab.workers.attacks.landscape import TARGETS, Objective, Way
from phaselab.workers.attacks.majorant import MaxMajorant, SumMajorant
from phaselab.workers.attacks.span import MaxMargin, OwnLoss, SpanPoints, SumMargin
from phaselab.workers.networks.groups import read_out
from phaselab.workers.networks.two_layer import TwoLayer, outputs


@dataclass(frozen=True, eq=False)
class SpanVictim(InSpan):
    """Two-layer networks whose inputs have no box."""

    network: TwoLayer

    @property
    def groups(self) -> int:
        """Number of label groups."""
        return self.network.layout.outputs

    def read(self, preactivations: Tensor, readout: Readout, runs: Tensor | None = None) -> Tensor:
        """[S', M, N'] -> [S', N']: the readout, the same of every run."""
        return read_out(outputs(preactivations, self.network.layout), self.network, readout)

    def readout(self, readout: Readout) -> Objective:
        """Along the gradient of a majorant, which breaks most, then along the readout's own."""
        return self._sum if readout == "sum" else self._max

    def own_loss(self) -> Objective:
        """The own loss. With two groups it moves with the readout, f_0 - f_1, of which this is the second way."""
        if len(self.readouts) == 1:
            readout = self.readout("sum")
            return Objective(readout.target, readout.ways[1:])
        return Objective(TARGETS.index("own loss"), [Way(OwnLoss.of(self.points, self.networks.label))])

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
