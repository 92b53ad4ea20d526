"""The attacks' landscape in input space, for any PyTorch model: the reference for the landscape in the span of the
weights, and the way for networks that have no such span.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from phaselab.workers.attacks.pgd import Chosen, Look

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor | None]]
"""Of inputs [N, ...] and the numbers [N] of their points: the score [N] that the attack lowers, differentiable, and
the margins [V, N] that decide, null where the score decides."""


@dataclass(frozen=True, eq=False)
class InputSpace:
    """One network's points as they are: perturbations [1, D, N], D numbers an input."""

    inputs: Tensor
    """[N, ...]"""
    numbers: Tensor
    """[N] long: which points these are"""
    objective: Objective
    goal: float = 0.0

    @classmethod
    def of(cls, inputs: Tensor, objective: Objective, goal: float = 0.0) -> "InputSpace":
        """All points of inputs [N, ...]; a score of `goal` or less is a point broken for good."""
        return cls(inputs, torch.arange(len(inputs), device=inputs.device), objective, goal)

    def zeros(self) -> Tensor:
        """[1, D, N]: no perturbation."""
        return torch.zeros_like(self.inputs).flatten(1).T.unsqueeze(0)

    @torch.enable_grad()
    def look(self, perturbation: Tensor) -> Look:
        """Score, gradient and margins at perturbations [1, D, N]."""
        moved = (self.inputs + perturbation[0].T.reshape(self.inputs.shape)).detach().requires_grad_()  # [N, ...]
        score, margins = self.objective(moved, self.numbers)
        (gradient,) = torch.autograd.grad(score.sum(), moved)
        return Look(
            score.detach().unsqueeze(0),
            gradient.flatten(1).T.unsqueeze(0),
            None if margins is None else margins.detach().unsqueeze(1),
        )

    def safe_radius(self) -> Tensor:
        """[1, N] zeros: of a network in general nothing is known."""
        return self.inputs.new_zeros(1, len(self.inputs))

    def take(self, chosen: Chosen) -> "InputSpace":
        """The chosen points."""
        points = chosen.points[0]
        return replace(self, inputs=self.inputs[points], numbers=self.numbers[points])
