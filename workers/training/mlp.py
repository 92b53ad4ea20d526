"""Networks of any depth in training: what engines start from and give, when they stop, and the reference engine.

The reference is plain PyTorch with automatic differentiation and torch's own optimizers, one run at a time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from phaselab.domain.results.states import Stage
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings, Training
from phaselab.workers.base.progress import each, tell
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.data.training_set import TrainingSet
from phaselab.workers.networks.groups import label_margin
from phaselab.workers.networks.mlp import Mlp, Upper, outputs
from phaselab.workers.training.adversarial import FirstLayer, OnInputs, has_directions
from phaselab.workers.training.autograd import left_of_start, optimizer_of, preactivations_of, rows_of
from phaselab.workers.training.training import by_look


@dataclass(frozen=True, eq=False)
class MlpStart:
    """S trainings of one shape on one training set."""

    runs: Sequence[Run]
    """Those in which the trainings end"""
    looks: Sequence[int]
    """[L] the steps after which every training is looked at, ascending, up to its last one"""
    data: TrainingSet
    label: Tensor
    """[n] long"""
    network: Mlp
    weights: Tensor
    """[S, M, e''] with e'' >= e: columns past those of the inputs meet only zeros."""
    bias: Tensor
    """[S, M]"""
    upper: Upper
    """[S, ...]"""

    def alone(self, i: int) -> "MlpStart":
        """The training of that number alone."""
        this = slice(i, i + 1)
        upper = self.upper.each(lambda tensor: tensor[this])
        return replace(self, runs=[self.runs[i]], weights=self.weights[this], bias=self.bias[this], upper=upper)

    @property
    def each_look(self) -> "MlpStart":
        """The start of every network that is looked at, look after look, S being L * S."""
        looks = len(self.looks)
        if looks == 1:
            return self
        weights, bias = self.weights.repeat(looks, 1, 1), self.bias.repeat(looks, 1)
        upper = self.upper.each(lambda tensor: tensor.repeat(looks, *[1] * (tensor.dim() - 1)))
        return replace(self, runs=[*self.runs] * looks, weights=weights, bias=bias, upper=upper)


@dataclass(frozen=True, eq=False)
class MlpFitted:
    """The networks of S trainings at L looks, with the loss and accuracy on the training set; R = L * S."""

    weights: Tensor
    """[R, M, e'']"""
    bias: Tensor
    """[R, M]"""
    upper: Upper
    """[R, ...]"""
    loss: Tensor
    """[R] mean training loss"""
    accuracy: Tensor
    """[R] share of training points whose own label has strictly the largest output"""
    left: Tensor
    """[R, M] the factors that are left of the neurons' initial weights, W = diag(left) W0 + V, V being learned, or [R]
    that of all; in adversarial training a matrix [R, M, M]; nan where that is not known"""
    steps: Tensor
    """[R] steps that were taken"""


def finish(start: MlpStart, weights: Tensor, bias: Tensor, upper: Upper, left: Tensor, steps: Tensor) -> MlpFitted:
    """Fitted networks from their weights, what is left of the start, and the steps taken [R]."""
    seen = preactivations_of(start.data.inputs, weights, bias)  # [R, M, n]
    of_groups = outputs(seen, weights.norm(dim=-1), upper, start.network)  # [R, c, n]
    accuracy = (label_margin(of_groups, start.label) > 0).double().mean(dim=-1)  # [R]
    loss = start.network.mean_loss(of_groups, start.label)
    return MlpFitted(weights, bias, upper, loss, accuracy, left, steps)


def trained_parts(settings: Settings) -> frozenset[str]:
    """Which of `weights`, `bias`, `hidden`, `hidden_bias`, `output` and `output_bias` are trained, of canonical
    settings."""
    network, train = settings.network, settings.training.train
    found = {"weights", *(["bias"] if network.bias != "none" else [])} if train != "output" else set()
    every = network.bias == "all"
    if train == "all":
        found |= {"hidden", *(["hidden_bias"] if every else [])}
    if train != "first" and network.output == "trained":
        found |= {"output", *(["output_bias"] if every else [])}
    return frozenset(found)


def decay_of(part: str, training: Training) -> float:
    """The weight decay of a part of those that `trained_parts` names."""
    own = training.output_weight_decay if part.startswith("output") else None
    return training.weight_decay if own is None else own


def reached(training: Training, of_groups: Tensor, label: Tensor, network: Mlp) -> Tensor:
    """[...] bool: whether training is to stop, from the outputs [..., c, n] at all training points."""
    done = torch.zeros(of_groups.shape[:-2], dtype=torch.bool, device=of_groups.device)
    if training.stop_margin is not None:
        done |= label_margin(of_groups, label).amin(dim=-1) >= training.stop_margin
    if training.stop_loss is not None:
        done |= network.mean_loss(of_groups, label) <= training.stop_loss
    return done


def steps_between_looks(settings: Settings) -> int | None:
    """Steps after which it is asked whether training is to stop: every one of full batches, every epoch of others; null
    where it is not to stop early."""
    training = settings.training
    if training.stop_margin is None and training.stop_loss is None:
        return None
    return 1 if training.batch_size is None else max(1, settings.data.n // training.batch_size)


def train(starts: Sequence[MlpStart], stop: Stop | None = None) -> list[MlpFitted]:
    """Train every run of every start, up to its steps. Raises Stopped."""
    return each(starts, lambda start: _train(start, stop))


def _train(start: MlpStart, stop: Stop | None) -> MlpFitted:
    trained = each(range(len(start.runs)), lambda i: _One(start, i).train(stop))
    weights, bias = (by_look([getattr(one, name) for one in trained]) for name in ("weights", "bias"))
    left = by_look([weights.new_tensor(one.left) for one in trained])  # [R]
    steps = by_look([torch.tensor(one.steps, device=weights.device) for one in trained])
    return finish(start, weights, bias, Upper.joined([one.upper for one in trained], by_look), left, steps)


@dataclass(frozen=True, eq=False)
class _Trained:
    """A training at its L looks."""

    weights: Tensor
    """[L, M, e'']"""
    bias: Tensor
    """[L, M]"""
    upper: Upper
    """[L, ...]"""
    steps: list[int]
    """Steps that were taken"""
    left: list[float]
    """The factors that are left of the first layer's start; nan for powers, of which each neuron keeps another."""


