"""What trained linear functions of a sparse regression show to measures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from phaselab.workers.measures.interpolators import Penalty, least_l1, least_penalty


@dataclass(frozen=True, eq=False)
class Regression:
    """S functions <beta, x> that were trained on the same n points."""

    beta: Tensor
    """[S, d] float64"""
    truth: Tensor
    """[d] float64"""
    inputs: Tensor
    """[n, d] float64, on the CPU"""
    responses: Tensor
    """[n] float64, on the CPU"""
    scales: Sequence[float]
    """[S] alpha, at which u and v started"""
    depth: int

    @property
    def error(self) -> Tensor:
        """[S]: |beta - truth|^2"""
        return (self.beta - self.truth).square().sum(dim=1)

    @cached_property
    def l1_ratio(self) -> Tensor:
        """[S]: |beta|_1 over the least l1 norm of an interpolator; nan where there is none."""
        return self.beta.abs().sum(dim=1) / least_l1(self.inputs.numpy(), self.responses.numpy())

    @cached_property
    def gap(self) -> Tensor:
        """[S]: (Q - least Q) / least Q; nan where the least is not found."""
        points, gaps = (self.inputs.numpy(), self.responses.numpy()), []
        for beta, scale in zip(self.beta.cpu().numpy(), self.scales, strict=True):
            least = least_penalty(*points, scale, self.depth)
            gaps.append(Penalty(scale, self.depth).of(beta) / least - 1)
        return torch.tensor(gaps, dtype=torch.float64, device=self.beta.device)
