"""Networks of any depth as victims: in the span of their first layer's weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.workers.attacks.in_span import InSpan
from phaselab.workers.attacks.landscape import TARGETS, LineSearch, Objective, Way
from phaselab.workers.attacks.lines import Lines
from phaselab.workers.attacks.mlp_span import MlpMajorant, MlpMargin, MlpOwnLoss, MlpPoints, has_majorant
from phaselab.workers.exact.propagation import Balls
from phaselab.workers.exact.together import shared_radii
from phaselab.workers.networks.groups import read_out
from phaselab.workers.networks.mlp import Mlp, Upper, outputs


@dataclass(frozen=True, eq=False)
class MlpVictim(InSpan):
    """Networks of any depth whose inputs have no box."""

    network: Mlp
    upper: Upper
    length: Tensor
    """[S, M] |w_r|"""
    radii: Sequence[float]
    """Those that are asked about, ascending"""

    @property
    def groups(self) -> int:
        """Number of label groups."""
        return self.network.layout.outputs

    def read(self, preactivations: Tensor, readout: Readout, runs: Tensor | None = None) -> Tensor:
        """[S', M, N'] -> [S', N']: the readout of networks `runs` [S'], of all when left out."""
        upper, length = self.upper.each(lambda one: one.to(preactivations)), self.length.to(preactivations)
        if runs is not None:
            upper, length = upper.each(lambda one: one[runs]), length[runs]
        return read_out(outputs(preactivations, length, upper, self.network), self.network, readout)

    def readout(self, readout: Readout) -> Objective:
        """Along the readout's own gradient: from the points, then from where straight lines lead."""
        return self._sum if readout == "sum" else self._max

    def own_loss(self) -> Objective:
        """The own loss. With two groups it moves with the readout, f_0 - f_1, of which this is the first way."""
        if len(self.readouts) == 1:
            readout = self.readout("sum")
            return Objective(readout.target, readout.ways[:1])
        safe = torch.minimum(self._safe_by_sum, self._safe_by_max)
        return Objective(TARGETS.index("own loss"), [Way(MlpOwnLoss(self._points, safe))])

    @cached_property
    def _points(self) -> MlpPoints:
        networks = self.networks
        seen, factor = networks.preactivations, networks.factor
        largest = factor.abs().amax(dim=(1, 2), keepdim=True)  # [S, 1, 1]
        pull = (factor / largest.where(largest > 0, 1.0)).mT.contiguous().to(seen)
        side = networks.side.to(seen)
        return MlpPoints(
            seen, factor.to(seen), pull, side, networks.label, self.length.to(seen), self.upper, self.network
        )

    @cached_property
    def _sum(self) -> Objective:
        return self._objective("sum")

    @cached_property
    def _max(self) -> Objective:
        return self._objective("max")

    def lines(self, points: int) -> LineSearch:
        """To centres and along the averaged direction; not searched again where the attack has."""
        return self._every_line.first(points) if "_every_line" in vars(self) else super().lines(points)

    @cached_property
    def _every_line(self) -> Lines:
        return self.searched(self.side.shape[1])

    def _safe_radius(self, readout: Readout) -> Tensor:
        """[S, N]: by the bound of the slope, and by bands that points of a cluster share."""
        networks, by_slope = self.networks, self._points.safe_radius(readout)
        upper = self.upper.each(torch.Tensor.double)
        balls = Balls(self.network, upper, networks.preactivations.double().mT, networks.factor, self.length.double())
        shared = shared_radii(balls, networks.cluster, networks.side, readout, self.radii)
        return torch.maximum(by_slope, shared.to(by_slope))

    @cached_property
    def _safe_by_sum(self) -> Tensor:
        return self._safe_radius("sum")

    @cached_property
    def _safe_by_max(self) -> Tensor:
        return self._safe_radius("max")

    def _objective(self, readout: Readout) -> Objective:
        safe = self._safe_by_sum if readout == "sum" else self._safe_by_max
        margin = MlpMargin(self._points, safe, readout)
        toward = self._every_line.toward(readout, self.radii[-1])  # [L, S, M, N]
        ways = [Way(margin), Way(margin, toward=toward.to(self.networks.preactivations))]
        if readout == "sum" and has_majorant(self.network):
            ways.append(Way(MlpMajorant.of(margin)))
        return Objective(TARGETS.index(readout), ways)
