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

    def bands(self, radius: Tensor) -> list[Band]:
        """Of every hidden layer, over balls of `radius` [S, N]; [S, N, M] each."""
        bands: list[Band] = []
        for layer in range(self.network.depth - 1):
            low, high = self._first(radius) if layer == 0 else self._hidden(layer, bands, radius)
            first = layer == 0 and self.network.power is not None
            bands.append(self._powers(low, high) if first else BANDS[self.network.activation](low, high))
        return bands

    def least(self, functions: Functions, bands: Sequence[Band], radius: Tensor) -> Tensor:
        """[S, N, o]: no more than the functions are anywhere in the balls of `radius` [S, N], of the layer after the
        bands."""
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
        total = total + (rows @ self.seen.unsqueeze(-1)).squeeze(-1)
        slope: Tensor = (rows @ self.factor.unsqueeze(1)).norm(dim=-1)  # [S, N, o]
        around = self.seen.abs() + radius.unsqueeze(-1) * self.reach.unsqueeze(1)  # [S, N, M]
        return total - radius.unsqueeze(-1) * slope - self.rounding * (terms + around @ sizes.mT)

    def _first(self, radius: Tensor) -> tuple[Tensor, Tensor]:
        """(low, high) [S, N, M] of the first layer's pre-activations."""
        spread = radius.unsqueeze(-1) * self.reach.unsqueeze(1)
        spread = spread + self.rounding * (spread + self.seen.abs())
        return self.seen - spread, self.seen + spread

    def _hidden(self, layer: int, bands: Sequence[Band], radius: Tensor) -> tuple[Tensor, Tensor]:
        """(low, high) [S, N, M] of the pre-activations of a layer after the first, by the bands of those before it."""
        weights, bias = self.upper.hidden[layer - 1], self.upper.hidden_bias[layer - 1]  # [S, M, M], [S, M]
        rows, constant = torch.cat([weights, -weights], 1), torch.cat([bias, -bias], 1)  # [S, 2 M, M], [S, 2 M]
        both = Functions(rows.unsqueeze(1), constant.unsqueeze(1), rows.abs(), constant.abs())
        low, high = self.least(both, bands, radius).chunk(2, dim=-1)
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
