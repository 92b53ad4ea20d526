"""Whether the curves of runs can be believed: the checks behind the flags of domain/results/trust.py.

Checks of a curve look at every test point, or at the first LINED ones. Those that attack again look at SAMPLE points a
run, at the radius where `pgd` last left at least half of the rightly classified points: there a stronger attack would
show first. Rules and tolerances: docs/methods/attacks.md.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from scipy.stats import binom
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.domain.results.trust import FLAGS, Trust, ceiling
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.settings import Settings
from phaselab.workers.attacks.again import WIN, Again, Raised, few, raise_too
from phaselab.workers.attacks.attacks import Attacked, radii_of
from phaselab.workers.attacks.brackets import ROUNDING, flips_again
from phaselab.workers.attacks.landscape import LineSearch, Victim, choose
from phaselab.workers.attacks.lines import LINED
from phaselab.workers.base.stop import Stop
from phaselab.workers.measures.shown import Shown

DIVERGED = 10.0
"""Times the loss of a network that says nothing, from which on training counts as diverged."""
GROWN = 4.0
"""Times the squared weights of the start, from which on most of the weights is what training did."""
CHANCE = 1e-6
"""With which probability, at most, chance alone puts a run above the ceiling at one radius."""


def judge(
    settings: Settings,
    victim: Victim,
    shown: Shown,
    attacked: Attacked,
    stop: Stop | None,
    beside: Raised | None = None,
) -> list[Trust]:
    """The trust in each run's curves; with the flags that were raised `beside` the checks. Raises Stopped."""
    raised = dict(checked(settings, victim, shown, attacked, stop))
    raise_too(raised, beside or {})
    rows = torch.stack([raised[name] for name in raised]).T.tolist()  # [S][flags]
    up = [{name for name, is_up in zip(raised, row, strict=True) if is_up} for row in rows]
    return [Trust(tuple(name for name in FLAGS if name in names)) for names in up]


def checked(settings: Settings, victim: Victim, shown: Shown, attacked: Attacked, stop: Stop | None) -> Raised:
    """[S] bool per check that was made: whether it raised its flag. Raises Stopped."""
    raised: dict[str, Tensor] = {"diverged": diverged(settings, shown)}
    for number, readout in enumerate(victim.readouts if settings.attack.methods else ()):
        raise_too(raised, _OfCurves(settings, victim, shown, attacked, readout, number).flags())
        if attacked.broken:
            raise_too(raised, Again(settings, victim, attacked, readout, stop).flags())
    return raised


def diverged(settings: Settings, shown: Shown) -> Tensor:
    """[S] bool: whether training, by what it added to the weights, made the loss far worse than it is without weights.

    Descent never raises the loss, which starts near that of outputs of 0 where the weights start small: log c of c
    label groups, 1/2 by squares, c - 1 by exponentials. A start that is large may have a large loss; then the weights
    must have grown too.
    """
    data, groups = settings.data, len(label_groups(settings).side_of_group)
    nothing = {"square": 0.5, "exponential": groups - 1.0}.get(settings.training.loss, math.log(groups))
    squares = shown.neurons.weight_products.diagonal(dim1=1, dim2=2).sum(dim=1)  # [S]
    start = settings.network.init_scale**2 * data.d * shown.own.shape[-2]
    return (shown.loss > DIVERGED * nothing) & (squares > GROWN * start)


