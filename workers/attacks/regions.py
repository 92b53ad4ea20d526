"""The regions that perturbations keep to: the ball, and the ball inside a box of values."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from phaselab.workers.attacks.landscape import Chosen, Length, Step

ALIGNED = 4e-6
"""How far from -1 the cosine of perturbation and gradient may be where a point rests: rounding, in float32."""
LENGTHENED = 3
"""Times that a projected perturbation, cut short by the box, is lengthened to the radius again."""


class Ball:
    """Perturbations of a length up to the radius. A point rests on the sphere exactly opposite to its gradient (cosine
    -1 within ALIGNED)."""

    def inside(self, perturbation: Tensor, radius: Length) -> Tensor:
        """The perturbations of the ball as they are."""
        return perturbation

    def step(
        self, perturbation: Tensor, gradient: Tensor, length: Length, radius: Length, still: Tensor, room: Tensor
    ) -> Step:
        """In place: a step of `length`, then back onto the ball. Shapes as in Region."""
        rate = length / torch.mul(gradient, gradient, out=room).sum(dim=1).sqrt_()  # [S, N]
        usable = (rate > 0) & (rate < torch.inf)
        all_usable = bool(usable.all())
        if not all_usable:
            gradient = torch.where(usable.unsqueeze(1), gradient, 0.0)
        perturbation.addcmul_(gradient, rate.masked_fill_(still | ~usable, 0.0).unsqueeze(1), value=-1)
        square = torch.mul(perturbation, perturbation, out=room).sum(dim=1)  # [S, N]
        reach = radius + length  # where a point of the sphere opposite to its gradient gets
        resting = square > reach**2 - 2 * radius * length * ALIGNED  # 1 + cosine < ALIGNED
        perturbation.mul_(square.rsqrt_().mul_(radius).clamp_max_(1.0).unsqueeze(1))
        return Step(perturbation, None if all_usable else usable, resting)

    def take(self, chosen: Chosen) -> "Ball":
        """The same for all points."""
        return self


@dataclass(frozen=True, eq=False)
class BallInBox:
    """Perturbations of a length up to the radius that keep inputs inside a box."""

    inputs: Tensor
    """[S, D, N]"""
    low: Tensor
    """[D, 1]: the least value that an input may take"""
    high: Tensor
    """[D, 1]: the largest one"""

    def inside(self, perturbation: Tensor, radius: Length) -> Tensor:
        """[S, D, N] perturbations of norm up to `radius` that keep the inputs inside the box.

        The nearest such point is clip(s * perturbation) for some s <= 1; each round lengthens s by
        radius / |clip(s * perturbation)|, which approaches it from inside, for clipped numbers do not grow.
        """
        low, high = self.low - self.inputs, self.high - self.inputs  # [S, D, N]
        scale = (radius / perturbation.norm(dim=1)).clamp_max(1.0)  # [S, N]
        inside = torch.clamp(perturbation * scale.unsqueeze(1), low, high)
        for _ in range(LENGTHENED):
            scale = (scale * (radius / inside.norm(dim=1))).nan_to_num(1.0).clamp_max(1.0)
            inside = torch.clamp(perturbation * scale.unsqueeze(1), low, high)
        return inside

    def step(
        self, perturbation: Tensor, gradient: Tensor, length: Length, radius: Length, still: Tensor, room: Tensor
    ) -> Step:
        """A step leaves out the numbers that are at their bound and would be pushed beyond. Shapes as in Region."""
        usable, moved = _usable(gradient), self.inputs + perturbation
        blocked = ((moved <= self.low) & (gradient > 0)) | ((moved >= self.high) & (gradient < 0))
        gradient = gradient.masked_fill(blocked, 0.0)
        rate = length / gradient.norm(dim=1)  # [S, N]
        step = torch.where((_usable(gradient) & ~still).unsqueeze(1), gradient * rate.unsqueeze(1), 0.0)
        return Step(self.inside(perturbation - step, radius), usable, None)

    def take(self, chosen: Chosen) -> "BallInBox":
        """The region of the chosen runs and points."""
        return replace(self, inputs=chosen.of(self.inputs))


def _usable(gradient: Tensor) -> Tensor:
    """[S, N] bool: whether a gradient [S, D, N] is there and finite."""
    norm = gradient.norm(dim=1)
    usable: Tensor = (norm > 0) & norm.isfinite()
    return usable
