"""The attack: projected gradient descent on a score, for many runs, points and radii, in whatever coordinates a
landscape offers.

Perturbations are [S, D, N]: runs by coordinates by points. Each step goes 2.5 * radius / steps against the
gradient's direction and back onto the ball; the iterate of lowest score decides. Radii are tried in ascending order
and a point that broke at one is broken at all larger ones, so a curve never rises and each radius only attacks what
is left that a bound does not declare safe. A point stops early once it reached its goal, or once it sits on the sphere
exactly opposite to its gradient (cosine -1 within ALIGNED), from where further steps lead nowhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from phaselab.domain.results.states import Stage
from phaselab.workers.base.progress import tell
from phaselab.workers.base.stop import Stop, check

STEP = 2.5
"""Length of all steps together, in radii."""
ALIGNED = 4e-6
"""How far from -1 the cosine of perturbation and gradient may be where a point rests: rounding, in float32."""
LOOK_EVERY = 4
"""Steps between two looks at how many points are left."""
KEEP_ABOVE = 0.75
"""Share of points still at work above which dropping the others does not pay."""


@dataclass(frozen=True, eq=False)
class Look:
    """What a landscape shows at perturbations [S, D, N]."""

    score: Tensor
    """[S, N]: what the attack lowers"""
    gradient: Tensor
    """[S, D, N]: direction of the score's gradient; its length does not matter"""
    margins: Tensor | None = None
    """[V, S, N]: what decides, per verdict, where that is not the score itself. A point is broken where its margin
    is not above 0"""

    @property
    def verdicts(self) -> Tensor:
        """[V, S, N]: the margins that decide."""
        return self.score.unsqueeze(0) if self.margins is None else self.margins


class Chosen(NamedTuple):
    """Some points of some runs. Runs with fewer points than others are filled up with points that are not `wanted`."""

    runs: Tensor
    """[S'] long"""
    points: Tensor
    """[S', N'] long, no point twice"""
    wanted: Tensor
    """[S', N'] bool"""

    def of(self, values: Tensor) -> Tensor:
        """Of values [S, N] or [S, D, N] those of the chosen points."""
        rows = values[self.runs]
        if values.dim() == 2:
            return rows.gather(-1, self.points)
        return rows.gather(-1, self.points.unsqueeze(1).expand(-1, values.shape[1], -1))


class Landscape(Protocol):
    """S runs with N points each, attacked in D coordinates. `goal` is a score at which nothing is left to gain."""

    @property
    def goal(self) -> float:
        """A point of this score or less is broken for good."""

    def zeros(self) -> Tensor:
        """[S, D, N]: no perturbation."""

    def look(self, perturbation: Tensor) -> Look:
        """Score, gradient and margins at perturbations [S, D, N]."""

    def safe_radius(self) -> Tensor:
        """[S, N]: no perturbation of this length or less breaks the point by any verdict; 0 where nothing is known."""

    def take(self, chosen: Chosen) -> "Landscape":
        """The landscape of the chosen runs and points."""


Noise = Callable[[int, int], Tensor]
"""Of radius number and restart: standard normals [S, D + 2, N], always the same ones."""


@dataclass(frozen=True, eq=False)
class Broken:
    """How an attack over ascending radii ended."""

    first: Tensor
    """[V, S, N] long: number of the first radius that broke the point; the count of radii where none did"""
    blind: Tensor
    """[S, N] bool: from some start, which did not break the point, no attempt ever had a gradient to follow"""

    def or_by(self, other: "Broken") -> "Broken":
        """Broken by either of two attacks from the same starts."""
        return Broken(torch.minimum(self.first, other.first), self.blind & other.blind)

    def accuracy(self, radii: int) -> Tensor:
        """[V, S, radii]: share of points not broken."""
        numbers = torch.arange(radii, device=self.first.device)
        return (self.first.unsqueeze(-1) > numbers).double().mean(dim=-2)


@dataclass(frozen=True, eq=False)
class Climbed:
    """How an attack at one radius ended."""

    margins: Tensor
    """[V, S, N] at the iterate of lowest score"""
    perturbation: Tensor
    """[S, D, N]: the last iterate; where the goal was reached, the one that reached it"""
    blind: Tensor
    """[S, N] bool: there never was a gradient to follow"""

    def or_by(self, other: "Climbed") -> "Climbed":
        """The better of two attempts, by the first verdict."""
        better = other.margins[0] < self.margins[0]  # [S, N]
        return Climbed(
            torch.where(better, other.margins, self.margins),
            torch.where(better.unsqueeze(1), other.perturbation, self.perturbation),
            self.blind & other.blind,
        )


