"""The attack of adversarial training: every training point is moved to where its own loss is larger, step after step.

It is the same for every family: `ATTACK_STEPS` steps of 2.5 * radius / steps against the gradient's direction of a
score that falls as the loss rises, from the point itself, each back into the ball (and the box of images); of the
iterates and the point the one of lowest score is trained on. A point without a direction starts again at itself. Here
it stands twice: on the inputs, by the loop of all attacks, and in the span of a first layer's weights. Derivation:
docs/methods/training.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from phaselab.domain.families.adversarial import ATTACK_STEPS
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.attacks.climb import AtThePoints, climb
from phaselab.workers.attacks.inputs import InputOwnLoss, InputPoints
from phaselab.workers.attacks.landscape import Way, equal_steps
from phaselab.workers.base.stop import Stop
from phaselab.workers.data import image_data
from phaselab.workers.data.image_data import Box
from phaselab.workers.data.sources import source_of

Score = Callable[[Tensor], Tensor]
"""Pre-activations [..., M, N] -> scores [..., N], which fall as the loss rises; differentiable."""


def has_directions(settings: Settings, steps_taken: int) -> bool:
    """Whether there is anything to attack before a step: pairs start with outputs that are 0 whatever the input, and
    what gradients they have is rounding."""
    return steps_taken > 0 or settings.network.symmetric == "none"


def moved(landscape: InputOwnLoss, radius: float, stop: Stop | None) -> Tensor:
    """[N, d]: the inputs of a landscape, moved by up to the radius against its score. Raises Stopped."""
    inputs = landscape.points.inputs
    everything = torch.ones(1, len(inputs), dtype=torch.bool, device=inputs.device)
    starts = AtThePoints(landscape.zeros())
    ended = climb(Way(landscape), radius, ATTACK_STEPS, starts, everything, stop, keep=True)
    return inputs + ended.perturbation[0].T


@dataclass(frozen=True, eq=False)
class FirstLayer:
    """A network with a linear first layer, as it is at a step of training."""

    weights: Tensor
    """[M, e'']"""
    bias: Tensor
    """[M]"""
    above: Callable[[Tensor], Tensor]
    """Pre-activations [M, N] -> outputs of the label groups [c, N]"""
    score: Callable[[Tensor, Tensor], Tensor]
    """Outputs [c, N] and labels [N] -> [N]: what falls as the loss rises"""

    def outputs(self, inputs: Tensor) -> Tensor:
        """Inputs [N, e''] -> [c, N]"""
        return self.above(functional.linear(self.weights, inputs) + self.bias.unsqueeze(-1))


@dataclass(frozen=True, eq=False)
class InputTrainedLoss(InputOwnLoss):
    """The loss that a network with a linear first layer is trained by."""

    layer: FirstLayer

    def judge(self, points: InputPoints, outputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """The score [N] and the margins [2, N] of outputs [c, N]."""
        return self.layer.score(outputs, points.label), points.margins(outputs)


class OnInputs:
    """The attack on the training points of a run, in the coordinates that they are given in and beyond."""

    def __init__(self, run: Run, inputs: Tensor, groups: int, positive_groups: int) -> None:
        self._radius = run.settings.training.adversarial_radius or 0.0
        self._groups, self._positive_groups = groups, positive_groups
        boxed = source_of(run.settings).boxed
        self._box = image_data.box(run.settings.data, inputs) if boxed else None

    def __call__(self, inputs: Tensor, label: Tensor, layer: FirstLayer, stop: Stop | None) -> Tensor:
        """Inputs [N, e] and labels [N] -> [N, e'']: the inputs, moved; as they are where training is not adversarial.
        Raises Stopped."""
        if not self._radius:
            return inputs
        inputs = functional.pad(inputs, (0, layer.weights.shape[1] - inputs.shape[1]))  # [N, e'']
        side, box = torch.ones_like(inputs[:, 0]), _endless(inputs) if self._box is None else self._box
        points = InputPoints(layer.outputs, self._groups, self._positive_groups, inputs, side, label, box, len(inputs))
        return moved(InputTrainedLoss(points, layer), self._radius, stop)


class InSpan(NamedTuple):
    """Where the attack has led, of points that a first layer sees."""

    seen: Tensor
    """[..., M, N]: their pre-activations"""
    mixing: Tensor
    """B [..., M, N]: the perturbations, W^T B"""


def in_span(seen: Tensor, factor: Tensor, judge: Score, radius: float) -> InSpan:
    """The attack on points by their pre-activations [..., M, N], a factor L [..., M, D] of the weights, W = L Q with Q
    of orthonormal rows, and the score.

    The gradient by the input is W^T g, g being that by the pre-activations. So perturbations are W^T B = Q^T u, with
    u = L^T B as long as they are; they move the pre-activations by L u.
    """
    ascent = _Ascent(seen, factor, judge, radius)
    for share in equal_steps(ATTACK_STEPS):
        ascent.step(share * radius)
    ascent.look()
    return InSpan(*ascent.best)


class _Ascent:
    """The attack in the span, on its way."""

    def __init__(self, seen: Tensor, factor: Tensor, judge: Score, radius: float) -> None:
        self._clean, self._factor, self._judge, self._radius = seen, factor, judge, radius
        self._mixing = torch.zeros_like(seen)  # B [..., M, N]
        self._perturbation = factor.mT @ self._mixing  # u [..., D, N]
        self._lowest = torch.full_like(seen[..., 0, :], torch.inf)  # [..., N]
        self.best = seen, self._mixing
        """The pre-activations and B where the score was lowest"""

    def look(self) -> Tensor:
        """Keep where the score is lowest; its gradient by the pre-activations, [..., M, N]."""
        with torch.enable_grad():
            at = (self._clean + self._factor @ self._perturbation).detach().requires_grad_()
            values = self._judge(at)  # [..., N]
            (slope,) = torch.autograd.grad(values.sum(), at)
        values, at = values.detach(), at.detach()
        lower = (values < self._lowest).unsqueeze(-2)  # [..., 1, N]
        self.best = torch.where(lower, at, self.best[0]), torch.where(lower, self._mixing, self.best[1])
        self._lowest = torch.fmin(values, self._lowest)
        return slope

    def step(self, length: float) -> None:
        """Go so far against the gradient and back into the ball; a point without a direction to itself."""
        slope = self.look()
        toward = self._factor.mT @ slope  # [..., D, N]
        rate = length / _norm(toward)  # [..., 1, N]
        leads = (rate > 0) & rate.isfinite()
        mixing = torch.where(leads, self._mixing - rate * slope, 0.0)
        perturbation = torch.where(leads, self._perturbation - rate * toward, 0.0)
        reached = _norm(perturbation)  # [..., 1, N]
        back = torch.where(reached > self._radius, self._radius / reached, 1.0)
        self._mixing, self._perturbation = mixing * back, perturbation * back


def _norm(values: Tensor) -> Tensor:
    """[..., D, N] -> [..., 1, N]; torch's own goes point by point where points are last, 16 times as slowly."""
    return values.square().sum(dim=-2, keepdim=True).sqrt()


def _endless(inputs: Tensor) -> Box:
    """A box without walls for inputs [N, d]."""
    return Box(torch.full_like(inputs[0], -torch.inf), torch.full_like(inputs[0], torch.inf))