class _One:
    """A run in training, in place."""

    def __init__(self, start: MlpStart, i: int) -> None:
        self._start, self._run = start, start.runs[i]
        parts = trained_parts(self._run.settings)
        self._leaves: dict[str, list[Tensor]] = {part: [] for part in sorted(parts)}
        self._weights = self._leaf(start.weights[i], "weights")
        self._bias = self._leaf(start.bias[i], "bias")
        upper = start.upper.each(lambda tensor: tensor[i])
        self._upper = Upper(
            tuple(self._leaf(one, "hidden") for one in upper.hidden),
            tuple(self._leaf(one, "hidden_bias") for one in upper.hidden_bias),
            self._leaf(upper.output, "output"),
            self._leaf(upper.output_bias, "output_bias"),
            upper.scale,
            upper.unit,
        )
        self._first = "weights" in parts
        layout, data = start.network.layout, start.data
        self._attack = OnInputs(self._run, data.inputs, layout.outputs, start.network.positive_groups)
        training = self._run.settings.training
        every = [{"params": of, "weight_decay": decay_of(part, training)} for part, of in self._leaves.items() if of]
        self._optimizer = optimizer_of(training, every)
        self._steps: list[int] = []
        self._seen: list[list[Tensor]] = []

    def _leaf(self, value: Tensor, part: str) -> Tensor:
        leaf = value.clone().requires_grad_(part in self._leaves)
        if part in self._leaves:
            self._leaves[part].append(leaf)
        return leaf

    def train(self, stop: Stop | None) -> _Trained:
        """To the last look, or to where training is to stop: what is looked at later is as it was then."""
        settings, looks = self._run.settings, self._start.looks
        between, step = steps_between_looks(settings), 0
        for step, rows in zip(range(looks[-1] + 1), rows_of(self._run), strict=False):
            self._look(step, looks.count(step))
            if step == looks[-1] or (between is not None and step % between == 0 and self._is_done()):
                break
            check(stop)
            tell(Stage.TRAINING, step, looks[-1])
            self._step(step, rows, stop)
        self._look(step, len(looks) - len(self._seen))
        weights, bias, *upper = (torch.stack(same) for same in zip(*self._seen, strict=True))
        return _Trained(weights, bias, Upper.of(upper), self._steps, self._left())

    @torch.enable_grad()
    def _step(self, step: int, rows: Tensor | None, stop: Stop | None) -> None:
        """The step of that number on the points of `rows`, null for all of them."""
        start, settings = self._start, self._run.settings
        inputs, label = start.data.inputs, start.label
        if rows is not None:
            inputs, label = inputs[rows.to(label.device)], label[rows.to(label.device)]
        if has_directions(settings, step):
            inputs = self._attack(inputs, label, self._layer, stop)
        self._optimizer.zero_grad()
        loss = start.network.mean_loss(self._outputs(inputs), label)
        (loss / settings.network.multiplier**2).backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def _look(self, step: int, times: int) -> None:
        """Keep the network as it is now, so many times over."""
        if times:
            self._steps += [step] * times
            now = self._weights, self._bias, *self._upper.tensors
            self._seen += [[tensor.detach().clone() for tensor in now]] * times

    def _outputs(self, inputs: Tensor) -> Tensor:
        """[c, n] at inputs [n, e]."""
        seen = preactivations_of(inputs, self._weights, self._bias)  # [M, n]
        return outputs(seen, self._weights.norm(dim=-1), self._upper, self._start.network)

    @property
    def _layer(self) -> FirstLayer:
        network, length = self._start.network, self._weights.norm(dim=-1)  # [M]
        above = partial(outputs, length=length, upper=self._upper, network=network)
        return FirstLayer(self._weights, self._bias, above, network.score)

    def _is_done(self) -> bool:
        start, training = self._start, self._run.settings.training
        with torch.no_grad():
            return bool(reached(training, self._outputs(start.data.inputs), start.label, start.network))

    def _left(self) -> list[float]:
        if not self._first:
            return [1.0] * len(self._steps)
        if self._start.network.power not in (None, 1.0):
            return [math.nan] * len(self._steps)
        return left_of_start(self._run.settings.training, self._steps)
