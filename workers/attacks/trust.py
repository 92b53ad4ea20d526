"""Whether the curves of runs can be believed: the checks behind the flags of domain/results/trust.py.

The checks that attack again look at SAMPLE points a run, at the radius where `pgd` last left at least half of the
rightly classified points: there a stronger attack would show first. Rules and tolerances: docs/methods/attacks.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.domain.results.trust import FLAGS, Trust
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.attacks.attacks import (
    TARGETS,
    Attacked,
    distinct_readouts,
    radii_of,
    random_starts,
    readout_landscapes,
    span_points,
)
from phaselab.workers.attacks.pgd import Chosen, Climbed, RandomStarts, climb
from phaselab.workers.attacks.span import SpanPoints
from phaselab.workers.base.stop import Stop
from phaselab.workers.networks.trained import Networks, clean_accuracy
from phaselab.workers.networks.two_layer import TwoLayer, outputs, read_out

SAMPLE = 64
"""Points of a run that are attacked again."""
WIN = 0.02
"""Share of points, more than which a stronger attack must break for the first one to count as weak."""
ROUNDING = 1e-4
"""Relative error that float32 is granted where numbers are compared with float64 ones."""


def judge(
    runs: Sequence[Run], networks: Networks, network: TwoLayer, attacked: Attacked, stop: Stop | None
) -> list[Trust]:
    """The trust in each run's `pgd` curves; without `pgd` there is nothing to doubt. Raises Stopped."""
    raised: dict[str, Tensor] = {}  # [S] bool per flag

    def add(flags: Mapping[str, Tensor]) -> None:
        for name, flag in flags.items():
            raised[name] = raised[name] | flag if name in raised else flag

    for readout in distinct_readouts(network) if attacked.broken else ():
        add(_curve_flags(runs[0].settings, networks, network, attacked, readout))
        add(_Again(runs, networks, network, attacked, readout, stop).flags())
    return [Trust(tuple(name for name in FLAGS if name in raised and bool(raised[name][i]))) for i in range(len(runs))]


def _curve_flags(
    settings: Settings, networks: Networks, network: TwoLayer, attacked: Attacked, readout: Readout
) -> dict[str, Tensor]:
    """[S] bool: what the curves alone show."""
    broken, accuracy = attacked.broken[readout], attacked.accuracy["pgd", readout]  # [S, radii]
    radii = accuracy.new_tensor(radii_of(settings))
    flags = {"no_gradient": broken.blind.any(dim=1)}
    if float(radii[0]) == 0:
        clean = clean_accuracy(networks, network)[readout]  # [S]
        one_point = 1 / settings.attack.test_points  # a readout of 0 up to rounding may fall either way
        flags["clean_mismatch"] = (accuracy[:, 0] - clean).abs() > 1.5 * one_point
    if readout in attacked.exact:
        at = torch.cat([radii, radii.new_tensor([torch.inf])])[broken.first[0]]  # [S, N] radius that broke the point
        flags["beats_certificate"] = (attacked.exact[readout].lower > at * (1 + ROUNDING)).any(dim=1)
        flags["weaker_than_exact"] = (accuracy - attacked.accuracy["exact", readout] > WIN).any(dim=1)
    return flags


