"""Whether the curves of runs can be believed: the checks behind the flags of domain/results/trust.py.

The checks that attack again look at SAMPLE points a run, at the radius where `pgd` last left at least half of the
rightly classified points: there a stronger attack would show first. Rules and tolerances: docs/methods/attacks.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.domain.results.trust import FLAGS, Trust
from phaselab.domain.settings.settings import Settings
from phaselab.workers.attacks.attacks import Attacked, radii_of
from phaselab.workers.attacks.climb import Climbed, RandomStarts, climb
from phaselab.workers.attacks.landscape import Chosen, Objective, Victim, Way, choose
from phaselab.workers.base.stop import Stop

SAMPLE = 64
"""Points of a run that are attacked again."""
WIN = 0.02
"""Share of points, more than which a stronger attack must break for the first one to count as weak."""
ROUNDING = 1e-4
"""Relative error that float32 is granted where numbers are compared with float64 ones."""


def judge(
    settings: Settings, victim: Victim, clean: Mapping[Readout, Tensor], attacked: Attacked, stop: Stop | None
) -> list[Trust]:
    """The trust in each run's `pgd` curves, given the clean accuracy [S] by each readout, computed apart; without
    `pgd` there is nothing to doubt. Raises Stopped.
    """
    raised: dict[str, Tensor] = {}  # [S] bool per flag
    for readout in victim.readouts if attacked.broken else ():
        again = _Again(settings, victim, attacked, readout, stop)
        for flags in (_curve_flags(settings, victim, clean[readout], attacked, readout), again.flags()):
            for name, flag in flags.items():
                raised[name] = raised[name] | flag if name in raised else flag
    runs = len(next(iter(clean.values())))
    return [Trust(tuple(name for name in FLAGS if name in raised and bool(raised[name][i]))) for i in range(runs)]


def _curve_flags(
    settings: Settings, victim: Victim, clean: Tensor, attacked: Attacked, readout: Readout
) -> dict[str, Tensor]:
    """[S] bool: what the curves alone show."""
    broken, accuracy = attacked.broken[readout], attacked.accuracy["pgd", readout]  # [S, radii]
    radii = accuracy.new_tensor(radii_of(settings))
    flags = {"no_gradient": broken.blind.any(dim=1)}
    if float(radii[0]) == 0:
        one_point = 1 / settings.attack.test_points  # a readout of 0 up to rounding may fall either way
        flags["clean_mismatch"] = (accuracy[:, 0] - clean).abs() > 1.5 * one_point
    if readout in attacked.exact:
        at = torch.cat([radii, radii.new_tensor([torch.inf])])[broken.first[0]]  # [S, N] radius that broke the point
        flags["beats_certificate"] = (attacked.exact[readout].lower > at * (1 + ROUNDING)).any(dim=1)
        if not victim.boxed:
            flags["weaker_than_exact"] = (accuracy - attacked.accuracy["exact", readout] > WIN).any(dim=1)
    return flags


@dataclass(frozen=True, eq=False)
class _Again:
    """A second look, by attacks on a sample of points."""

    settings: Settings
    victim: Victim
    attacked: Attacked
    readout: Readout
    stop: Stop | None

    def flags(self) -> dict[str, Tensor]:
        """[S] bool per flag."""
        attack, radii = self.settings.attack, radii_of(self.settings)
        first = self.attacked.broken[self.readout].first[0]  # [S, N]
        number = _telling_radius(first, radii)  # [S]
        radius = self._safe.new_tensor(radii)  # [radii]
        here, beyond = radius[number], radius[(number + 1).clamp_max(len(radii) - 1)]  # [S]
        stood = _sample((first > number.unsqueeze(1)) & (here > 0).unsqueeze(1))  # [S, N]
        fell = _sample((first == number.unsqueeze(1) + 1) & (beyond > 0).unsqueeze(1))  # [S, N]
        longer = self._won(stood, here, 2 * attack.steps, restart=0)  # [S, N]
        elsewhere = self._won(stood, here, attack.steps, restart=attack.restarts)  # [S, N]
        certified = self._certified > here.unsqueeze(1) * (1 + ROUNDING)  # [S, N]
        few = WIN * stood.sum(dim=1)  # [S]
        return {
            "more_steps_win": longer.sum(dim=1) > few,
            "more_restarts_win": elsewhere.sum(dim=1) > few,
            "beats_certificate": ((longer | elsewhere) & certified).any(dim=1),
            "not_adversarial": self._not_adversarial(fell, beyond, attack.steps),
        }

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

    def _won(self, points: Tensor, radius: Tensor, steps: int, restart: int) -> Tensor:
        """[S, N] bool: which of the points [S, N] an attack at radii [S] breaks. It also looks at points that `pgd`
        left out as safe.
        """
        won = torch.zeros_like(points)
        for chosen, _, broken in self._attempts(points, radius, steps, restart):
            won[chosen.runs.unsqueeze(1), chosen.points] |= broken
        return won

    def _not_adversarial(self, points: Tensor, radius: Tensor, steps: int) -> Tensor:
        """[S] bool: whether a perturbation that broke a point does not, taken as one of the input, predicted again."""
        wrong = points.new_zeros(len(points))  # [S]
        for chosen, ended, broken in self._attempts(points, radius, steps, restart=0):
            again = self.victim.again(self.readout, chosen, ended.perturbation)
            outside = again.length > radius[chosen.runs].unsqueeze(1) * (1 + ROUNDING)
            wrong[chosen.runs] |= (broken & (outside | (again.after > ROUNDING * again.before))).any(dim=1)
        return wrong

    def _attempts(
        self, points: Tensor, radius: Tensor, steps: int, restart: int
    ) -> Iterator[tuple[Chosen, Climbed, Tensor]]:
        """Attack points [S, N] at one radius a run [S], along each way those that the ways before left: which they
        are, how it ended, and [S', N'] bool which of them it broke."""
        left, noise = points.clone(), self.victim.noise(self._objective.target)
        for way in self._objective.ways:
            chosen = choose(left)
            if chosen is None:
                return
            starts = RandomStarts(noise, len(radii_of(self.settings)), restart, chosen)
            one, at = Way(way.landscape.take(chosen), way.lengths), radius[chosen.runs].unsqueeze(1)  # [S', 1]
            ended = climb(one, at, steps, starts, chosen.wanted, self.stop, keep=True)
            broken = (ended.margins[0] <= 0) & chosen.wanted  # [S', N']
            left[chosen.runs.unsqueeze(1), chosen.points] &= ~broken
            yield chosen, ended, broken


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
