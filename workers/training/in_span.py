"""First layers that are trained in the span of the data, exactly, whatever stands above them.

Every gradient of the first layer is a combination of training points, so the weights stay W = a W0 + C X, and the
pre-activations of the training points are P = a (W0 X^T) + C G + b 1^T with G = X X^T, computed once per data set.
A step costs n^2 M instead of 2 n d M, and all runs that share the data share one product C G. Momentum and weight
decay act on (C, a, b) as they act on the weights. Derivation: docs/methods/training.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol, Self

import torch
from torch import Tensor

from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings, Training
from phaselab.domain.settings.stacks import data_key
from phaselab.workers.base.recent import RECENT
from phaselab.workers.data.training_set import TrainingSet

CACHE_BYTES = 2**20
"""Gram matrices that are multiplied in turn, step after step, on the CPU."""
BATCH_BYTES = 2**33
"""Gram matrices that are multiplied as one batch on a GPU."""
BLOCK = 128
"""Rows of a block of the Gram matrix; the inputs' zeros right of a block's last column are skipped."""


class Started(Protocol):
    """S trainings of one shape on one training set, before their first step."""

    @property
    def runs(self) -> Sequence[Run]:
        """The runs in which they end."""

    @property
    def data(self) -> TrainingSet:
        """The training set."""

    @property
    def weights(self) -> Tensor:
        """[S, M, e'']"""

    @property
    def bias(self) -> Tensor:
        """[S, M]"""


@dataclass(frozen=True, eq=False)
class Gram:
    """G = X X^T of a training set, or none where n is so much larger than e that two products with X are cheaper."""

    matrix: Tensor | None
    """[n, n]"""

    @classmethod
    def of(cls, inputs: Tensor) -> "Gram":
        """The Gram matrix of inputs [n, e]."""
        n, e = inputs.shape
        return cls(None if n > 2 * e else _gram_matrix(inputs))

    @property
    def bytes(self) -> int:
        """Memory held."""
        return 0 if self.matrix is None else self.matrix.numel() * self.matrix.element_size()


def gram_of(start: Started) -> Gram:
    """The Gram matrix of a start's training set, computed or remembered."""
    inputs = start.data.inputs
    return RECENT.get(("gram matrix", data_key(start.runs[0]), str(inputs.device)), lambda: Gram.of(inputs))


