"""The fast engine of networks of any depth: the first layer in the span of the data, the others as they are.

The gradient by the pre-activations, by the lengths of the first layer's weights that `power` divides by, and by what
stands above comes from a pass through the network and back, for all runs at once. Derivation: docs/methods/mlp.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from functools import partial
from itertools import repeat

import torch
from torch import Tensor

from phaselab.domain.results.states import Stage
from phaselab.workers.base.progress import each, tell
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.networks.mlp import Upper, outputs
from phaselab.workers.networks.passes import FIRST, LENGTH, Name, Pass
from phaselab.workers.training.adversarial import InSpan, has_directions, in_span
from phaselab.workers.training.in_span import Descent, FirstLayers, LayersSeen, settings_of, stacked
from phaselab.workers.training.mixed import MixedLayers, mixing_of
from phaselab.workers.training.mlp import (
    MlpFitted,
    MlpStart,
    decay_of,
    finish,
    reached,
    steps_between_looks,
    trained_parts,
)
from phaselab.workers.training.training import batches, by_look


def train(starts: Sequence[MlpStart], stop: Stop | None = None) -> list[MlpFitted]:
    """Train every run of every start, up to its steps, exact up to rounding; the starts have equally many runs each,
    all of one shape and looked at alike. Raises Stopped, and ValueError for Adam.
    """
    if starts[0].runs[0].settings.training.batch_size is not None:
        return each(starts, lambda start: _train_on_batches(start, stop))
    return _train(starts, repeat(None), stop)


def _train_on_batches(start: MlpStart, stop: Stop | None) -> MlpFitted:
    """Every training by itself, for each has its own order of batches."""
    alone = [start.alone(i) for i in range(len(start.runs))]
    trained = each(alone, lambda one: _train([one], batches(one.runs[0]), stop)[0])
    upper = Upper.joined([one.upper for one in trained], by_look)
    names = [field.name for field in fields(MlpFitted) if field.name != "upper"]
    return replace(trained[0], upper=upper, **{n: by_look([getattr(one, n) for one in trained]) for n in names})


def _train(starts: Sequence[MlpStart], rows: Iterator[Tensor | None], stop: Stop | None) -> list[MlpFitted]:
    """Train all together, each step on the points of `rows`, null for all of them. Where all are to stop before the
    last look, what is looked at later is as it was then."""
    state, looks = _State(starts), starts[0].looks
    between, last, seen = steps_between_looks(starts[0].runs[0].settings), looks[-1], 0
    for step, points in zip(range(last), rows, strict=False):
        check(stop)
        tell(Stage.TRAINING, step, last)
        state.look(looks.count(step))
        seen += looks.count(step)
        if not state.step(points, between is not None and step % between == 0):
            break
    state.look(len(looks) - seen)
    return state.finish()


class _State:
    """The networks of D training sets with S runs each, in training."""

    def __init__(self, starts: Sequence[MlpStart]) -> None:
        self.starts, self.network = starts, starts[0].network
        self.settings, runs = starts[0].runs[0].settings, [start.runs for start in starts]
        self.parts = trained_parts(self.settings)
        self.moves_first = "weights" in self.parts
        powered = self.network.power is not None
        biased, radius = "bias" in self.parts, self.settings.training.adversarial_radius
        self.mixed = MixedLayers(starts, runs, biased) if radius else None
        self.layers = self.mixed or FirstLayers(starts, runs, biased, powered)
        self.label = stacked([start.label for start in starts]).unsqueeze(1)  # [D, 1, n]
        self.upper = Upper.joined([start.upper for start in starts], torch.stack)  # [D, S, ...]
        self.trained = {
            name: Descent(settings_of(runs), tensor, partial(decay_of, name[0]))
            for name, tensor in _by_name(self.upper)
            if name[0] in self.parts
        }
        first = [FIRST, *([LENGTH] if powered else [])] if self.moves_first else []
        self.wanted = frozenset([*self.trained, *first])
        self.square = self.layers.start.square().sum(dim=-1) if powered else None  # |w0|^2 [D, S, M]
        factors = [[run.settings.network.multiplier**-2 for run in same] for same in runs]
        self.factor = self.layers.share.new_tensor(factors)  # [D, S]
        self.running = torch.ones_like(self.factor, dtype=torch.bool)  # [D, S]
        self.taken = torch.zeros_like(self.running, dtype=torch.long)
        self.looks: list[tuple[LayersSeen, Upper, Tensor]] = []

    def step(self, points: Tensor | None, look: bool) -> bool:
        """One step on the points [b], null for all, of the runs that are not done; false where all are, and nothing is
        left to do. `look` at whether more are done."""
        length = None
        if points is None or look or self.square is not None:
            whole = self.layers.preactivations()  # [D, S, M, n]
            length = None if self.square is None else self._length(whole, self.square)
            if look and not self._go_on(whole, length):
                return False
            seen = whole if points is None else whole[..., points]
        else:
            seen = self.layers.at(points)
        label = self.label if points is None else self.label[..., points]
        attacked = self._attacked(seen, length, label)
        found = self._gradients(seen if attacked is None else attacked.seen, length, label)
        self._move(found, points, length, attacked)
        self.taken += self.running
        return True

    def _attacked(self, seen: Tensor, length: Tensor | None, label: Tensor) -> InSpan | None:
        """The points [D, S, M, N], moved to where their loss is larger; null in plain training."""
        if self.mixed is None:
            return None
        if not has_directions(self.settings, int(self.taken.max())):
            return InSpan(seen, torch.zeros_like(seen))

        def judge(at: Tensor) -> Tensor:
            return self.network.score(self._outputs(at, length), label)

        return in_span(seen, self.mixed.factor(), judge, self.mixed.radius)

    def _gradients(self, seen: Tensor, length: Tensor | None, label: Tensor) -> dict[Name, Tensor]:
        """Of the loss over multiplier^2, by all that moves: the pre-activations [D, S, M, N], the lengths [D, S, M],
        and what is trained above."""
        passed = Pass.of(seen, self._lengths(seen, length), self.upper, self.network)
        slope = self.network.loss_slope(passed.outputs, label, self.factor / label.shape[-1])  # [D, S, c, N]
        return dict(passed.gradients(slope, self.wanted))

    def _outputs(self, seen: Tensor, length: Tensor | None) -> Tensor:
        """[D, S, c, N] from pre-activations [D, S, M, N]; without powers nobody asks for lengths."""
        return outputs(seen, self._lengths(seen, length), self.upper, self.network)

    @staticmethod
    def _lengths(seen: Tensor, length: Tensor | None) -> Tensor:
        return seen[..., 0] if length is None else length

    def _length(self, preactivations: Tensor, square: Tensor) -> Tensor:
        """|w| [D, S, M], from |w0|^2 and W = a W0 + C X: |w|^2 = a^2 |w0|^2 + a C.(W0 X^T) + C.(P - b)."""
        if self.mixed is not None:
            lengths: Tensor = self.mixed.weights(self.mixed.now).norm(dim=-1)
            return lengths
        layers, share = self.layers, self.layers.share.squeeze(-1)  # [D, S, M]
        initial = layers.initial.view_as(layers.coefficients)  # [D, S, M, n]
        within = (layers.coefficients * (initial * layers.share + preactivations - layers.bias)).sum(dim=-1)
        return (share.square() * square + within).clamp_min(0).sqrt()

    def _go_on(self, preactivations: Tensor, length: Tensor | None) -> bool:
        """Hold the runs that are done by what they make of all points [D, S, M, n]; whether others are left."""
        of_groups = self._outputs(preactivations, length)
        self.running &= ~reached(self.settings.training, of_groups, self.label, self.network)
        for move in (*self.layers.moves, *self.trained.values()):
            move.hold(~self.running)
        return bool(self.running.any())

    def _move(
        self, gradients: dict[Name, Tensor], points: Tensor | None, length: Tensor | None, attacked: InSpan | None
    ) -> None:
        """One step of everything that is trained."""
        by_first, by_length = gradients.pop(FIRST, None), gradients.pop(LENGTH, None)
        for name, gradient in gradients.items():
            self.trained[name](gradient)
        if by_first is None:
            return
        along = None if by_length is None or length is None else (by_length / length.detach()).unsqueeze(-1)
        if attacked is not None:
            along = mixing_of(by_first, attacked.mixing, along)
        if points is None:
            self.layers.step(by_first, along)
        else:
            self.layers.step_on(points, by_first, along)

    def look(self, times: int) -> None:
        """Keep the networks as they are now, so many times over."""
        if times:
            now = self.layers.now.kept(), self.upper.each(torch.clone), self.taken.clone()
            self.looks += [now] * times

    def finish(self) -> list[MlpFitted]:
        """The networks that were kept, of each training set."""
        layers = LayersSeen.joined([layers for layers, _, _ in self.looks])
        weights, bias = self.layers.weights(layers), layers.bias.squeeze(-1)  # [D, R, M, e''], [D, R, M]
        left = self.layers.left(layers)  # [D, R], [D, R, M] or [D, R, M, M]
        upper = Upper.joined([upper for _, upper, _ in self.looks], partial(torch.cat, dim=1))  # [D, R, ...]
        uppers = [Upper.of(tensors) for tensors in zip(*upper.tensors, strict=True)]
        taken = torch.cat([taken for _, _, taken in self.looks], dim=1)  # [D, R]
        each_set = zip(self.starts, weights, bias, uppers, left, taken, strict=True)
        return [finish(*one) for one in each_set]


def _by_name(upper: Upper) -> Iterator[tuple[Name, Tensor]]:
    """Every tensor that can be trained, by its part and its number."""
    for part, tensors in (("hidden", upper.hidden), ("hidden_bias", upper.hidden_bias)):
        yield from (((part, number), tensor) for number, tensor in enumerate(tensors))
    yield from ((("output", 0), upper.output), (("output_bias", 0), upper.output_bias))