@dataclass(frozen=True, eq=False)
class _Again:
    """A second look, by attacks on a sample of points."""

    runs: Sequence[Run]
    networks: Networks
    network: TwoLayer
    attacked: Attacked
    readout: Readout
    stop: Stop | None

    def flags(self) -> dict[str, Tensor]:
        """[S] bool per flag."""
        radii, first = radii_of(self.runs[0].settings), self.attacked.broken[self.readout].first[0]  # [S, N]
        attack = self.runs[0].settings.attack
        number = _telling_radius(first, radii)  # [S]
        stood, fell = first > number.unsqueeze(1), first == number.unsqueeze(1) + 1  # [S, N]
        radius = first.new_tensor(radii, dtype=torch.float64)  # [radii]
        here, beyond = radius[number], radius[(number + 1).clamp_max(len(radii) - 1)]  # [S]
        sample = _sample(stood)
        longer = self._won(sample, here, 2 * attack.steps, restart=0)  # [S, SAMPLE]
        elsewhere = self._won(sample, here, attack.steps, restart=attack.restarts)  # [S, SAMPLE]
        certified = sample.of(self._certified()) > here.unsqueeze(1) * (1 + ROUNDING)  # [S, SAMPLE]
        few = WIN * sample.wanted.sum(dim=1)  # [S]
        return {
            "more_steps_win": longer.sum(dim=1) > few,
            "more_restarts_win": elsewhere.sum(dim=1) > few,
            "beats_certificate": ((longer | elsewhere) & certified).any(dim=1),
            "not_adversarial": self._not_adversarial(fell, beyond, attack.steps),
        }

    def _won(self, sample: Chosen, radius: Tensor, steps: int, restart: int) -> Tensor:
        """[S, SAMPLE] bool: whether an attack at radii [S] breaks the points. It also looks at points that `pgd` left
        out as safe.
        """
        return (self._attack(sample, radius, steps, restart).margins[0] <= 0) & sample.wanted

    def _certified(self) -> Tensor:
        """[S, N]: radii at which no attack can break the points: by the bound of the slope, and by the exact method."""
        safe = span_points(self.networks, self.network).safe_radius(self.readout)  # [S, N]
        exact = self.attacked.exact.get(self.readout)
        return safe if exact is None else torch.maximum(safe.double(), exact.lower)

    def _not_adversarial(self, points: Tensor, radius: Tensor, steps: int) -> Tensor:
        """[S] bool: whether a perturbation that broke a point does not, taken as one of the input, predicted again."""
        sample = _sample(points)
        ended = self._attack(sample, radius, steps, restart=0)
        won = (ended.margins[0] <= 0) & sample.wanted  # [S, SAMPLE]
        weights = self.networks.weights.double()  # [S, M, e'']
        back = weights.mT @ torch.linalg.pinv(self.networks.factor, hermitian=True, rtol=1e-8)  # [S, e'', M]
        moved = back @ (ended.perturbation.double() * radius.view(-1, 1, 1))  # [S, e'', SAMPLE] of the inputs
        clean = sample.of(self.networks.preactivations.double())  # [S, M, SAMPLE]
        side = sample.of(self.networks.side)  # [S, SAMPLE]
        before, after = (
            read_out(outputs(seen, self.network.layout), self.network, self.readout) * side
            for seen in (clean, clean + weights @ moved)
        )
        outside = moved.square().sum(dim=1).sqrt() > radius.unsqueeze(1) * (1 + ROUNDING)
        wrong: Tensor = won & (outside | (after > ROUNDING * before))  # [S, SAMPLE]
        return wrong.any(dim=1)

    def _attack(self, sample: Chosen, radius: Tensor, steps: int, restart: int) -> Climbed:
        """Attack sampled points at one radius a run [S]; perturbations come in units of the radius."""
        scaled = self.networks.factor * radius.view(-1, 1, 1)
        everything = SpanPoints.of(self.networks.preactivations, scaled, self.networks.side, self.network)
        noise = random_starts(self.runs, everything, TARGETS.index(self.readout))
        starts = RandomStarts(noise, len(radii_of(self.runs[0].settings)), restart, sample)
        ended = [
            climb(way, 1.0, steps, starts, sample.wanted, self.stop)
            for way in readout_landscapes(everything.take(sample), self.readout)
        ]
        return reduce(Climbed.or_by, ended)


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


def _sample(points: Tensor) -> Chosen:
    """The first SAMPLE points of each run where `points` [S, N] is true."""
    order = points.byte().argsort(dim=1, descending=True, stable=True)[:, :SAMPLE]  # [S, SAMPLE]
    return Chosen(torch.arange(len(points), device=points.device), order, points.gather(1, order))
