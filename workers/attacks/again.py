"""A second look at `pgd`: attacks on a sample of the points that it left standing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.domain.settings.settings import Settings
from phaselab.workers.attacks.attacks import Attacked, radii_of
from phaselab.workers.attacks.brackets import ROUNDING
from phaselab.workers.attacks.climb import Climbed, climb, starts_of
from phaselab.workers.attacks.landscape import Chosen, Objective, Victim, Way, choose
from phaselab.workers.base.stop import Stop

SAMPLE = 64
"""Points of a run that are attacked again."""
WIN = 0.02
"""Share of points, more than which a stronger attack must break for the first one to count as weak."""
FILLED = 0.99
"""Share of the radius, from which on an attack counts as having gone to the end of its ball."""

Raised = Mapping[str, Tensor]
"""[S] bool per flag."""


def few(points: Tensor | int) -> Tensor | float:
    """How many of so many points another attack may break: a share of WIN, and one point, which says nothing."""
    return WIN * points + 1


def raise_too(raised: dict[str, Tensor], flags: Raised) -> None:
    """Raise the flags of some more checks."""
    for name, flag in flags.items():
        raised[name] = raised[name] | flag if name in raised else flag


class _Tried(NamedTuple):
    """What became of points that were attacked again."""

    won: Tensor
    """[S, N] bool: broken"""
    led: Tensor
    """[S, N] bool: left standing, but with a gradient to follow"""
    reach: Tensor
    """[S, N]: the longest perturbation that an attempt ended with, as one of the input"""


@dataclass(frozen=True, eq=False)
class Again:
    """A second look by one readout."""

    settings: Settings
    victim: Victim
    attacked: Attacked
    readout: Readout
    stop: Stop | None

    def flags(self) -> Raised:
        """[S] bool per flag."""
        attack, radii = self.settings.attack, radii_of(self.settings)
        first = self.attacked.broken[self.readout].first[0]  # [S, N]
        number = _telling_radius(first, radii)  # [S]
        here = self._safe.new_tensor(radii)[number].unsqueeze(1)  # [S, 1]
        stood = _sample((first > number.unsqueeze(1)) & (here > 0))  # [S, N]
        longer = self._try(stood, here, 2 * attack.steps, restart=0)
        elsewhere = self._try(stood, here, attack.steps, restart=attack.restarts)
        certified, allowed = self._certified > here * (1 + ROUNDING), few(stood.sum(dim=1))  # [S, N], [S]
        outside = (torch.maximum(longer.reach, elsewhere.reach) > here * (1 + ROUNDING)).any(dim=1)
        flags = {
            "more_steps_win": longer.won.sum(dim=1) > allowed,
            "more_restarts_win": elsewhere.won.sum(dim=1) > allowed,
            "beats_certificate": ((longer.won | elsewhere.won) & certified).any(dim=1),
            "not_adversarial": outside,
        }
        if not self.victim.boxed:  # a box may end before the ball does
            within = longer.led & (longer.reach < FILLED * here)  # [S, N]
            flags["ball_not_filled"] = within.sum(dim=1) > longer.led.sum(dim=1) / 2
        return flags

    @property
    def _objective(self) -> Objective:
        return self.victim.readout(self.readout)

    @cached_property
    def _safe(self) -> Tensor:
        """[S, N]: radii up to which points are safe by the bound of the slope."""
        return self._objective.ways[0].landscape.safe_radius()

    @property
    def _certified(self) -> Tensor:
        """[S, N]: radii at which no attack can break the points: by the bound of the slope, and by the exact method."""
        exact = self.attacked.exact.get(self.readout)
        return self._safe if exact is None else torch.maximum(self._safe.double(), exact.lower)

    def _try(self, points: Tensor, radius: Tensor, steps: int, restart: int) -> _Tried:
        """Attack points [S, N] at radii [S, 1], along each way those that the ways before left; also points that `pgd`
        left out as safe."""
        won, led, reach = torch.zeros_like(points), torch.zeros_like(points), torch.zeros_like(self._safe)
        for chosen, ended in self._attempts(points, radius, steps, restart, won):
            runs = chosen.runs.unsqueeze(1)  # [S', 1]
            length = self.victim.again(self.readout, chosen, ended.last).length.to(reach)  # [S', N']
            reach[runs, chosen.points] = torch.maximum(reach[runs, chosen.points], length.where(chosen.wanted, 0.0))
            won[runs, chosen.points] |= (ended.margins[0] <= 0) & chosen.wanted
            led[runs, chosen.points] |= ~ended.blind & chosen.wanted
        return _Tried(won, led & ~won, reach)

    def _attempts(
        self, points: Tensor, radius: Tensor, steps: int, restart: int, won: Tensor
    ) -> Iterator[tuple[Chosen, Climbed]]:
        """An attempt along each way at the points [S, N] that are not `won` by then."""
        noise = self.victim.noise(self._objective.target)
        for way in self._objective.ways:
            chosen = choose(points & ~won)
            if chosen is None:
                return
            starts = starts_of(way, noise, len(radii_of(self.settings)), restart, chosen)
            one = Way(way.landscape.take(chosen), way.lengths)
            yield chosen, climb(one, radius[chosen.runs], steps, starts, chosen.wanted, self.stop)


def _telling_radius(first: Tensor, radii: Sequence[float]) -> Tensor:
    """[S]: number of the last radius above 0 that at least half of the rightly classified points withstood, or of
    the first radius above 0. From numbers [S, N] of the radii that broke the points.
    """
    numbers = torch.arange(len(radii), device=first.device)
    standing = (first.unsqueeze(-1) > numbers).sum(dim=1)  # [S, radii]
    half = standing >= standing[:, :1] / 2
    last = half.sum(dim=1) - 1  # [S]: the counts never rise
    lowest = min((i for i, radius in enumerate(radii) if radius > 0), default=0)
    return last.clamp_min(lowest)


def _sample(points: Tensor) -> Tensor:
    """[S, N] bool: the first SAMPLE points of each run where `points` [S, N] is true."""
    return points & (points.cumsum(dim=1) <= SAMPLE)
