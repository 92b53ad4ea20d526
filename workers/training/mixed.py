"""First layers in adversarial training, in the span of the data and of the initial weights, exactly.

Points are moved by combinations of the weights, so gradients have multiples of all weights besides: W = A W0 + C X with
a matrix A [M, M] where plain training has a share of the start. Derivation: docs/methods/training.md.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from phaselab.domain.settings.runs import Run
from phaselab.workers.networks.factor import span_factor
from phaselab.workers.training.adversarial import in_span
from phaselab.workers.training.in_span import Descent, FirstLayers, LayersSeen, PointLoss, Started, settings_of


class MixedLayers(FirstLayers):
    """First layers whose `share` is the matrix A [D, S, M, M]."""

    def __init__(self, starts: Sequence[Started], runs: Sequence[Sequence[Run]], biased: bool) -> None:
        super().__init__(starts, runs, biased, shares_apart=True)
        self.radius = runs[0][0].settings.training.adversarial_radius or 0.0
        sets, count, neurons = self.bias.shape[:3]
        one = torch.eye(neurons, dtype=self.precision, device=self.inputs.device)
        self.share = one.repeat(sets, count, 1, 1)  # [D, S, M, M]
        self.moves[1] = Descent(settings_of(runs), self.share)

    def factor(self) -> Tensor:
        """L [D, S, M, min(M, e'')] with W = L Q, Q of orthonormal rows. From W itself: W W^T would lose directions in
        which neurons nearly cancel, as twins do."""
        return span_factor(self.weights(self.now)).to(self.precision)

    def descend(self, loss: PointLoss, preactivations: Tensor) -> None:
        """One step on all points, attacked from where they are, [D, S, M, n]."""
        attacked = in_span(preactivations, self.factor(), loss.lead, self.radius)
        gradient = loss(attacked.seen)  # [D, S, M, n]
        self.step(gradient, mixing_of(gradient, attacked.mixing))

    def descend_on(self, points: Tensor, loss: PointLoss) -> None:
        """One step of a single run on points [b], attacked from where they are."""
        attacked = in_span(self.at(points), self.factor(), loss.lead, self.radius)
        gradient = loss(attacked.seen)  # [1, 1, M, b]
        self.step_on(points, gradient, mixing_of(gradient, attacked.mixing))

    def step(self, gradient: Tensor, along: Tensor | None = None) -> None:
        """One optimizer step with the gradient [D, S, M, n] by the pre-activations and the matrix E [D, S, M, M] with
        which the weights are in it besides: D X + E W."""
        of_coefficients, of_share, of_bias = self.moves
        assert along is not None
        bias = gradient.sum(dim=-1, keepdim=True) if self.biased else None
        of_coefficients(gradient + along @ self.coefficients)
        of_share(along @ self.share)
        if bias is not None:
            of_bias(bias)

    def left(self, seen: LayersSeen) -> Tensor:
        """A [D, S, M, M]"""
        return seen.share

    def _of_start(self, share: Tensor) -> Tensor:
        """A W0 [D, L * S, M, e'']"""
        return share @ self.start.repeat(1, share.shape[1] // self.start.shape[1], 1, 1)

    def _initial(self) -> Tensor:
        """A W0 X^T [D, S * M, n]"""
        return (self.share @ self.initial.view_as(self.coefficients)).flatten(1, 2)


def mixing_of(gradient: Tensor, mixing: Tensor, along: Tensor | None = None) -> Tensor:
    """E [..., M, M] of the gradient D (X + B^T W) + k W = D X + E W, from D and B [..., M, N], and k [..., M, 1]."""
    found = gradient @ mixing.mT
    return found if along is None else found + torch.diag_embed(along.squeeze(-1))
