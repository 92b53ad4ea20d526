"""Upper bounds of robust radii without any attack: where the readout falls on straight lines from the test points.

From a point x lines go to the nearest centres of the other side, to the sum of all of them, and along the averaged
direction, the sum of the other side's centres less that of its own. A network sees of a direction v only its part in
the span of the weights, W^T (W W^T)^+ W v: it goes there, which flips no later. Needs W W^T, the inner products of
weights and centres, and W x: nothing that the attacks use but the pre-activations.
Derivation: docs/methods/attacks.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.workers.networks.trained import Networks

LINED = 256
"""Points of a run from which straight lines are searched."""
NEAREST = 2
"""Centres of the other side that a point is moved to, those that its network sees nearest."""
GRID = 8
"""Places on a line that are looked at, evenly up to the farthest."""
HALVINGS = 7
"""Times that the distance between the last place that holds and the first that does not is halved."""
VANISHES = 1e-10
"""Eigenvalues of W W^T below this share of the largest are left out: no line goes where a network hardly looks."""
AT_ONCE = 2**17
"""Numbers in a tensor of the lines that are searched together on a CPU, whose cache holds a few of them."""
BEYOND = 1 + 1e-4
"""How far beyond a flip, in distances, it is sure in float32, too."""


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines of the first N points of S networks."""

    networks: Networks
    read: Callable[[Tensor, Readout, Tensor], Tensor]
    """Readouts [S', N'] of pre-activations [S', M, N'] of the networks of these numbers [S'], in float64"""
    side_of_cluster: Tensor
    """[k] +1 or -1"""
    points: int
    """N"""

    def flips(self, readout: Readout, farthest: float) -> Tensor:
        """[S, N] float64: the least distance found, up to `farthest`, at which y times the readout is not above 0: no
        robust radius is larger. 0 for a wrong point, infinite where no line flips it.
        """
        return self._falls(readout, farthest).amin(dim=1)

    def perturbations(self, readout: Readout, farthest: float) -> Tensor:
        """[S, M, N] float64: those that `flips` measures, in the coordinates of the networks' `factor`; zero where no
        line flips the point."""
        falls = self._falls(readout, farthest)
        nearest, least = falls.min(dim=1)  # [S, N]
        length = torch.where(nearest.isfinite(), nearest, 0.0)
        along, _ = self._ways
        place = least * falls.shape[2] + torch.arange(falls.shape[2], device=falls.device)  # [S, N] among L N
        return self.networks.factor.mT @ _at(along, place) * length.unsqueeze(1)

    def toward(self, readout: Readout, farthest: float) -> Tensor:
        """[L, S, M, N] float64: perturbations in the coordinates of the networks' `factor`, along all lines, those that
        flip first before the others: where each flips, a little beyond, or `farthest` where it does not."""
        falls = self._falls(readout, farthest)  # [S, L, N]
        along, _ = self._ways
        units = (self.networks.factor.mT @ along).view(len(falls), -1, *falls.shape[1:])  # [S, M, L, N]
        order = falls.argsort(dim=1, stable=True)  # [S, L, N]
        units = units.gather(2, order.unsqueeze(1).expand(-1, units.shape[1], -1, -1))
        distance = (falls.gather(1, order) * BEYOND).clamp_max(farthest).unsqueeze(1)  # [S, 1, L, N]
        return (units * distance).permute(2, 0, 1, 3)

    def first(self, points: int) -> "FirstLines":
        """Those of the first points, which are searched with the others."""
        return FirstLines(self, points)

    def _falls(self, readout: Readout, farthest: float) -> Tensor:
        """[S, L, N]: of each line the distance at which it flips the point."""
        if (readout, farthest) not in self._known:
            self._known[readout, farthest] = self._search(readout, farthest)
        return self._known[readout, farthest]

    @cached_property
    def _known(self) -> dict[tuple[Readout, float], Tensor]:
        return {}

    def _search(self, readout: Readout, farthest: float) -> Tensor:
        """[S, L, N]: the same, searched for."""
        (_, units), (runs, neurons, points) = self._ways, self._seen.shape  # [S, M, L N]
        lines = units.shape[2] // max(1, points)
        most = max(1, AT_ONCE // max(1, neurons * points)) if units.device.type == "cpu" else runs * lines
        found = self._seen.new_empty(runs, lines, points)
        for first in range(0, runs, max(1, most // lines)):
            these = slice(first, first + max(1, most // lines))
            for line in range(0, lines, most):
                those = slice(line, min(line + most, lines))
                found[these, those] = self._search_some(these, those, readout, farthest)
        return found

    def _search_some(self, runs: slice, lines: slice, readout: Readout, farthest: float) -> Tensor:
        """[S', L', N]: the same, of some of the lines of some runs."""
        numbers = torch.arange(len(self._side), device=self._side.device)[runs]
        seen, side, (_, units) = self._seen[runs], self._side[runs], self._ways
        count, points = lines.stop - lines.start, seen.shape[2]
        along = units[runs, :, lines.start * points : lines.stop * points]  # [S', M, L' N]
        start, turned = seen.repeat(1, 1, count), side.repeat(1, count)  # [S', M, L' N], [S', L' N]

        def holds(distance: Tensor) -> Tensor:
            moved = torch.addcmul(start, along, distance.unsqueeze(1))
            return self.read(moved, readout, numbers) * turned > 0

        return first_fall(holds, turned, farthest).view(len(side), count, points)

    @cached_property
    def _seen(self) -> Tensor:
        return self.networks.preactivations[..., : self.points].double()  # [S, M, N]

    @cached_property
    def _side(self) -> Tensor:
        return self.networks.side[:, : self.points].double()  # [S, N]

    @cached_property
    def _ways(self) -> tuple[Tensor, Tensor]:
        """[S, M, L N] each, zero where there is no line: a with W^T a the direction of length 1 of each line; by how
        much the pre-activations move there."""
        networks, side = self.networks, self._side
        products = networks.weight_products  # K [S, M, M]
        inverse = torch.linalg.pinv(products, hermitian=True, rtol=VANISHES)
        away = inverse @ (self._seen - networks.bias.double().unsqueeze(-1))  # [S, M, N] K^+ W x
        other = (self.side_of_cluster.unsqueeze(0) != torch.tensor([[1], [-1]]).to(self.side_of_cluster)).double()
        goals = inverse @ torch.cat([networks.center_products, networks.center_products @ other.mT], dim=2)
        k, facing = other.shape[1], (side < 0).long()  # [S, N]: 0 where the class is +1
        distance = _squares(goals[..., :k], products, away)  # [S, k, N]
        distance = distance.masked_fill(other[facing].mT == 0, torch.inf)
        chosen = distance.topk(min(NEAREST, k), dim=1, largest=False).indices.unbind(dim=1)  # [S, N] each
        ways = [_at(goals, one) - away for one in (*chosen, k + facing)]  # [S, M, N] each
        averaged = (goals[..., k] - goals[..., k + 1]).unsqueeze(-1) * side.unsqueeze(1)  # [S, M, N]
        along = torch.cat([*ways, averaged], dim=2)  # K^+ W v for all directions v
        moved = products @ along
        length = (along * moved).sum(dim=1, keepdim=True).clamp_min(0).sqrt()
        return torch.where(length > 0, along / length, 0.0), torch.where(length > 0, moved / length, 0.0)


@dataclass(frozen=True, eq=False)
class FirstLines:
    """Of lines those of the first points."""

    lines: Lines
    points: int

    def flips(self, readout: Readout, farthest: float) -> Tensor:
        """[S, N]"""
        return self.lines.flips(readout, farthest)[:, : self.points]

    def perturbations(self, readout: Readout, farthest: float) -> Tensor:
        """[S, M, N]"""
        return self.lines.perturbations(readout, farthest)[..., : self.points]


def first_fall(
    holds: Callable[[Tensor], Tensor], like: Tensor, farthest: float, grid: int = GRID, halvings: int = HALVINGS
) -> Tensor:
    """The least of the distances looked at, up to `farthest`, at which something does not hold, in the shape of `like`;
    0 where it does not hold at 0, infinity where it holds at all. The grid may pass over a short fall: an upper bound.
    """
    low, high = torch.zeros_like(like), torch.full_like(like, torch.inf)
    high = high.where(holds(low), 0.0)
    for place in range(1, grid + 1):
        open_ = high == torch.inf
        if not bool(open_.any()):
            break
        distance = torch.full_like(like, farthest * place / grid)
        standing = holds(distance)
        high = torch.where(open_ & ~standing, distance, high)
        low = torch.where(open_ & standing, distance, low)
    for _ in range(halvings):
        middle = (low + high.where(high < torch.inf, low)) / 2
        standing = holds(middle)
        high = torch.where(~standing & (high < torch.inf), middle, high)
        low = torch.where(standing, middle, low)
    return high


def _squares(goals: Tensor, products: Tensor, away: Tensor) -> Tensor:
    """[S, k, N]: squared lengths of g - a by K, for g of goals [S, M, k] and a of away [S, M, N], less a part that is
    the same for all goals of a point."""
    seen = products @ goals  # [S, M, k]
    return (goals * seen).sum(dim=1).unsqueeze(-1) - 2 * (seen.mT @ away)


def _at(goals: Tensor, number: Tensor) -> Tensor:
    """Of goals [S, M, G] those of the numbers [S, N]: [S, M, N]."""
    return goals.gather(2, number.unsqueeze(1).expand(-1, goals.shape[1], -1))
