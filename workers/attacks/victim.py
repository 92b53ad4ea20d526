"""What attacks and their checks need of trained networks: which landscapes to go over, and a second opinion."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from phaselab.domain.results.results import READOUTS, Readout
from phaselab.workers.attacks.climb import Noise
from phaselab.workers.attacks.landscape import Chosen, Objective
from phaselab.workers.base.streams import Precision, Stream, generator, normal

TARGETS = (*READOUTS, "own loss")
"""What `pgd` and `pgd_native` lower; the position of a target is part of the recipe, for it keys the random starts."""


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

    def readout(self, readout: Readout) -> Objective:
        """What `pgd` does; the same ways whenever asked."""

    def own_loss(self) -> Objective:
        """What `pgd_native` does, with both readouts as verdicts, or one where they are the same function. Its ways are
        among those of the readout where the own loss moves with it."""

    def noise(self, target: int) -> Noise:
        """Normals [S, D + 2, N] keyed by each run's seed, the target, the radius's number and the restart."""

    def again(self, readout: Readout, chosen: Chosen, perturbation: Tensor) -> Again:
        """Predict the chosen points and their perturbations [S', D, N'] again, by another way than the landscapes."""


def drawn(seeds: Sequence[int], target: int, shape: tuple[int, int], precision: Precision) -> Noise:
    """Normals [S, *shape] on the CPU."""

    def noise(radius_number: int, restart: int) -> Tensor:
        return torch.stack(
            [normal(generator(seed, Stream.ATTACK, target, radius_number, restart), shape, precision) for seed in seeds]
        )

    return noise
