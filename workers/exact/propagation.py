"""Lower bounds of linear functions of a network's last hidden layer over balls around its points.

Going back from such a function, every activation is replaced by a line under or over it, whichever the sign of its
coefficient calls for, until a linear function of the first layer's pre-activations z + L u is left: over |u| <= r that
is least by r times a length (CROWN: Zhang et al., arXiv 1811.00866). The intervals on which lines are valid are bounds
of the same kind, layer after layer. What double precision may lose is conceded by the sizes of all terms
(docs/methods/certified.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from phaselab.workers.exact.bands import BANDS, Band, power_band
from phaselab.workers.exact.rounding import UNIT, row_lengths
from phaselab.workers.networks.mlp import Mlp, Upper


@dataclass(frozen=True, eq=False)
class Functions:
    """o linear functions of what the last hidden layer gives, of each of N points of S runs; double precision."""

    rows: Tensor
    """[S, N, o, M], or one for all points"""
    constant: Tensor
    """[S, N, o], likewise"""
    sizes: Tensor
    """[S, o, M]: at least the sizes of the rows' terms, of all points"""
    constant_sizes: Tensor
    """[S, o]"""


Interval = tuple[Tensor, Tensor]
"""(low, high) [S, N, M]"""


@dataclass(frozen=True, eq=False)
class Cap:
    """Of N points of S networks the perturbations with |u| <= radius and e . u >= b, b in [-radius, radius]."""

    radius: Tensor
    """[S, N]"""
    direction: Tensor
    """e [S, N, D], of length 1 or 0"""
    distance: Tensor
    """b [S, N]"""

    @classmethod
    def ball(cls, radius: Tensor, span: int) -> "Cap":
        """All of |u| <= radius [S, N]."""
        return cls(radius, radius.new_zeros(*radius.shape, span), -radius)

    @classmethod
    def below(cls, height: Tensor, normal: Tensor, radius: Tensor, rounding: float) -> "Cap":
        """Where h + v . u <= 0 may be: h [S, N], v [S, N, D] and |u| <= radius [S, N]."""
        length = normal.norm(dim=-1)  # [S, N]
        known = length > 0
        length = torch.where(known, length, 1.0)
        distance = height / length
        distance = torch.where(known, distance - 2 * rounding * (distance.abs() + radius), -radius)
        return cls(radius, -normal / length.unsqueeze(-1), torch.maximum(distance, -radius).minimum(radius))

    def most(self, vectors: Tensor, rounding: float) -> Tensor:
        """[S, N, o]: no less than w . u is anywhere in the caps, of vectors w [S, N, o, D], or the same for all points
        (docs/methods/exact.md, section 5)."""
        radius, distance = self.radius.unsqueeze(-1), self.distance.unsqueeze(-1)  # [S, N, 1]
        length = vectors.norm(dim=-1)  # [S, N, o]
        along = (vectors @ self.direction.unsqueeze(-1)).squeeze(-1)
        across = (length.square() * (1 + 4 * rounding) - along.square()).clamp_min(0).sqrt()
        rim = ((radius - distance) * (radius + distance)).clamp_min(0).sqrt()
        inside = radius * along >= distance * length
        most = torch.where(inside, radius * length, along * distance + across * rim)
        conceded: Tensor = most + 4 * rounding * radius * length
        return conceded