@dataclass(frozen=True, eq=False)
class _OfCurves:
    """What the curves by one readout and their proofs show."""

    settings: Settings
    victim: Victim
    shown: Shown
    attacked: Attacked
    readout: Readout
    number: int
    """Of the readout among those that are different functions"""

    def flags(self) -> Raised:
        """[S] bool per flag."""
        flags, attacked = self._clean_mismatch(), self.attacked
        if self.readout in attacked.broken:
            flags["no_gradient"] = attacked.broken[self.readout].blind.any(dim=1)
            flags["not_adversarial"] = self._false_witness()
        if self.readout in attacked.exact:
            raise_too(flags, self._of_exact())
        lines = self.victim.lines(LINED)
        if lines is not None:
            raise_too(flags, self._of_lines(lines))
        height = ceiling(self.settings)
        if height is not None and self._radii[-1] >= height:
            flags["above_ceiling"] = self._above(height)
        return flags

    @cached_property
    def _radii(self) -> Tensor:
        return self.shown.clean[self.readout].new_tensor(radii_of(self.settings))  # [radii] float64

    @cached_property
    def _first(self) -> Tensor | None:
        """[S, N]: numbers of the radii at which the attack that is to be believed broke the points: `pgd`, or the own
        loss where there is nothing else; null where there is only the exact method."""
        if self.readout in self.attacked.broken:
            return self.attacked.broken[self.readout].first[0]
        native = self.attacked.native
        return None if native is None or self.attacked.exact else native.first[self.number]

    @cached_property
    def _standing(self) -> Tensor:
        """[S, N, radii] bool: the points that withstand each radius, by the attack or, without one, for certain."""
        if self._first is None:
            return self.attacked.exact[self.readout].lower.unsqueeze(-1) > self._radii
        return self._first.unsqueeze(-1) > torch.arange(len(self._radii), device=self._first.device)

    def _clean_mismatch(self) -> dict[str, Tensor]:
        if float(self._radii[0]) != 0:
            return {}
        one_point = 1 / self.settings.attack.test_points  # a readout of 0 up to rounding may fall either way
        clean, found = self.shown.clean[self.readout], self._standing[..., 0].double().mean(dim=1)  # [S]
        apart = found - clean if self._first is None else (found - clean).abs()  # a certificate may be open down to 0
        return {"clean_mismatch": apart > 1.5 * one_point}

    def _false_witness(self) -> Tensor:
        """[S] bool: whether what broke a point does not, taken as a perturbation of the input and predicted again, or
        is longer than the radius that it is said to have broken the point at."""
        broken = self.attacked.broken[self.readout]
        right = self.victim.readout(self.readout).ways[0].landscape.clean()[0] > 0  # [S, N]
        first = broken.first[0]
        at = self._radii[first.clamp_max(len(self._radii) - 1)]  # [S, N]
        return self._false((first < len(self._radii)) & right, broken.witness, at)

    def _false(self, points: Tensor, perturbation: Tensor, length: Tensor) -> Tensor:
        """[S] bool: whether a perturbation [S, D, N] does not break its point, of points [S, N], or is longer."""
        false, chosen = points.new_zeros(len(points)), choose(points)
        if chosen is not None:
            again = self.victim.again(self.readout, chosen, chosen.of(perturbation))
            outside = again.length > chosen.of(length) * (1 + ROUNDING)  # [S', N']
            wrong = outside | ~(again.after <= ROUNDING * again.before)
            false[chosen.runs] = (wrong & chosen.wanted).any(dim=1)
        return false

    def _of_exact(self) -> Raised:
        exact, flags = self.attacked.exact[self.readout], self._measured_contradiction()
        if self.readout in self.attacked.broken:
            first = self.attacked.broken[self.readout].first[0]
            at = torch.cat([self._radii, self._radii.new_tensor([torch.inf])])[first]  # [S, N] radius that broke it
            raise_too(flags, {"beats_certificate": (exact.lower > at * (1 + ROUNDING)).any(dim=1)})
            if not self.victim.boxed and self.attacked.proof == "exact":
                missed = _missed(first, exact.upper, self._radii)  # [S, radii]
                flags["weaker_than_exact"] = (missed > most_by_chance(first.shape[1])).any(dim=1)
        if not self.victim.boxed and self.attacked.proof == "exact":
            shown = (exact.upper > 0) & (exact.upper < torch.inf)  # [S, N]
            flags["not_adversarial"] = self._false(shown, exact.perturbation.mT, exact.upper)
        return flags

    def _measured_contradiction(self) -> dict[str, Tensor]:
        """Whether what broke a point, by any attack, is shorter than its certified radius."""
        lower, flags = self.attacked.exact[self.readout].lower, dict[str, Tensor]()
        attacks = (self.attacked.broken.get(self.readout), self.attacked.native)
        for broken in attacks if not self.victim.boxed else ():
            if broken is not None:
                length = flips_again(self.victim, self.readout, lower > 0, broken.witness)  # [S, N]
                raise_too(flags, {"beats_certificate": (lower > length * (1 + ROUNDING)).any(dim=1)})
        return flags

    def _of_lines(self, lines: LineSearch) -> Raised:
        flips, flags = lines.flips(self.readout, float(self._radii[-1])), {}  # [S, N']
        if self.readout in self.attacked.exact:
            lower = self.attacked.exact[self.readout].lower[:, : flips.shape[1]]
            flags["beats_certificate"] = (lower > flips * (1 + ROUNDING)).any(dim=1)
        if self._first is not None:
            won = self._standing[:, : flips.shape[1]] & (flips.unsqueeze(-1) <= self._radii)  # [S, N', radii]
            flags["line_search_wins"] = (won.sum(dim=1) > few(flips.shape[1])).any(dim=1)
        return flags

    def _above(self, height: float) -> Tensor:
        """[S] bool: whether the robust accuracies of the classes, at a radius from `height` on, add up to more than 1
        by more than chance allows (Hoeffding's inequality)."""
        total = self._radii.new_zeros(len(self._standing), len(self._radii))  # [S, radii]
        spread = total[:, :1]  # [S, 1]
        for side in (1, -1):
            members = (self.victim.side == side).double()  # [S, N]
            count = members.sum(dim=1, keepdim=True)  # [S, 1]
            total = total + (members.unsqueeze(-1) * self._standing).sum(dim=1) / count.clamp_min(1)
            spread = spread + 1 / count  # infinite where a class has no point
        allowed = 1 + (math.log(1 / CHANCE) * spread / 2).sqrt()  # [S, 1]
        return ((total > allowed) & (self._radii >= height)).any(dim=1)


def _missed(first: Tensor, upper: Tensor, radii: Tensor) -> Tensor:
    """[S, radii]: how many points withstood `pgd` at a radius though a perturbation is known that is no longer and
    flips them. From numbers [S, N] of the radii that broke the points, and upper bounds [S, N] of their radii."""
    numbers = torch.arange(len(radii), device=first.device)
    stood = first.unsqueeze(-1) > numbers  # [S, N, radii]
    return (stood & (upper.unsqueeze(-1) * (1 + ROUNDING) <= radii)).sum(dim=1)


@lru_cache(maxsize=100)
def most_by_chance(points: int) -> int:
    """The most of so many test points that an attack misses with a chance of 99 % if it misses a share of WIN."""
    return int(binom.ppf(0.99, points, WIN))
