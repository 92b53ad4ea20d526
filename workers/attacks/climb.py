"""One attempt to break points at one radius: projected gradient descent on a score, for many runs and points.

Each step goes against the gradient's direction and back into the region; the iterate of lowest score decides. A point
stops early once it reached its goal, or once it rests, from where further steps lead nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from phaselab.workers.attacks.landscape import Chosen, Length, Noise, Way, choose
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.base.streams import Precision, Stream, generator, normal


@dataclass(frozen=True, eq=False)
class Climbed:
    """How an attempt ended."""

    margins: Tensor
    """[V, S, N] at the iterate of lowest score"""
    blind: Tensor
    """[S, N] bool: there never was a gradient to follow"""
    last: Tensor
    """[S, D, N]: the last iterate; a point that reached its goal stays there, so it is the one that did"""
    kept: Tensor | None = None
    """[S, D, N]: that iterate, where it was to be kept"""

    @property
    def perturbation(self) -> Tensor:
        """[S, D, N]: the iterate of lowest score. Raises ValueError where it was not to be kept."""
        if self.kept is None:
            raise ValueError("the attempt kept no perturbations")
        return self.kept


class Starts(Protocol):
    """Where an attempt starts, and where it goes on from a point without a gradient."""

    def first(self, radius: Length) -> Tensor | None:
        """[S, D, N] in the ball, where the attempt starts; null for the points themselves."""

    def elsewhere(self, radius: Length) -> Tensor:
        """[S, D, N] other points of the ball."""


@dataclass(frozen=True, eq=False)
class RandomStarts:
    """Random points of the ball for the chosen points of one attempt; a first attempt starts at the points."""

    noise: Noise
    radius_number: int
    restart: int
    chosen: Chosen

    def first(self, radius: Length) -> Tensor | None:
        """[S', D, N'] where the attempt starts; null for the points themselves."""
        return self.elsewhere(radius) if self.restart else None

    def elsewhere(self, radius: Length) -> Tensor:
        """[S', D, N'] random points of the ball: the first D of D + 2 coordinates of a point uniform on the sphere
        in R^(D + 2) are uniform in the ball of R^D.
        """
        normals = self.chosen.of(self.noise(self.radius_number, self.restart))  # [S', D + 2, N']
        length: Tensor = normals.norm(dim=1)  # [S', N']
        return normals[:, :-2] * (radius / length).unsqueeze(1)


@dataclass(frozen=True, eq=False)
class Toward:
    """On the way to given perturbations; elsewhere, at random."""

    perturbation: Tensor
    """[S', D, N'] of the chosen points"""
    random: RandomStarts

    def first(self, radius: Length) -> Tensor:
        """[S', D, N']: the perturbations, those cut down to the radius that are longer."""
        share: Tensor = (radius / self.perturbation.norm(dim=1)).clamp_max(1.0)  # [S', N']
        return self.perturbation * share.unsqueeze(1)

    def elsewhere(self, radius: Length) -> Tensor:
        """[S', D, N'] random points of the ball."""
        return self.random.elsewhere(radius)


def starts_of(way: Way, noise: Noise, radius_number: int, restart: int, chosen: Chosen) -> Starts:
    """Where an attempt along a way starts at the chosen points, at the radius and the start of these numbers."""
    random = RandomStarts(noise, radius_number, restart, chosen)
    return random if way.toward is None else Toward(chosen.of(way.toward[restart % len(way.toward)]), random)


@dataclass(frozen=True, eq=False)
class AtThePoints:
    """Every attempt starts at the points; one without a gradient starts there again."""

    zeros: Tensor
    """[S, D, N]: no perturbation"""

    def first(self, radius: Length) -> Tensor | None:
        """The points."""
        return None

    def elsewhere(self, radius: Length) -> Tensor:
        """[S, D, N]: the points again."""
        return self.zeros


def drawn(seeds: Sequence[int], target: int, shape: tuple[int, int], precision: Precision) -> Noise:
    """Normals [S, *shape] on the CPU."""

    def noise(radius_number: int, restart: int) -> Tensor:
        return torch.stack(
            [normal(generator(seed, Stream.ATTACK, target, radius_number, restart), shape, precision) for seed in seeds]
        )

    return noise


def climb(
    way: Way,
    radius: Length,
    steps: int,
    starts: Starts,
    wanted: Tensor,
    stop: Stop | None = None,
    keep: bool = False,
) -> Climbed:
    """One attempt of `steps` steps at radii > 0 on the points `wanted` [S, N] of a way's landscape. Raises Stopped."""
    attempt = _Attempt(way, radius, starts, wanted, keep)
    look_every = way.landscape.economy.look_every
    for step, length in enumerate(way.lengths(steps)):
        check(stop)
        attempt.step(length)
        if step % look_every == look_every - 1 and not attempt.drop_done():
            return attempt.ended
    check(stop)
    attempt.look()
    attempt.write_down()
    return attempt.ended


