"""Projected gradient descent on images: inside the ball and inside the box of pixel values, for any PyTorch network.

The rules are those of workers/attacks/pgd.py: steps of 2.5 * radius / steps, the iterate of lowest score decides, radii
ascend and a point that broke at one is broken at all larger ones. New here is the box: a step leaves out the pixels
that are at their bound and would be pushed beyond, and the projection lengthens what the box cut short. An attack on a
readout makes a second attempt from every start, with steps that shrink, which breaks more far from the image.
Derivation: docs/methods/images.md.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from phaselab.domain.results.states import Stage
from phaselab.workers.attacks.pgd import STEP, Broken
from phaselab.workers.base.checkpoint import Checkpoint
from phaselab.workers.base.progress import tell
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.data.image_data import Box

SHORTEST = 0.01
"""The last of shrinking steps, over the radius."""
LENGTHENED = 3
"""Times that a projected perturbation, cut short by the box, is lengthened to the radius again."""

Outputs = Callable[[Tensor], Tensor]
"""Images [N, d] -> outputs of the label groups [c, N], the groups of side +1 first; differentiable."""
Noise = Callable[[int, int], Tensor]
"""Of radius number and restart: standard normals [N, d + 2] for all points, always the same ones."""


@dataclass(frozen=True, eq=False)
class Victim:
    """A network and the images that it is attacked on."""

    outputs: Outputs
    groups: int
    positive_groups: int
    images: Tensor
    """[N, d]"""
    side: Tensor
    """[N] +1 or -1 in the number format of the images"""
    label: Tensor
    """[N] long"""
    box: Box

    def take(self, points: Tensor) -> "Victim":
        """The victim on some of its images, by number."""
        return replace(self, images=self.images[points], side=self.side[points], label=self.label[points])

    def margins(self, outputs: Tensor) -> Tensor:
        """[c, N] -> [2, N]: y times the sum and the max readout."""
        positive, negative = outputs[: self.positive_groups], outputs[self.positive_groups :]
        readouts = [positive.sum(dim=0) - negative.sum(dim=0), positive.amax(dim=0) - negative.amax(dim=0)]
        return torch.stack(readouts) * self.side


@dataclass(frozen=True)
class Target:
    """What is lowered: a readout's margin (`readout` 0 or 1), or for null the margin of the network's own label."""

    number: int
    """Keys the random starts"""
    readout: int | None

    def score(self, outputs: Tensor, margins: Tensor, label: Tensor) -> Tensor:
        """[N] from outputs [c, N] and margins [2, N]: the own label's output less the logsumexp of the others falls
        as the cross-entropy rises, and its gradient never underflows.
        """
        if self.readout is not None:
            return margins[self.readout]
        own = outputs.gather(0, label.unsqueeze(0)).squeeze(0)  # [N]
        others = outputs.scatter(0, label.unsqueeze(0), -torch.inf)  # [c, N]
        return own - others.logsumexp(dim=0)

    def verdicts(self, margins: Tensor) -> Tensor:
        """[V, N] of margins [2, N]: those that decide."""
        return margins if self.readout is None else margins[self.readout].unsqueeze(0)

    @property
    def goal(self) -> float:
        """A score at which nothing is left to gain."""
        return -torch.inf if self.readout is None else 0.0


SUM, MAX, OWN_LOSS = Target(0, 0), Target(1, 1), Target(2, None)
"""The targets, with the numbers that workers/attacks/attacks.py gives them."""
TARGETS = 3
"""How many there are."""


@dataclass(frozen=True, eq=False)
class Ended:
    """How an attempt ended."""

    margins: Tensor
    """[V, N] at the iterate of lowest score"""
    perturbation: Tensor
    """[N, d]: that iterate"""
    blind: Tensor
    """[N] bool: there never was a gradient to follow"""


@torch.no_grad()
def clean_margins(victim: Victim, batch: int) -> Tensor:
    """[2, N]: the margins of both readouts without perturbation, `batch` images at a time."""
    parts = [victim.take(points) for points in _batches(len(victim.images), batch, victim.images.device)]
    return torch.cat([part.margins(part.outputs(part.images)) for part in parts], dim=1)


def break_images(
    victim: Victim,
    target: Target,
    radii: Sequence[float],
    steps: int,
    restarts: int,
    noise: Noise,
    batch: int,
    stop: Stop | None = None,
    checkpoint: Checkpoint | None = None,
) -> Broken:
    """Attack at ascending radii, `batch` images at a time; the first start is the image, the others are random points
    of the ball, moved into the box. Goes on from the checkpoint if there is one: with the same result as without a
    break. Shapes are those of one run: `first` [V, 1, N], `blind` [1, N]. Raises Stopped.
    """
    clean = target.verdicts(clean_margins(victim, batch))  # [V, N]
    kept = checkpoint.load(clean.device) if checkpoint else None
    first = kept["first"] if kept else torch.where(clean > 0, len(radii), 0)  # [V, N]
    blind = kept["blind"] if kept else torch.zeros_like(first[0], dtype=torch.bool)  # [N]
    for i, radius in enumerate(radii):
        for restart in range(restarts if radius > 0 else 0):
            if kept and [i, restart] <= kept["place"]:
                continue
            left = (first == len(radii)).any(dim=0).nonzero().squeeze(1)  # [N']
            batches = torch.split(left, batch)
            for number, points in enumerate(batches):
                tell(Stage.ATTACK, i + (restart + number / len(batches)) / restarts, len(radii))
                starts = Starts(noise, i, restart, points)
                ended = attempt_both(victim.take(points), target, radius, steps, starts, stop)
                broken = ended.margins <= 0  # [V, N']
                first[:, points] = torch.where(broken, first[:, points].clamp_max(i), first[:, points])
                blind[points] |= ended.blind & ~broken.all(dim=0)
            if checkpoint is not None and checkpoint.due:
                checkpoint.save({"place": [i, restart], "first": first, "blind": blind})
    return Broken(first.unsqueeze(1), blind.unsqueeze(0))


@dataclass(frozen=True, eq=False)
class Starts:
    """Random points of the ball for an attempt at some points [N'] by number."""

    noise: Noise
    radius_number: int
    restart: int
    points: Tensor

    @classmethod
    def at_the_images(cls, images: Tensor) -> "Starts":
        """Starts at images [N, d] themselves; one without a gradient stays there."""
        wide = images.new_zeros(len(images), images.shape[1] + 2)
        wide[:, -1] = 1
        return cls(lambda radius_number, restart: wide, 0, 0, torch.arange(len(images), device=images.device))

    def take(self, points: Tensor) -> "Starts":
        """The starts of some of the points, by place."""
        return replace(self, points=self.points[points])

    def first(self, radius: float) -> Tensor | None:
        """[N', d] where the attempt starts; null for the images themselves."""
        return self.elsewhere(radius) if self.restart else None

    def elsewhere(self, radius: float) -> Tensor:
        """[N', d] random points of the ball: d of d + 2 coordinates of a point uniform on the sphere in R^(d + 2)."""
        normals = self.noise(self.radius_number, self.restart)[self.points]  # [N', d + 2]
        start: Tensor = normals[:, :-2] * (radius / normals.norm(dim=1, keepdim=True))
        return start


def attempt_both(
    victim: Victim, target: Target, radius: float, steps: int, starts: Starts, stop: Stop | None = None
) -> Ended:
    """An attempt with equal steps; on a readout another one with shrinking steps, of the images that stand. Raises
    Stopped.
    """
    ended = attempt(victim, target, radius, steps, starts, stop)
    at = (ended.margins > 0).any(dim=0).nonzero().squeeze(1)  # [N']
    if target.readout is None or not len(at):
        return ended
    again = attempt(victim.take(at), target, radius, steps, starts.take(at), stop, shrinking=True)
    lower = again.margins[0] < ended.margins[0, at]  # [N']
    ended.margins[:, at[lower]], ended.perturbation[at[lower]] = again.margins[:, lower], again.perturbation[lower]
    ended.blind[at] &= again.blind
    return ended


def step_lengths(steps: int, shrinking: bool) -> Sequence[float]:
    """[steps] over the radius: 2.5 / steps each, or from 1 down to SHORTEST by a cosine."""
    if not shrinking:
        return [STEP / steps] * steps
    return [SHORTEST + (1 - SHORTEST) * (1 + math.cos(math.pi * step / steps)) / 2 for step in range(steps)]


def attempt(
    victim: Victim,
    target: Target,
    radius: float,
    steps: int,
    starts: Starts,
    stop: Stop | None = None,
    shrinking: bool = False,
) -> Ended:
    """One attempt of `steps` steps at one radius > 0 on all images of the victim. Raises Stopped."""
    lengths = step_lengths(steps, shrinking)
    images = victim.images  # [N, d]
    first = starts.first(radius)
    moved = torch.zeros_like(images) if first is None else project(images, first, radius, victim.box)
    lowest = torch.full_like(victim.side, torch.inf)  # [N]
    verdicts = lowest.repeat(len(target.verdicts(torch.empty(2, 0))), 1)  # [V, N]
    ended = Ended(verdicts, torch.zeros_like(images), torch.ones_like(lowest, dtype=torch.bool))
    at, part = torch.arange(len(images), device=images.device), victim
    for step in range(steps + 1):
        check(stop)
        score, margins, gradient = _look(part, target, moved)
        better = score < lowest[at]  # [N']
        lowest[at[better]], ended.margins[:, at[better]] = score[better], margins[:, better]
        ended.perturbation[at[better]] = moved[better]
        keep = lowest[at] > target.goal
        if step == steps or not bool(keep.any()):
            break
        if not bool(keep.all()):
            at, moved, gradient = at[keep], moved[keep], gradient[keep]
            part = victim.take(at)
        usable = _usable(gradient)
        ended.blind[at] &= ~usable
        moved = _move(part, gradient, moved, lengths[step] * radius, radius)
        if not bool(usable.all()):
            elsewhere = project(part.images, starts.elsewhere(radius)[at], radius, victim.box)
            moved = torch.where(usable.unsqueeze(1), moved, elsewhere)
    return ended


@torch.enable_grad()
def _look(victim: Victim, target: Target, moved: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Score [N], deciding margins [V, N] and gradient [N, d] at perturbations [N, d]."""
    inputs = (victim.images + moved).clamp(victim.box.low, victim.box.high).detach().requires_grad_()
    outputs = victim.outputs(inputs)  # [c, N]
    margins = victim.margins(outputs)
    score = target.score(outputs, margins, victim.label)
    (gradient,) = torch.autograd.grad(score.sum(), inputs)
    return score.detach(), target.verdicts(margins).detach(), gradient


def _usable(gradient: Tensor) -> Tensor:
    """[N] bool: whether a gradient [N, d] is there and finite."""
    norm = gradient.norm(dim=1)
    usable: Tensor = (norm > 0) & norm.isfinite()
    return usable


def _move(victim: Victim, gradient: Tensor, moved: Tensor, length: float, radius: float) -> Tensor:
    """[N, d]: a step of `length` against the gradient, inside the box and the ball."""
    inputs, box = victim.images + moved, victim.box
    blocked = ((inputs <= box.low) & (gradient > 0)) | ((inputs >= box.high) & (gradient < 0))
    gradient = gradient.masked_fill(blocked, 0.0)
    norm = gradient.norm(dim=1, keepdim=True)
    step = torch.where((norm > 0) & norm.isfinite(), gradient * (length / norm), 0.0)
    return project(victim.images, moved - step, radius, box)


def project(images: Tensor, moved: Tensor, radius: float, box: Box) -> Tensor:
    """[N, d] perturbations of norm up to `radius` that keep images [N, d] inside the box.

    The nearest such point is clip(s * moved) for some s <= 1; each round lengthens s by radius / |clip(s * moved)|,
    which approaches it from inside, for clipped pixels do not grow.
    """
    low, high = box.low - images, box.high - images  # [N, d]
    scale = (radius / moved.norm(dim=1, keepdim=True)).clamp_max(1.0)  # [N, 1]
    inside = torch.clamp(moved * scale, low, high)
    for _ in range(LENGTHENED):
        scale = (scale * (radius / inside.norm(dim=1, keepdim=True))).nan_to_num(1.0).clamp_max(1.0)
        inside = torch.clamp(moved * scale, low, high)
    return inside


def _batches(count: int, batch: int, device: torch.device) -> Sequence[Tensor]:
    return torch.split(torch.arange(count, device=device), batch)
