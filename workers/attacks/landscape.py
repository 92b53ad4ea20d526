"""What attacks go over: the contract of landscapes, of the regions that perturbations keep to, and of victims.

Perturbations are [S, D, N]: runs by coordinates by points, in whatever coordinates a landscape offers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from phaselab.domain.results.results import READOUTS, Readout

Length = float | Tensor
"""A radius or the length of a step: one for all runs, or [S, 1]."""
Noise = Callable[[int, int], Tensor]
"""Of radius number and restart: standard normals [S, D + 2, N], always the same ones."""
StepLengths = Callable[[int], Sequence[float]]
"""Of a number of steps: the length of each, over the radius."""


class Chosen(NamedTuple):
    """Some points of some runs. Runs with fewer points than others are filled up with points that are not `wanted`."""

    runs: Tensor
    """[S'] long"""
    points: Tensor
    """[S', N'] long, no point twice"""
    wanted: Tensor
    """[S', N'] bool"""

    def of(self, values: Tensor) -> Tensor:
        """Of values [S, N] or [S, D, N] those of the chosen points, in the same order in memory."""
        if values.dim() == 3 and values.stride(1) == 1:  # a point's numbers lie side by side: whole rows are taken
            return values.mT[self.runs.unsqueeze(1), self.points].mT
        rows = values[self.runs]
        if values.dim() == 2:
            return rows.gather(-1, self.points)
        return rows.gather(-1, self.points.unsqueeze(1).expand(-1, values.shape[1], -1))


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


class Step(NamedTuple):
    """Where a step has led."""

    perturbation: Tensor
    """[S, D, N]"""
    usable: Tensor | None
    """[S, N] bool: there was a gradient to follow; null where there was for all points"""
    resting: Tensor | None
    """[S, N] bool: further steps lead nowhere; null where that is not known of any point"""


class Region(Protocol):
    """Where perturbations may be: steps and projections."""

    def inside(self, perturbation: Tensor, radius: Length) -> Tensor:
        """[S, D, N]: perturbations of the ball of this radius, moved to where they may be."""

    def step(
        self, perturbation: Tensor, gradient: Tensor, length: Length, radius: Length, still: Tensor, room: Tensor
    ) -> Step:
        """Go `length` against the gradient and back inside, points that are `still` [S, N] or have no gradient left
        where they are. May change the perturbation [S, D, N] in place; `room` has its shape and may be written on.
        """

    def take(self, chosen: Chosen) -> "Region":
        """The region of the chosen runs and points."""


@dataclass(frozen=True)
class Economy:
    """How a landscape is best looked at; it changes no result but for rounding."""

    at_once: int | None
    """Most points of a run to attack together; null for all"""
    look_every: int
    """Steps between two looks at how many points are done"""
    spare: float
    """Share of points that are done, from which on it pays to go on with the others alone"""
    together: int | None = None
    """Most points of several runs to attack together, of one run more; null for all"""


class Landscape(Protocol):
    """S runs with N points each, attacked in D coordinates."""

    @property
    def goal(self) -> float:
        """A point of this score or less is broken for good."""

    @property
    def verdicts(self) -> int:
        """Number V of the margins that decide."""

    @property
    def region(self) -> Region:
        """Where perturbations may be."""

    @property
    def economy(self) -> Economy:
        """How it is best looked at."""

    def zeros(self) -> Tensor:
        """[S, D, N]: no perturbation."""

    def clean(self) -> Tensor:
        """[V, S, N]: the margins that decide, without perturbation."""

    def look(self, perturbation: Tensor) -> Look:
        """Score, gradient and margins at perturbations [S, D, N]."""

    def safe_radius(self) -> Tensor:
        """[S, N]: no perturbation of this length or less breaks the point by any verdict; 0 where nothing is known."""

    def take(self, chosen: Chosen) -> "Landscape":
        """The landscape of the chosen runs and points."""


TARGETS = (*READOUTS, "own loss")
"""What `pgd` and `pgd_native` lower; the position of a target is part of the recipe, for it keys the random starts."""
STEP = 2.5
"""Length of all equal steps together, in radii."""


def equal_steps(steps: int) -> Sequence[float]:
    """[steps] of 2.5 / steps each."""
    return [STEP / steps] * steps


@dataclass(frozen=True, eq=False)
class Way:
    """How an attempt goes: over which landscape, by which steps."""

    landscape: Landscape
    lengths: StepLengths = equal_steps
    toward: Tensor | None = None
    """[L, S, D, N]: perturbations to start at, cut down to the radius, start after start; null for the points"""


@dataclass(frozen=True, eq=False)
class Objective:
    """What an attack lowers: from every start it tries each of the ways, which have the same points and verdicts."""

    target: int
    """Its number: keys the random starts and the checkpoint"""
    ways: Sequence[Way]


class Again(NamedTuple):
    """What perturbations do to points, predicted again from the inputs."""

    before: Tensor
    """[S', N'] margin of the point"""
    after: Tensor
    """[S', N'] margin of the perturbed point"""
    length: Tensor
    """[S', N'] of the perturbation of the input; infinite where it leads out of the box"""


class Victim(Protocol):
    """S trained networks of one shape and N test points each."""

    @property
    def readouts(self) -> Sequence[Readout]:
        """The readouts that are different functions: with two groups both are f_0 - f_1, and `sum` stands for both."""

    @property
    def boxed(self) -> bool:
        """Whether perturbations keep inside a box, of which exact radii take no note."""

    @property
    def side(self) -> Tensor:
        """[S, N] +1 or -1: the classes of the test points."""

    def readout(self, readout: Readout) -> Objective:
        """What `pgd` does; the same ways whenever asked."""

    def own_loss(self) -> Objective:
        """What `pgd_native` does, with both readouts as verdicts, or one where they are the same function. Its ways are
        among those of the readout where the own loss moves with it."""

    def noise(self, target: int) -> Noise:
        """Normals [S, D + 2, N] keyed by each run's seed, the target, the radius's number and the restart."""

    def again(self, readout: Readout, chosen: Chosen, perturbation: Tensor) -> Again:
        """Predict the chosen points and their perturbations [S', D, N'] again, by another way than the landscapes."""

    def lines(self, points: int) -> "LineSearch | None":
        """Searches on straight lines from the first test points; null where there are none."""


class LineSearch(Protocol):
    """Upper bounds of robust radii without any attack."""

    def flips(self, readout: Readout, farthest: float) -> Tensor:
        """[S, N]: a distance at which the point is broken, 0 for a wrong one; infinity where none was found up to
        `farthest`."""

    def perturbations(self, readout: Readout, farthest: float) -> Tensor:
        """[S, D, N]: what breaks the points there, in the victim's coordinates; zero where nothing does."""