class Starts(Protocol):
    """Where an attempt starts, and where it goes on from a point without a gradient."""

    def first(self, radius: float) -> Tensor | None:
        """[S, D, N] where the attempt starts; null for the points themselves."""

    def elsewhere(self, radius: float) -> Tensor:
        """[S, D, N] random points of the ball."""


def break_points(
    ways: Sequence[Landscape],
    radii: Sequence[float],
    steps: int,
    restarts: int,
    noise: Noise,
    stop: Stop | None = None,
) -> Broken:
    """Attack at ascending radii with `restarts` starts each: the first at the point, the others random in the ball.

    From every start one attempt along each of `ways`: landscapes of the same points and verdicts, which differ in
    the gradient that they show.
    """
    clean = ways[0].look(ways[0].zeros()).verdicts  # [V, S, N]
    first, safe = torch.where(clean > 0, len(radii), 0), ways[0].safe_radius()
    blind = torch.zeros_like(first[0], dtype=torch.bool)
    for i, radius in enumerate(radii):
        tell(Stage.ATTACK, i, len(radii))
        for restart in range(restarts if radius > 0 else 0):
            unseen = (first == len(radii)).any(dim=0) & (safe < radius)  # [S, N]
            for way in ways:
                left = choose((first == len(radii)).any(dim=0) & (safe < radius))
                if left is None:
                    break
                starts = RandomStarts(noise, i, restart, left)
                ended = climb(way.take(left), radius, steps, starts, left.wanted, stop)
                runs = left.runs.unsqueeze(1)  # [S', 1]
                known = first[:, runs, left.points]  # [V, S', N']
                broken = (ended.margins <= 0) & left.wanted  # [V, S', N']
                first[:, runs, left.points] = torch.where(broken, known.clamp_max(i), known)
                unseen[runs, left.points] &= ended.blind
            blind |= unseen & (first == len(radii)).any(dim=0)
    return Broken(first, blind)


@dataclass(frozen=True, eq=False)
class RandomStarts:
    """Random points of the ball for the chosen points of one attempt; a first attempt starts at the points."""

    noise: Noise
    radius_number: int
    restart: int
    chosen: Chosen

    def first(self, radius: float) -> Tensor | None:
        """[S', D, N'] where the attempt starts; null for the points themselves."""
        return self.elsewhere(radius) if self.restart else None

    def elsewhere(self, radius: float) -> Tensor:
        """[S', D, N'] random points of the ball: the first D of D + 2 coordinates of a point uniform on the sphere
        in R^(D + 2) are uniform in the ball of R^D.
        """
        normals = self.chosen.of(self.noise(self.radius_number, self.restart))  # [S', D + 2, N']
        return normals[:, :-2] * (radius / normals.square().sum(dim=1, keepdim=True).sqrt())


def climb(
    landscape: Landscape, radius: float, steps: int, starts: Starts, wanted: Tensor, stop: Stop | None = None
) -> Climbed:
    """One attempt of `steps` steps at one radius > 0 on the points `wanted` [S, N] of a landscape."""
    attempt = _Attempt(landscape, radius, starts, wanted)
    for step in range(steps):
        check(stop)
        attempt.step(STEP * radius / steps)
        if step % LOOK_EVERY == LOOK_EVERY - 1 and not attempt.drop_done():
            return attempt.ended
    attempt.look()
    attempt.write_down()
    return attempt.ended