def data_sets_at_once(settings: Settings, device: str) -> int:
    """How many training sets to train on as one batch: those whose Gram matrices fit into the cache of a CPU core,
    or into BATCH_BYTES of a GPU.
    """
    size = 8 if settings.training.precision == "float64" else 4
    most = CACHE_BYTES if torch.device(device).type == "cpu" else BATCH_BYTES
    return max(1, most // (size * settings.data.n**2))


class PointLoss(Protocol):
    """A loss by the pre-activations of training points."""

    def __call__(self, preactivations: Tensor) -> Tensor:
        """[..., M, N] -> [..., M, N]: the gradient of the mean loss."""

    def lead(self, preactivations: Tensor) -> Tensor:
        """[..., M, N] -> [..., N]: a score that falls as a point's loss rises; differentiable."""


@dataclass(frozen=True, eq=False)
class LayersSeen:
    """First layers after a step, in the span of the data; after several, S being the rows of look after look."""

    coefficients: Tensor
    """C [D, S, M, n]"""
    share: Tensor
    """a [D, S, 1 or M, 1], or in adversarial training a matrix [D, S, M, M]"""
    bias: Tensor
    """b [D, S, M, 1]"""

    def kept(self) -> Self:
        """A copy, which further steps do not move."""
        return replace(self, **{field.name: getattr(self, field.name).clone() for field in fields(self)})

    @classmethod
    def joined(cls, looks: Sequence[Self]) -> Self:
        """Those of several looks as one, a single one without a copy."""
        if len(looks) == 1:
            return looks[0]
        return cls(*(torch.cat([getattr(one, field.name) for one in looks], dim=1) for field in fields(cls)))


class FirstLayers:
    """Coefficients C [D, S, M, n], share a [D, S, 1, 1] of the initial weights, biases b [D, S, M, 1], and their
    optimizer, for D training sets with S runs each.

    With `shares_apart` every neuron has a share of its own, a [D, S, M, 1].
    """

    def __init__(
        self, starts: Sequence[Started], runs: Sequence[Sequence[Run]], biased: bool, shares_apart: bool = False
    ) -> None:
        self.biased = biased
        self.inputs = stacked([start.data.inputs for start in starts])  # [D, n, e]
        self.precision = self.inputs.dtype
        matrices = [matrix for matrix in (gram_of(start).matrix for start in starts) if matrix is not None]
        self.matrix = stacked(matrices) if matrices else None  # [D, n, n]
        self.start = stacked([start.weights for start in starts])  # W0 [D, S, M, e'']
        within = self.start[..., : self.inputs.shape[2]].flatten(1, 2)  # [D, S * M, e]
        self.initial = torch.bmm(within, self.inputs.mT)  # W0 X^T [D, S * M, n]
        self.bias = stacked([start.bias for start in starts]).unsqueeze(-1).clone()  # [D, S, M, 1]
        self.coefficients = self.initial.new_zeros(*self.bias.shape[:3], self.inputs.shape[1])
        self.share = self.initial.new_ones(*self.bias.shape[:2], self.bias.shape[2] if shares_apart else 1, 1)
        settings = settings_of(runs)
        self.decays = shares_apart or any(training.weight_decay for same in settings for training in same)
        self.moves = [Descent(settings, value) for value in (self.coefficients, self.share, self.bias)]

    def preactivations(self) -> Tensor:
        """P [D, S, M, n]"""
        initial, coefficients = self._initial(), self.coefficients.flatten(1, 2)  # [D, S * M, n] each
        if self.matrix is None:
            product = torch.baddbmm(initial, torch.bmm(coefficients, self.inputs), self.inputs.mT)
        else:
            product = torch.baddbmm(initial, coefficients, self.matrix)
        return product.view_as(self.coefficients).add_(self.bias)

    def at(self, points: Tensor) -> Tensor:
        """P [1, 1, M, b] of a single run at points [b]."""
        coefficients = self.coefficients[0, 0]  # [M, n]
        if self.matrix is None:
            product = coefficients @ self.inputs[0] @ self.inputs[0, points].T  # [M, b]
        else:
            product = coefficients @ self.matrix[0, points].T  # [M, b]
        batch = self._initial()[0, :, points] + product + self.bias[0, 0]  # [M, b]
        return batch[None, None]

    def _initial(self) -> Tensor:
        """a W0 X^T [D, S * M, n]"""
        if not self.decays:
            return self.initial
        return (self.initial.view_as(self.coefficients) * self.share).flatten(1, 2)

    def step(self, gradient: Tensor, along: Tensor | None = None) -> None:
        """One optimizer step with the gradient [D, S, M, n] by the pre-activations, and where the loss also depends on
        the weights' lengths, the multiple k [D, S, M, 1] of the weights that is their gradient besides: D X + k W."""
        of_coefficients, of_share, of_bias = self.moves
        bias = gradient.sum(dim=-1, keepdim=True) if self.biased else None
        if along is not None:
            gradient = torch.addcmul(gradient, along, self.coefficients)
        of_coefficients(gradient)
        if self.decays:
            of_share(torch.zeros_like(self.share) if along is None else along * self.share)
        if bias is not None:
            of_bias(bias)

    def descend(self, loss: PointLoss, preactivations: Tensor) -> None:
        """One step on all points, from their pre-activations P [D, S, M, n], by the loss's gradient."""
        self.step(loss(preactivations))

    def descend_on(self, points: Tensor, loss: PointLoss) -> None:
        """One step of a single run on points [b], by the loss's gradient."""
        self.step_on(points, loss(self.at(points)))

    def step_on(self, points: Tensor, gradient: Tensor, along: Tensor | None = None) -> None:
        """One step of a single run with the gradient [1, 1, M, b] by its pre-activations at points [b]."""
        everywhere = torch.zeros_like(self.coefficients)
        everywhere[0, 0, :, points] = gradient[0, 0]
        self.step(everywhere, along)

    @property
    def now(self) -> LayersSeen:
        """As they are now, in the same memory."""
        return LayersSeen(self.coefficients, self.share, self.bias)

    def left(self, seen: LayersSeen) -> Tensor:
        """[D, S], or [D, S, M] of shares apart: a, by which the initial weights are in the weights."""
        return seen.share.flatten(2).squeeze(-1)

    def weights(self, seen: LayersSeen) -> Tensor:
        """W = a W0 + C X [D, L * S, M, e''] of L looks, one after the other."""
        weights = self._of_start(seen.share)
        weights[..., : self.inputs.shape[2]] += seen.coefficients @ self.inputs.unsqueeze(1)
        return weights

    def _of_start(self, share: Tensor) -> Tensor:
        """a W0 [D, L * S, M, e''] of shares of L looks."""
        return self.start.repeat(1, share.shape[1] // self.start.shape[1], 1, 1).mul_(share)


class Descent:
    """The optimizer of z [D, S, ...] as a function of its gradient g, in place: h = g + wd z; v = m v + h; z -= lr v,
    and z -= lr (h + m v) with Nesterov's momentum. Raises ValueError for Adam, of which it has no form."""

    def __init__(
        self,
        settings: Sequence[Sequence[Training]],
        value: Tensor,
        decay: Callable[[Training], float] = lambda training: training.weight_decay,
    ) -> None:
        def each(number: Callable[[Training], float]) -> Tensor:
            numbers = value.new_tensor([[number(training) for training in same] for same in settings])  # [D, S]
            return numbers.view(*numbers.shape, *[1] * (value.dim() - 2))

        if settings[0][0].optimizer == "adam":
            raise ValueError("the gram engine does not hold for adam")
        self._value = value
        self._rate = each(lambda training: -training.learning_rate)  # [D, S, 1, ...]
        self._decay = each(decay)
        self._momentum = each(lambda training: training.momentum or 0.0)
        self._decays, self._remembers = bool(self._decay.any()), bool(self._momentum.any())
        self._ahead = settings[0][0].optimizer == "nesterov"  # runs of one shape have one optimizer
        self._velocity = torch.zeros_like(value) if self._remembers else value

    def __call__(self, gradient: Tensor) -> None:
        """One step."""
        if self._decays:
            gradient = torch.addcmul(gradient, self._decay, self._value)
        if self._remembers:
            self._velocity.mul_(self._momentum).add_(gradient)
            gradient = torch.addcmul(gradient, self._momentum, self._velocity) if self._ahead else self._velocity
        self._value.addcmul_(gradient, self._rate)

    def hold(self, done: Tensor) -> None:
        """Move the runs that are done [D, S] no more."""
        self._rate.masked_fill_(done.view(self._rate.shape), 0.0)


def settings_of(runs: Sequence[Sequence[Run]]) -> Sequence[Sequence[Training]]:
    """How runs are trained."""
    return [[run.settings.training for run in same] for same in runs]


def stacked(tensors: Sequence[Tensor]) -> Tensor:
    """Stacked along a new first dimension, without a copy of a single one."""
    return tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(list(tensors))


def _gram_matrix(inputs: Tensor) -> Tensor:
    """X X^T by blocks of rows, each mirrored, using no column beyond a block's last non-zero one."""
    n = len(inputs)
    matrix = inputs.new_empty(n, n)
    for first in range(0, n, BLOCK):
        last = min(first + BLOCK, n)
        used = _used_columns(inputs[first:last])
        block = inputs[first:last, :used] @ inputs[:last, :used].T  # [block, last]
        matrix[first:last, :last] = block
        matrix[:first, first:last] = block[:, :first].T
    return matrix


def _used_columns(rows: Tensor) -> int:
    """One more than the last column in which any of the rows is not zero."""
    used = rows.ne(0).any(dim=0).nonzero()
    return int(used[-1]) + 1 if len(used) else 0
