"""Any network on its inputs, as the attacks see it: inside the ball and inside a box of values, such as pixels have.

A step leaves out the numbers that are at their bound and would be pushed beyond. An attack on a readout makes a second
attempt from every start, with steps that shrink, which breaks more far from the input.
Derivation: docs/methods/images.md.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from phaselab.domain.results.results import READOUTS, Decision, Readout
from phaselab.workers.attacks.climb import drawn
from phaselab.workers.attacks.landscape import TARGETS, Again, Chosen, Economy, Look, Noise, Objective, Way
from phaselab.workers.attacks.regions import BallInBox
from phaselab.workers.data.image_data import Box
from phaselab.workers.networks.groups import label_margin, lead, read_out

SHORTEST = 0.01
"""The last of shrinking steps, over the radius."""
SLACK = 1e-4
"""By which share of its range a number may leave the box: rounding, in float32."""

Outputs = Callable[[Tensor], Tensor]
"""Inputs [N, d] -> outputs of the label groups [c, N], the groups of side +1 first; differentiable."""


def shrinking_steps(steps: int) -> Sequence[float]:
    """[steps] from 1 down to SHORTEST by a cosine."""
    return [SHORTEST + (1 - SHORTEST) * (1 + math.cos(math.pi * step / steps)) / 2 for step in range(steps)]


@dataclass(frozen=True, eq=False)
class InputPoints:
    """One network and the inputs that it is attacked on."""

    outputs: Outputs
    groups: int
    positive_groups: int
    inputs: Tensor
    """[N, d]"""
    side: Tensor
    """[N] +1 or -1 in the number format of the inputs"""
    label: Tensor
    """[N] long"""
    box: Box
    at_once: int
    """Inputs that go through the network together"""

    def take(self, points: Tensor) -> "InputPoints":
        """Some of the inputs, by number."""
        return replace(self, inputs=self.inputs[points], side=self.side[points], label=self.label[points])

    def margins(self, outputs: Tensor) -> Tensor:
        """[c, N] -> [2, N]: y times the sum and the max readout."""
        return torch.stack([read_out(outputs, self, readout) for readout in READOUTS]) * self.side

    @cached_property
    def seen(self) -> Tensor:
        """[c, N]: the outputs without perturbation."""
        with torch.no_grad():
            return torch.cat([self.outputs(part) for part in torch.split(self.inputs, self.at_once)], dim=1)

    @cached_property
    def clean(self) -> Tensor:
        """[2, N]: the margins of both readouts without perturbation."""
        return self.margins(self.seen)

    @property
    def accuracy(self) -> Mapping[Decision, Tensor]:
        """[1] per decision: share of the inputs that are right without perturbation."""
        margins = torch.cat([self.clean, label_margin(self.seen, self.label).unsqueeze(0)])  # [3, N]
        right = (margins > 0).double().mean(dim=1, keepdim=True)  # [3, 1]
        return dict(zip((*READOUTS, "label"), right, strict=True))


@dataclass(frozen=True, eq=False)
class _OnInputs(ABC):
    """What all landscapes on inputs share; perturbations are [1, d, N]."""

    points: InputPoints

    @abstractmethod
    def judge(self, points: InputPoints, outputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """Score [N] and margins [V, N], null where the score decides, from outputs [c, N]."""

    @property
    def region(self) -> BallInBox:
        """Perturbations that keep the inputs in their box."""
        box = self.points.box
        return BallInBox(_beside(self.points.inputs), box.low.unsqueeze(1), box.high.unsqueeze(1))

    @property
    def economy(self) -> Economy:
        """A look is dear."""
        return Economy(self.points.at_once, look_every=1, spare=0.0)

    def zeros(self) -> Tensor:
        """[1, d, N]: no perturbation."""
        return torch.zeros_like(_beside(self.points.inputs))

    @torch.enable_grad()
    def look(self, perturbation: Tensor) -> Look:
        """Score, gradient and margins at perturbations [1, d, N]."""
        points = self.points
        moved = points.inputs + perturbation[0].T  # [N, d]
        moved = moved.clamp(points.box.low, points.box.high).detach().requires_grad_()
        score, margins = self.judge(points, points.outputs(moved))
        (gradient,) = torch.autograd.grad(score.sum(), moved)
        deciding = None if margins is None else margins.detach().unsqueeze(1)
        return Look(score.detach().unsqueeze(0), _beside(gradient), deciding)

    def safe_radius(self) -> Tensor:
        """[1, N] zeros: of a network in general nothing is known."""
        return self.points.inputs.new_zeros(1, len(self.points.inputs))

    def take(self, chosen: Chosen) -> Self:
        """The landscape of the chosen points."""
        return replace(self, points=self.points.take(chosen.points[0]))


@dataclass(frozen=True, eq=False)
class InputMargin(_OnInputs):
    """A readout: score and margin are y times it."""

    readout: Readout
    goal = 0.0
    verdicts = 1

    def judge(self, points: InputPoints, outputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """The margin [N] of outputs [c, N]."""
        return points.margins(outputs)[READOUTS.index(self.readout)], None

    def clean(self) -> Tensor:
        """[1, 1, N]: the margin without perturbation."""
        return self.points.clean[READOUTS.index(self.readout)].view(1, 1, -1)


@dataclass(frozen=True, eq=False)
class InputOwnLoss(_OnInputs):
    """The network's own loss at the label group, and both readouts' margins as verdicts.

    The score is the own label's output less the logsumexp of the others, which falls as the cross-entropy rises, and
    whose gradient never underflows.
    """

    goal = -torch.inf
    verdicts = len(READOUTS)

    def judge(self, points: InputPoints, outputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """The score [N] and the margins [2, N] of outputs [c, N]."""
        return lead(outputs, points.label), points.margins(outputs)

    def clean(self) -> Tensor:
        """[2, 1, N]: the margins without perturbation."""
        return self.points.clean.unsqueeze(1)


@dataclass(frozen=True, eq=False)
class InputVictim:
    """One network whose inputs have a box."""

    points: InputPoints
    seed: int
    """Of the run"""
    boxed = True

    @property
    def side(self) -> Tensor:
        """[1, N] +1 or -1."""
        return self.points.side.unsqueeze(0)

    @property
    def readouts(self) -> Sequence[Readout]:
        """The readouts that are different functions."""
        return READOUTS if self.points.groups > 2 else READOUTS[:1]

    def readout(self, readout: Readout) -> Objective:
        """By equal steps, then by steps that shrink."""
        return self._objectives[readout]

    def own_loss(self) -> Objective:
        """The own loss by equal steps. With two groups it is the readout, and attacked as that is."""
        if len(self.readouts) == 1:
            return self.readout("sum")
        return Objective(TARGETS.index("own loss"), [Way(InputOwnLoss(self.points))])

    def noise(self, target: int) -> Noise:
        """Normals [1, d + 2, N], drawn point by point."""
        inputs = self.points.inputs
        by_point = drawn([self.seed], target, (len(inputs), inputs.shape[1] + 2), torch.float32)
        return lambda radius_number, restart: by_point(radius_number, restart).to(inputs).mT

    def again(self, readout: Readout, chosen: Chosen, perturbation: Tensor) -> Again:
        """The network asked again."""
        points, moved = self.points.take(chosen.points[0]), perturbation[0].T  # [N', d]
        inputs, low, high = points.inputs + moved, points.box.low, points.box.high
        slack = SLACK * (high - low)
        outside = ((inputs < low - slack) | (inputs > high + slack)).any(dim=1)  # [N']
        number = READOUTS.index(readout)
        before, after = points.clean[number], replace(points, inputs=inputs).clean[number]  # [N']
        length = moved.norm(dim=1).masked_fill(outside, torch.inf)
        return Again(before.unsqueeze(0), after.unsqueeze(0), length.unsqueeze(0))

    def lines(self, points: int) -> None:
        """None: a centre of images need not look like one, and nothing is exact on a line."""

    @cached_property
    def _objectives(self) -> dict[Readout, Objective]:
        ways = {readout: InputMargin(self.points, readout) for readout in READOUTS}
        return {
            readout: Objective(TARGETS.index(readout), [Way(margin), Way(margin, shrinking_steps)])
            for readout, margin in ways.items()
        }


def _beside(values: Tensor) -> Tensor:
    """[N, d] -> [1, d, N], in the same order in memory."""
    return values.T.unsqueeze(0)