@dataclass(frozen=True, eq=False)
class Balls:
    """N points of S networks, and what surrounds them; double precision."""

    network: Mlp
    upper: Upper
    seen: Tensor
    """[S, N, M] pre-activations of the points in the first layer"""
    factor: Tensor
    """L [S, M, D]"""
    length: Tensor
    """[S, M]: |w_r|, which powers divide by"""

    def take(self, runs: slice, points: slice) -> "Balls":
        """Some of the runs and of the points."""
        upper = self.upper.each(lambda tensor: tensor[runs])
        return replace(
            self, upper=upper, seen=self.seen[runs, points], factor=self.factor[runs], length=self.length[runs]
        )

    @cached_property
    def reach(self) -> Tensor:
        """[S, M]: lengths of the rows of L, rounded up."""
        return row_lengths(self.factor)

    @property
    def rounding(self) -> float:
        """Twice what every term of a bound may be off by: a product of all layers, in sums over their neurons."""
        _, neurons, span = self.factor.shape
        return (self.network.depth * (neurons + 8) + span + 16) * UNIT

    def intervals(self, cap: Cap, known: Sequence[Interval] = ()) -> list[Interval]:
        """(low, high) [S, N, M] of the pre-activations of every hidden layer in the caps, no wider than those that are
        `known`."""
        found: list[Interval] = []
        for layer in range(self.network.depth - 1):
            low, high = self.intervals_of_first(cap) if layer == 0 else self._hidden(layer, self.bands(found), cap)
            if known:
                low, high = torch.maximum(low, known[layer][0]), torch.minimum(high, known[layer][1])
            found.append((low, torch.maximum(low, high)))  # where a cap is empty anything holds
        return found

    def bands(self, intervals: Sequence[Interval]) -> list[Band]:
        """Of every hidden layer, [S, N, M] each."""
        later = BANDS[self.network.activation]
        powers = self.network.power is not None
        return [
            self._powers(low, high) if powers and layer == 0 else later(low, high)
            for layer, (low, high) in enumerate(intervals)
        ]

    def linear(self, functions: Functions, bands: Sequence[Band], radius: Tensor) -> tuple[Tensor, Tensor]:
        """(h [S, N, o], v [S, N, o, D]): the functions, of the layer after the bands, are at least h + v . u wherever
        the bands hold in the balls of `radius` [S, N]."""
        below = self.below(functions, bands)
        total = below.constant + (below.rows @ self.seen.unsqueeze(-1)).squeeze(-1)
        around = self.seen.abs() + radius.unsqueeze(-1) * self.reach.unsqueeze(1)  # [S, N, M]
        conceded = below.constant_sizes + around @ below.sizes.mT
        return total - self.rounding * conceded, below.rows @ self.factor.unsqueeze(1)

    def below(self, functions: Functions, bands: Sequence[Band]) -> Functions:
        """Functions of the first layer's pre-activations, which those of the layer after the bands are never below
        wherever the bands hold; what rounding may take of them by the sizes [S, o, M] and [S, N, o]."""
        rows, total = functions.rows, functions.constant
        sizes, terms = functions.sizes, functions.constant_sizes.unsqueeze(1)  # [S, o, M], [S, 1, o]
        for layer in reversed(range(len(bands))):
            band = bands[layer]
            rows, lines = _replaced(rows, band)
            total, terms = total + lines, terms + band.size @ sizes.mT
            sizes = sizes * band.steepest.amax(1).unsqueeze(1)
            if layer:
                weights, bias = self.upper.hidden[layer - 1], self.upper.hidden_bias[layer - 1]
                total = total + (rows @ bias.view(-1, 1, bias.shape[1], 1)).squeeze(-1)
                terms = terms + (sizes @ bias.abs().unsqueeze(-1)).mT
                rows, sizes = rows @ weights.unsqueeze(1), sizes @ weights.abs()
        return Functions(rows, total, sizes, terms)

    def both_signs(self, layer: int) -> Functions:
        """The pre-activations of a layer after the first, of that number, and those times -1."""
        weights, bias = self.upper.hidden[layer - 1], self.upper.hidden_bias[layer - 1]  # [S, M, M], [S, M]
        rows, constant = torch.cat([weights, -weights], 1), torch.cat([bias, -bias], 1)  # [S, 2 M, M], [S, 2 M]
        return Functions(rows.unsqueeze(1), constant.unsqueeze(1), rows.abs(), constant.abs())

    def least(self, functions: Functions, bands: Sequence[Band], cap: Cap) -> Tensor:
        """[S, N, o]: no more than the functions are anywhere in the caps."""
        height, normal = self.linear(functions, bands, cap.radius)
        return height - cap.most(-normal, self.rounding)

    def intervals_of_first(self, cap: Cap) -> Interval:
        """Of the first layer."""
        rows = self.factor.unsqueeze(1)  # [S, 1, M, D]
        low, high = -cap.most(-rows, self.rounding), cap.most(rows, self.rounding)  # [S, N, M]
        spread = self.rounding * (cap.radius.unsqueeze(-1) * self.reach.unsqueeze(1) + self.seen.abs())
        return self.seen + low - spread, self.seen + high + spread

    def _hidden(self, layer: int, bands: Sequence[Band], cap: Cap) -> Interval:
        """Of a layer after the first, by the bands of those before it."""
        low, high = self.least(self.both_signs(layer), bands, cap).chunk(2, dim=-1)
        return low, -high

    def _powers(self, low: Tensor, high: Tensor) -> Band:
        assert self.network.power is not None
        size = (self.length * self.upper.unit.unsqueeze(-1)).unsqueeze(1)  # [S, 1, M]
        return power_band(low, high, self.network.power, size)


def _replaced(rows: Tensor, band: Band) -> tuple[Tensor, Tensor]:
    """(rows [S, N, o, M] over the pre-activations, what the lines add [S, N, o]): lines under an activation where it
    counts upwards, over it where downwards."""
    up, down = rows.clamp_min(0), rows.clamp_max(0)
    under, over = band.under.unsqueeze(-1), band.over.unsqueeze(-1)  # [S, N, M, 1]
    added = (up @ under + down @ over).squeeze(-1)
    return up.mul(band.under_slope.unsqueeze(2)).addcmul(down, band.over_slope.unsqueeze(2)), added
