"""The fast engine of two-layer networks: the first layer in the span of the data, its gradient in closed form.

Derivation: docs/methods/training.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import repeat

import torch
from torch import Tensor

from phaselab.domain.families.adversarial import is_adversarial
from phaselab.domain.results.states import Stage
from phaselab.workers.base.progress import each, tell
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.networks.two_layer import LossGradient
from phaselab.workers.training.in_span import FirstLayers, LayersSeen, stacked
from phaselab.workers.training.mixed import MixedLayers
from phaselab.workers.training.training import Fitted, Start, batches, by_look, finish


def train(starts: Sequence[Start], stop: Stop | None = None) -> list[Fitted]:
    """Train every run of every start, exact up to rounding; the starts have equally many runs each, all of one shape
    and looked at alike. Raises Stopped, and ValueError for Adam.
    """
    if starts[0].runs[0].settings.training.batch_size is not None:
        return each(starts, lambda start: _train_on_batches(start, stop))
    return _train(starts, repeat(None), stop)


def _train_on_batches(start: Start, stop: Stop | None) -> Fitted:
    """Every training by itself, for each has its own order of batches."""
    alone = [start.alone(i) for i in range(len(start.runs))]
    trained = each(alone, lambda one: _train([one], batches(one.runs[0]), stop)[0])
    return Fitted(*(by_look([getattr(one, field.name) for one in trained]) for field in fields(Fitted)))


def _train(starts: Sequence[Start], rows: Iterator[Tensor | None], stop: Stop | None) -> list[Fitted]:
    """Train all together, each step on the points of `rows`, null for all of them."""
    state, looks = _State(starts), starts[0].looks
    last = looks[-1]
    for step, points in zip(range(last), rows, strict=False):
        check(stop)
        tell(Stage.TRAINING, step, last)
        if step in looks:
            state.look(looks.count(step))
        state.step(points)
    state.look(looks.count(last))
    return state.finish()


class _State:
    """The networks of D training sets with S runs each, in training."""

    def __init__(self, starts: Sequence[Start]) -> None:
        self.starts, self.network = starts, starts[0].network
        kind = MixedLayers if is_adversarial(starts[0].runs[0].settings) else FirstLayers
        self.layers = kind(starts, [start.runs for start in starts], self.network.biased)
        self.label = stacked([start.label for start in starts]).unsqueeze(1)  # [D, 1, n]
        self.gradient = LossGradient(self.network, self.label, self.layers.precision)
        self._whole: Tensor | None = None  # the pre-activations [D, S, M, n], where they are known
        self._looks: list[tuple[LayersSeen, Tensor]] = []

    def step(self, points: Tensor | None) -> None:
        """One step on the points [b], null for all."""
        if points is None:
            self.layers.descend(self.gradient, self._preactivations())
        else:
            points = points.to(self.label.device)
            gradient = LossGradient(self.network, self.label[..., points], self.layers.precision)
            self.layers.descend_on(points, gradient)
        self._whole = None

    def look(self, times: int) -> None:
        """Keep the networks as they are now, so many times over."""
        self._looks += [(self.layers.now.kept(), self._preactivations())] * times

    def finish(self) -> list[Fitted]:
        """The networks that were kept, of each training set."""
        layers = LayersSeen.joined([layers for layers, _ in self._looks])
        weights, bias = self.layers.weights(layers), layers.bias.squeeze(-1)  # [D, R, M, e''], [D, R, M]
        whole = [whole for _, whole in self._looks]
        preactivations = whole[0] if len(whole) == 1 else torch.cat(whole, dim=1)  # [D, R, M, n]
        left = self.layers.left(layers)  # [D, R] or [D, R, M, M]
        of_each = zip(self.starts, weights, bias, preactivations, left, strict=True)
        return [finish(*one) for one in of_each]

    def _preactivations(self) -> Tensor:
        if self._whole is None:
            self._whole = self.layers.preactivations()
        return self._whole
