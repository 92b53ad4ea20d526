"""The fast engine: training in the span of the data, exactly.

Every gradient of the first layer is a combination of training points, so the weights stay W = a W0 + C X, and the
pre-activations of the training points are P = a (W0 X^T) + C G + b 1^T with G = X X^T, computed once per data set.
A step costs n^2 M instead of 2 n d M, and all runs that share the data share one product C G. Momentum and weight
decay act on (C, a, b) as they act on the weights. Derivation: docs/methods/training.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from phaselab.domain.results.states import Stage
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings, Training
from phaselab.domain.settings.stacks import data_key
from phaselab.workers.base.progress import each, tell
from phaselab.workers.base.recent import RECENT
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.networks.two_layer import LossGradient
from phaselab.workers.training.training import Fitted, Start, batches, finish

CACHE_BYTES = 2**20
"""Gram matrices that are multiplied in turn, step after step, on the CPU."""
BATCH_BYTES = 2**33
"""Gram matrices that are multiplied as one batch on a GPU."""
BLOCK = 128
"""Rows of a block of the Gram matrix; the inputs' zeros right of a block's last column are skipped."""


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


def gram_of(start: Start) -> Gram:
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


def train(starts: Sequence[Start], stop: Stop | None = None) -> list[Fitted]:
    """Train every run of every start for its steps, exact up to rounding; the starts have equally many runs each,
    all of one shape. Raises Stopped, and ValueError for Adam.
    """
    training = starts[0].runs[0].settings.training
    if training.optimizer == "adam":
        raise ValueError("the gram engine does not hold for adam")
    if training.batch_size is not None:
        return each(starts, lambda start: _train_on_batches(start, stop))
    state = _State(starts, [start.runs for start in starts])
    gradient = LossGradient(starts[0].network, _stack([start.label for start in starts]).unsqueeze(1), state.precision)
    for step in range(training.steps):
        check(stop)
        tell(Stage.TRAINING, step, training.steps)
        state.step(gradient(state.preactivations()))
    return state.finish()


def _train_on_batches(start: Start, stop: Stop | None) -> Fitted:
    """Every run by itself, for each has its own order of batches."""
    trained = []
    for i, run in enumerate(start.runs):
        steps = run.settings.training.steps
        alone = replace(start, runs=[run], weights=start.weights[i : i + 1], bias=start.bias[i : i + 1])
        state = _State([alone], [[run]])
        for step, points in zip(range(steps), batches(run), strict=False):
            check(stop)
            tell(Stage.TRAINING, i * steps + step, len(start.runs) * steps)
            state.step_on(points.to(start.label.device))
        trained += state.finish()
    return Fitted(*(torch.cat([getattr(one, field.name) for one in trained]) for field in fields(Fitted)))


class _State:
    """Coefficients C [D, S, M, n], share a [D, S, 1, 1] of the initial weights, biases b [D, S, M, 1], and their
    optimizer, for D training sets with S runs each.
    """

    def __init__(self, starts: Sequence[Start], runs: Sequence[Sequence[Run]]) -> None:
        self.starts = starts
        self.inputs = _stack([start.data.inputs for start in starts])  # [D, n, e]
        self.precision = self.inputs.dtype
        matrices = [matrix for matrix in (gram_of(start).matrix for start in starts) if matrix is not None]
        self.matrix = _stack(matrices) if matrices else None  # [D, n, n]
        self.weights = _stack([start.weights for start in starts])  # [D, S, M, e'']
        within = self.weights[..., : self.inputs.shape[2]].flatten(1, 2)  # [D, S * M, e]
        self.initial = torch.bmm(within, self.inputs.mT)  # [D, S * M, n]
        self.bias = _stack([start.bias for start in starts]).unsqueeze(-1).clone()  # [D, S, M, 1]
        self.coefficients = self.initial.new_zeros(*self.bias.shape[:3], self.inputs.shape[1])
        self.share = self.initial.new_ones(*self.bias.shape[:2], 1, 1)
        settings = [[run.settings.training for run in same] for same in runs]
        self.decays = any(training.weight_decay for same in settings for training in same)
        self._move_coefficients = _descent(settings, self.coefficients)
        self._move_share = _descent(settings, self.share)
        self._move_bias = _descent(settings, self.bias)

    def preactivations(self) -> Tensor:
        """P [D, S, M, n]"""
        initial, coefficients = self._initial(), self.coefficients.flatten(1, 2)  # [D, S * M, n] each
        if self.matrix is None:
            product = torch.baddbmm(initial, torch.bmm(coefficients, self.inputs), self.inputs.mT)
        else:
            product = torch.baddbmm(initial, coefficients, self.matrix)
        return product.view_as(self.coefficients).add_(self.bias)

    def _initial(self) -> Tensor:
        """a W0 X^T [D, S * M, n]"""
        if not self.decays:
            return self.initial
        return (self.initial.view_as(self.coefficients) * self.share).flatten(1, 2)

    def step(self, gradient: Tensor) -> None:
        """One optimizer step with the gradient [D, S, M, n] by the pre-activations."""
        self._move_coefficients(gradient)
        if self.decays:
            self._move_share(torch.zeros_like(self.share))
        if self.starts[0].network.biased:
            self._move_bias(gradient.sum(dim=-1, keepdim=True))

    def step_on(self, points: Tensor) -> None:
        """One step of a single run on the mini-batch [b]."""
        coefficients = self.coefficients[0, 0]  # [M, n]
        if self.matrix is None:
            product = coefficients @ self.inputs[0] @ self.inputs[0, points].T  # [M, b]
        else:
            product = coefficients @ self.matrix[0, points].T  # [M, b]
        batch = self._initial()[0, :, points] + product + self.bias[0, 0]  # [M, b]
        gradient = torch.zeros_like(self.coefficients)
        of_batch = LossGradient(self.starts[0].network, self.starts[0].label[points], self.precision)
        gradient[0, 0, :, points] = of_batch(batch)
        self.step(gradient)

    def finish(self) -> list[Fitted]:
        """The networks of each training set's runs, with W = a W0 + C X."""
        weights, preactivations = self.weights * self.share, self.preactivations()
        weights[..., : self.inputs.shape[2]] += self.coefficients @ self.inputs.unsqueeze(1)
        bias, left = self.bias.squeeze(-1), self.share.flatten(1)  # [D, S, M], [D, S]
        return [finish(start, weights[i], bias[i], preactivations[i], left[i]) for i, start in enumerate(self.starts)]


def _descent(settings: Sequence[Sequence[Training]], value: Tensor) -> Callable[[Tensor], None]:
    """The optimizer of z [D, S, ...] as a function of its gradient g, in place: v = m v + (g + wd z); z -= lr v."""

    def each(number: Callable[[Training], float]) -> Tensor:
        return value.new_tensor([[number(training) for training in same] for same in settings])[..., None, None]

    rate = each(lambda training: -training.learning_rate)  # [D, S, 1, 1]
    decay = each(lambda training: training.weight_decay)
    momentum = each(lambda training: training.momentum or 0.0)
    decays, remembers = bool(decay.any()), bool(momentum.any())
    velocity = torch.zeros_like(value) if remembers else value

    def move(gradient: Tensor) -> None:
        if decays:
            gradient = torch.addcmul(gradient, decay, value)
        if remembers:
            gradient = velocity.mul_(momentum).add_(gradient)
        value.addcmul_(gradient, rate)

    return move


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


def _stack(tensors: Sequence[Tensor]) -> Tensor:
    """Stacked along a new first dimension, without a copy of a single one."""
    return tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(list(tensors))