class _Attempt:
    """One attempt: the state of the points at work, and how it ended for the others."""

    def __init__(self, way: Way, radius: Length, starts: Starts, wanted: Tensor, keep: bool) -> None:
        self.landscape, self.radius, self.starts = way.landscape, radius, starts
        self.region = self.landscape.region
        start = starts.first(radius)
        self.perturbation = self.landscape.zeros() if start is None else self.region.inside(start, radius)
        self.room = torch.empty_like(self.perturbation)  # [S', D, N'] to work in
        self.score = torch.full_like(self.perturbation[:, 0], torch.inf)  # [S', N'], the lowest so far
        self.margins = self.score.repeat(self.landscape.verdicts, 1, 1)  # [V, S', N']
        self.best = self.perturbation.clone() if keep else None  # [S', D, N']
        self.blind = torch.ones_like(wanted)  # [S', N']
        self.done, self.resting = ~wanted, torch.zeros_like(wanted)
        runs, points = wanted.shape
        everywhere = torch.arange(points, device=wanted.device).expand(runs, points)
        self.at = Chosen(torch.arange(runs, device=wanted.device), everywhere, wanted)
        kept = None if self.best is None else self.best.clone()
        self.ended = Climbed(self.margins.clone(), self.blind.clone(), torch.zeros_like(self.perturbation), kept)

    def look(self) -> Tensor:
        """Keep the best iterate and see which points are done; the gradient [S', D, N']."""
        look = self.landscape.look(self.perturbation)
        if self.best is not None:
            self.best = torch.where((look.score < self.score).unsqueeze(1), self.perturbation, self.best)
        if look.margins is not None:
            self.margins = torch.where(look.score < self.score, look.margins, self.margins)
        self.score = torch.fmin(look.score, self.score)
        if look.margins is None:
            self.margins = self.score.unsqueeze(0)
        self.done |= self.resting | (self.score <= self.landscape.goal)
        return look.gradient

    def step(self, share: float) -> None:
        """Go this share of the radius against the gradient and back inside; points that are done stay."""
        gradient = self.look()
        moved = self.region.step(self.perturbation, gradient, share * self.radius, self.radius, self.done, self.room)
        self.perturbation = moved.perturbation
        if moved.usable is None:
            self.blind.zero_()
        else:
            self._go_elsewhere(moved.usable)
        if moved.resting is not None:
            self.resting = moved.resting

    def _go_elsewhere(self, usable: Tensor) -> None:
        """Where there is no gradient and work left, go on from another point of the ball."""
        self.blind &= ~usable
        lost = ~usable & ~self.done  # [S', N']
        if bool(lost.any()):
            elsewhere = self.region.inside(self.at.of(self.starts.elsewhere(self.radius)), self.radius)
            self.perturbation = torch.where(lost.unsqueeze(1), elsewhere, self.perturbation)

    def drop_done(self) -> bool:
        """Write down and drop the points that are done, where enough of them are; false when none is left."""
        counts, everything = (~self.done).sum(dim=1), self.done.numel()  # [S']
        at_work = int(counts.max()) * int(counts.count_nonzero())
        if at_work == everything or at_work > (1 - self.landscape.economy.spare) * everything:
            return True
        left = choose(~self.done)
        self.write_down()
        if left is None:
            return False
        self._take(left)
        return True

    def _take(self, left: Chosen) -> None:
        """Go on with some of the points."""
        self.landscape, self.region = self.landscape.take(left), self.region.take(left)
        if isinstance(self.radius, Tensor):
            self.radius = self.radius[left.runs]
        self.perturbation = left.of(self.perturbation)
        self.room = torch.empty_like(self.perturbation)
        self.best = None if self.best is None else left.of(self.best)
        self.score, self.margins = left.of(self.score), torch.stack([left.of(margins) for margins in self.margins])
        self.blind, self.resting, self.done = left.of(self.blind), left.of(self.resting), ~left.wanted
        self.at = Chosen(self.at.runs[left.runs], left.of(self.at.points), left.wanted)

    def write_down(self) -> None:
        """How it stands for the points at work."""
        runs, points = self.at.runs.unsqueeze(1), self.at.points  # [S', 1], [S', N']
        self.ended.margins[:, runs, points] = self.margins
        self.ended.blind[runs, points] = self.blind
        self.ended.last.mT[runs, points] = self.perturbation.mT
        if self.ended.kept is not None and self.best is not None:
            self.ended.kept.mT[runs, points] = self.best.mT