class _Attempt:
    """One attempt: the state of the points at work, and how it ended for the others."""

    def __init__(self, landscape: Landscape, radius: float, starts: Starts, wanted: Tensor) -> None:
        self.landscape, self.radius, self.starts = landscape, radius, starts
        start = starts.first(radius)
        self.perturbation = landscape.zeros() if start is None else start  # [S', D, N']
        self.squares = torch.empty_like(self.perturbation)  # room to work in
        self.margins = torch.full_like(landscape.look(self.perturbation).verdicts, torch.inf)  # [V, S', N']
        self.score = torch.full_like(self.margins[0], torch.inf)  # [S', N'], the lowest so far
        self.blind = torch.ones_like(wanted)  # [S', N']
        self.resting = torch.zeros_like(wanted)
        self.done = ~wanted
        runs, points = wanted.shape
        everywhere = torch.arange(points, device=wanted.device).expand(runs, points)
        self.at = Chosen(torch.arange(runs, device=wanted.device), everywhere, wanted)
        self.ended = Climbed(self.margins.clone(), self.perturbation.clone(), self.blind.clone())

    def look(self) -> Tensor:
        """Keep the best iterate's margins and see which points are done; the gradient [S', D, N']."""
        look = self.landscape.look(self.perturbation)
        if look.margins is not None:
            self.margins = torch.where(look.score < self.score, look.margins, self.margins)
        self.score = torch.fmin(look.score, self.score)
        if look.margins is None:
            self.margins = self.score.unsqueeze(0)
        self.done |= self.resting | (self.score <= self.landscape.goal)
        return look.gradient

    def step(self, length: float) -> None:
        """Go `length` against the gradient and back onto the ball; points that are done stay."""
        gradient = self.look()
        rate = length / torch.mul(gradient, gradient, out=self.squares).sum(dim=1).sqrt_()  # [S', N']
        usable = (rate > 0) & (rate < torch.inf)
        if not bool(usable.all()):
            gradient = self._go_elsewhere(gradient, usable)
        self.blind &= ~usable
        self.perturbation.addcmul_(gradient, rate.masked_fill_(self.done | ~usable, 0.0).unsqueeze(1), value=-1)
        square = torch.mul(self.perturbation, self.perturbation, out=self.squares).sum(dim=1)  # [S', N']
        reach = self.radius + length  # where a point of the sphere opposite to its gradient gets
        self.resting = square > reach**2 - 2 * self.radius * length * ALIGNED  # 1 + cosine < ALIGNED
        self.perturbation.mul_(square.rsqrt_().mul_(self.radius).clamp_max_(1.0).unsqueeze(1))

    def _go_elsewhere(self, gradient: Tensor, usable: Tensor) -> Tensor:
        """Where there is no gradient and work left, go on from a random point of the ball."""
        lost = (~usable & ~self.done).unsqueeze(1)  # [S', 1, N']
        if bool(lost.any()):
            self.perturbation = torch.where(lost, self.at.of(self.starts.elsewhere(self.radius)), self.perturbation)
        return torch.where(usable.unsqueeze(1), gradient, 0.0)

    def drop_done(self) -> bool:
        """Write down and drop the points that are done, where enough of them are; false when none is left."""
        counts = (~self.done).sum(dim=1)  # [S']
        if int(counts.max()) * int(counts.count_nonzero()) > KEEP_ABOVE * self.done.numel():
            return True
        left = choose(~self.done)
        self.write_down()
        if left is None:
            return False
        self.landscape = self.landscape.take(left)
        self.squares = left.of(self.squares)
        self.perturbation, self.score = left.of(self.perturbation), left.of(self.score)
        self.margins = torch.stack([left.of(margins) for margins in self.margins])
        self.blind, self.resting, self.done = left.of(self.blind), left.of(self.resting), ~left.wanted
        self.at = Chosen(self.at.runs[left.runs], left.of(self.at.points), left.wanted)
        return True

    def write_down(self) -> None:
        """How it stands for the points at work."""
        runs, points = self.at.runs.unsqueeze(1), self.at.points  # [S', 1], [S', N']
        self.ended.margins[:, runs, points] = self.margins
        self.ended.blind[runs, points] = self.blind
        for run, places, values in zip(self.at.runs.tolist(), points, self.perturbation, strict=True):
            self.ended.perturbation[run][:, places] = values


def choose(wanted: Tensor) -> Chosen | None:
    """The points of runs where `wanted` [S, N] is true; null if there is none."""
    counts = wanted.sum(dim=1)  # [S]
    runs = counts.nonzero().squeeze(1)  # [S']
    if len(runs) == 0:
        return None
    most, wanted = int(counts.max()), wanted[runs]
    if most == wanted.shape[1]:
        return Chosen(runs, torch.arange(most, device=wanted.device).expand(len(runs), most), wanted)
    points = wanted.byte().argsort(dim=1, descending=True, stable=True)[:, :most]  # [S', N']
    return Chosen(runs, points, wanted.gather(1, points))
