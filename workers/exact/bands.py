"""Straight lines under and over an activation, on an interval of every pre-activation.

Each is valid in exact arithmetic: what double precision may lose of a line is conceded in its intercept (docs/methods/
certified.md).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.workers.exact.rounding import UNIT
from phaselab.workers.networks.mlp import LEAK

CONCEDED = 64 * UNIT
"""Of the sizes of a line's terms: for the operations that make it, and for erf and powers that are right to a few
units."""
FARTHEST = 6.0
"""erf is 1 there but for 2e-17."""
HALVINGS = 30


@dataclass(frozen=True, eq=False)
class Band:
    """under_slope z + under <= a(z) <= over_slope z + over wherever z is in its interval; [...] each."""

    under_slope: Tensor
    under: Tensor
    over_slope: Tensor
    over: Tensor

    @property
    def size(self) -> Tensor:
        """[...]: at least the intercepts."""
        return torch.maximum(self.under.abs(), self.over.abs())

    @property
    def steepest(self) -> Tensor:
        """[...]: the larger slope; neither is negative."""
        return torch.maximum(self.under_slope, self.over_slope)


def leaky_band(low: Tensor, high: Tensor, leak: float) -> Band:
    """Of max(z, leak z). Over it the chord where its kink is inside; under it whichever piece cuts off less."""
    on, off = low >= 0, high <= 0
    chord = ((high - leak * low) / (high - low).clamp_min(torch.finfo(low.dtype).tiny)).clamp(leak, 1.0)
    slope = torch.where(on, 1.0, torch.where(off, leak, chord))
    far = torch.maximum(high, -low)
    lift = torch.where(on | off, 0.0, (1 - slope) * high + CONCEDED * far)
    under = torch.where(on | (~off & (high >= -low)), torch.ones_like(slope), leak)
    return Band(under, torch.zeros_like(lift), slope, lift)


def erf_band(low: Tensor, high: Tensor) -> Band:
    """Of erf, which is odd: under it stands what stands over it on the mirrored interval."""
    slope, over = _over_erf(low, high)
    under_slope, mirrored = _over_erf(-high, -low)
    return Band(under_slope, -mirrored, slope, over)


def _over_erf(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """(slope, intercept) of a line over erf on [low, high].

    erf is convex below 0 and concave above. A tangent at d >= 0 lies over it on [0, inf), and on [low, 0] too if it
    does at low. The chord lies over it where all is convex, and else where erf is steeper than it at high.
    """
    width = (high - low).clamp_min(torch.finfo(low.dtype).tiny)
    chord = ((high.erf() - low.erf()) / width).clamp(0.0, 2 / math.sqrt(math.pi))
    by_chord = (high > low) & ((high <= 0) | ((low < 0) & (_steep(high) >= chord)))
    middle = (low + high) / 2
    touch = torch.where(low >= 0, middle, _touching(low.clamp_max(0.0)))
    touch = torch.where((high <= low) & (low < 0), low, touch)  # a point: its own tangent
    slope = torch.where(by_chord, chord, _steep(touch))
    anchor = torch.where(by_chord, high, touch)
    far = torch.maximum(low.abs(), high.abs()) + touch.abs()
    through = anchor.erf() - slope * anchor
    either = torch.where(by_chord, torch.maximum(through, low.erf() - slope * low), through)
    return slope, either + CONCEDED * (1 + slope * far)


def _steep(z: Tensor) -> Tensor:
    """erf's derivative."""
    return (2 / math.sqrt(math.pi)) * torch.exp(-z.square())


def _touching(low: Tensor) -> Tensor:
    """A d >= 0 at which the tangent of erf lies over erf at `low` <= 0, nearly the least one.

    The tangent's height at low grows with d, for erf'' < 0 there; at FARTHEST it is 1 but for nothing.
    """
    near, far = torch.zeros_like(low), torch.full_like(low, FARTHEST)
    at = low.erf()
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        holds = middle.erf() + _steep(middle) * (low - middle) >= at
        near, far = torch.where(holds, near, middle), torch.where(holds, middle, far)
    return far


def power_band(low: Tensor, high: Tensor, power: float, size: Tensor) -> Band:
    """Of size (relu(z) / size)^power, which is convex: the chord over it, a tangent under it."""

    def value(z: Tensor) -> Tensor:
        return size * (z.clamp_min(0) / size).pow(power)

    def steep(z: Tensor) -> Tensor:
        return power * (z.clamp_min(0) / size).pow(power - 1) * (z > 0)

    width = (high - low).clamp_min(torch.finfo(low.dtype).tiny)
    top, bottom, most = value(high), value(low), steep(high)
    slope = torch.where(high > low, (top - bottom) / width, most)
    slope = torch.minimum(slope.clamp_min(0), most)
    lift = torch.maximum(top - slope * high, bottom - slope * low)
    far = torch.maximum(low.abs(), high.abs())
    conceded = CONCEDED * power * (top + most * far)
    touch = ((low + high) / 2).clamp_min(0)
    under_slope = steep(touch)
    return Band(under_slope, value(touch) - under_slope * touch - conceded, slope, lift + conceded)


Bands = Callable[[Tensor, Tensor], Band]
"""The band of an activation on intervals from low to high."""
BANDS: Mapping[str, Bands] = {
    "relu": lambda low, high: leaky_band(low, high, 0.0),
    "leaky_relu": lambda low, high: leaky_band(low, high, LEAK),
    "erf": erf_band,
    "power": lambda low, high: leaky_band(low, high, 0.0),  # above the first layer
}
