"""The fast engine of two-layer networks: the first layer in the span of the data, its gradient in closed form.

Derivation: docs/methods/training.md.
"""

from collections.abc import Sequence
from dataclasses import fields, replace

import torch
from torch import Tensor

from phaselab.domain.families.adversarial import is_adversarial
from phaselab.domain.results.states import Stage
from phaselab.domain.settings.runs import Run
from phaselab.workers.base.progress import each, tell
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.networks.two_layer import LossGradient
from phaselab.workers.training.in_span import FirstLayers, stacked
from phaselab.workers.training.mixed import MixedLayers
from phaselab.workers.training.training import Fitted, Start, batches, finish


def train(starts: Sequence[Start], stop: Stop | None = None) -> list[Fitted]:
    """Train every run of every start for its steps, exact up to rounding; the starts have equally many runs each,
    all of one shape. Raises Stopped, and ValueError for Adam.
    """
    training = starts[0].runs[0].settings.training
    if training.batch_size is not None:
        return each(starts, lambda start: _train_on_batches(start, stop))
    layers = _first_layers(starts, [start.runs for start in starts])
    label = stacked([start.label for start in starts]).unsqueeze(1)  # [D, 1, n]
    gradient = LossGradient(starts[0].network, label, layers.precision)
    for step in range(training.steps):
        check(stop)
        tell(Stage.TRAINING, step, training.steps)
        layers.descend(gradient, layers.preactivations())
    return _finish(starts, layers)


def _train_on_batches(start: Start, stop: Stop | None) -> Fitted:
    """Every run by itself, for each has its own order of batches."""
    trained = []
    for i, run in enumerate(start.runs):
        steps = run.settings.training.steps
        alone = replace(start, runs=[run], weights=start.weights[i : i + 1], bias=start.bias[i : i + 1])
        layers = _first_layers([alone], [[run]])
        for step, points in zip(range(steps), batches(run), strict=False):
            check(stop)
            tell(Stage.TRAINING, i * steps + step, len(start.runs) * steps)
            _step_on(layers, start, points.to(start.label.device))
        trained += _finish([alone], layers)
    return Fitted(*(torch.cat([getattr(one, field.name) for one in trained]) for field in fields(Fitted)))


def _first_layers(starts: Sequence[Start], runs: Sequence[Sequence[Run]]) -> FirstLayers:
    kind = MixedLayers if is_adversarial(runs[0][0].settings) else FirstLayers
    return kind(starts, runs, starts[0].network.biased)


def _step_on(layers: FirstLayers, start: Start, points: Tensor) -> None:
    """One step of a single run on the mini-batch [b]."""
    gradient = LossGradient(start.network, start.label[points], layers.precision)
    layers.descend_on(points, gradient)


def _finish(starts: Sequence[Start], layers: FirstLayers) -> list[Fitted]:
    """The networks of each training set's runs."""
    weights, preactivations = layers.weights(), layers.preactivations()  # [D, S, M, e''], [D, S, M, n]
    bias, left = layers.bias.squeeze(-1), layers.left  # [D, S, M], [D, S] or [D, S, M, M]
    return [finish(start, weights[i], bias[i], preactivations[i], left[i]) for i, start in enumerate(starts)]
