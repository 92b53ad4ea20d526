"""The family `mlp`: any depth on a linear first layer, attacked in the span of that layer's weights or on images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from phaselab.domain.families.registry import family_of
from phaselab.domain.results.measures import has_features
from phaselab.domain.results.results import Decision, Readout
from phaselab.domain.settings.labels import LabelGroups, label_groups
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Trajectory
from phaselab.workers.attacks.attacks import ExactLabel, ExactMethod, radii_of
from phaselab.workers.attacks.averaged import bounded_falls
from phaselab.workers.attacks.landscape import Victim
from phaselab.workers.attacks.lines import NEAREST
from phaselab.workers.attacks.mlp_victim import MlpVictim
from phaselab.workers.base.progress import each
from phaselab.workers.base.stop import Stop
from phaselab.workers.data.law import data_columns
from phaselab.workers.data.sources import source_of, training_set
from phaselab.workers.data.training_set import TrainingSet, training_labels
from phaselab.workers.exact.certified import Certified
from phaselab.workers.exact.exact import InSpan
from phaselab.workers.exact.mlp import exact_of
from phaselab.workers.families.contract import TrainedStack
from phaselab.workers.families.directions import gradients, of_each
from phaselab.workers.families.first_layer import (
    attacked_in_training,
    attacked_together,
    bundles,
    by_training_set,
    diverged,
    finite,
    joined,
    left_of,
    look,
    look_after_look,
    on_images,
)
from phaselab.workers.families.mlp_past import training_points
from phaselab.workers.families.past import frozen_products, past_of
from phaselab.workers.families.proofs import Bounded, Exact, of_labels
from phaselab.workers.measures.layer import Layer
from phaselab.workers.measures.shown import Shown, root_mean_square
from phaselab.workers.networks.groups import read_out
from phaselab.workers.networks.mlp import SIGNED, Mlp, Upper, hidden_layers, network_of, outputs, pushes
from phaselab.workers.networks.mlp_start import draw_start
from phaselab.workers.networks.trained import Networks, clean_accuracy
from phaselab.workers.training import mlp, mlp_gram
from phaselab.workers.training.mlp import MlpFitted, MlpStart

ENGINES: Mapping[str, Callable[[Sequence[MlpStart], Stop | None], list[MlpFitted]]] = {
    "gram": mlp_gram.train,
    "autograd": mlp.train,
}
"""Train every run of every start, up to its steps; the starts have equally many runs each, all of one shape and looked
at alike."""

TOGETHER = 8
"""Runs that are attacked and checked together whatever their size: where few of their points are left, together."""


@dataclass(frozen=True, eq=False)
class TrainedMlps:
    """Trained networks of S runs; on images those of a single run."""

    runs: Sequence[Run]
    networks: Networks
    """Their first layers"""
    upper: Upper
    steps: Tensor
    """[S] steps that were taken"""
    network: Mlp

    def take(self, numbers: Sequence[int]) -> "TrainedMlps":
        """Those of some runs, by their numbers."""
        index = torch.tensor(numbers, device=self.steps.device)
        upper = self.upper.each(lambda tensor: tensor[index])
        runs = [self.runs[number] for number in numbers]
        return TrainedMlps(runs, self.networks.take(index), upper, self.steps[index], self.network)

    @cached_property
    def victim(self) -> Victim:
        """In the span of the first layer's weights; on images, where perturbations keep to a box, on the inputs."""
        if source_of(self.runs[0].settings).boxed:
            return self._on_images()
        sides = torch.tensor(label_groups(self.runs[0].settings).side_of_cluster, device=self.networks.side.device)
        seeds, radii = [run.seed for run in self.runs], radii_of(self.runs[0].settings)
        return MlpVictim(self.networks, seeds, sides, self.network, self.upper, self._length, radii)

    @property
    def exact(self) -> ExactMethod | None:
        """Bounds of the robust radii, exact or certified, which take no note of a box."""
        settings = self.runs[0].settings
        if "exact" in settings.attack.methods:
            return Exact(self.networks, self._exactly)
        if "certified" not in settings.attack.methods:
            return None
        return Bounded(self.networks, Certified(self.network, self.upper, self._length), self.victim)

    @property
    def exact_label(self) -> ExactLabel | None:
        """The same of the label, where they are exact; perturbations in the coordinates of `spanned`."""
        attack = self.runs[0].settings.attack
        asked = attack.label_radius == "always"
        return of_labels(self.networks, self._exactly, asked) if "exact" in attack.methods else None

    @property
    def _exactly(self) -> InSpan:
        return exact_of(self.network, self.upper, self.runs[0].settings.network.output == "fixed")

    @cached_property
    def clean(self) -> Mapping[Decision, Tensor]:
        """[S] per decision: test accuracy, in float64."""
        seen, upper = self.networks.preactivations.double(), self.upper.each(torch.Tensor.double)
        of_groups = outputs(seen, self._length, upper, self.network)  # [S, c, N]
        return clean_accuracy(of_groups, self.network, self.networks.side, self.networks.label)

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """Weights [M, e''] and biases [M] of the first layer of a single run, and what stands above it."""
        first = {"weights": self.networks.weights[0], "bias": self.networks.bias[0]}
        return first | {name: tensor[0] for name, tensor in self.upper.named()}

    def shown(self) -> Shown:
        """What measures look at. A neuron's side is that to which it pushes the sum readout at the test points."""
        networks = self.networks
        groups = self.network.layout.outputs
        pushed = pushes(networks.preactivations, self._length.to(networks.weights), self.upper, self.network)  # [S, M]
        side = torch.tensor(label_groups(self.runs[0].settings).side_of_cluster).to(pushed)  # [k]
        return Shown(
            networks.loss,
            networks.accuracy,
            self.clean,
            networks.geometry,
            networks.coefficients,
            pushed.unsqueeze(-1) == side,  # [S, M, k]
            networks.center_norms,
            networks.feature_fraction,
            networks.start_share,
            networks.noise_share,
            steps_taken=self.steps,
            layers=self._layers(),
            inputs=networks.past.inputs,
            margin=networks.past.margin,
            side=networks.side,
            side_of_cluster=self._dealt.side_of_cluster,
            gradients=of_each(lambda readout: gradients(networks, self._read, readout), groups),
            averaged=of_each(self._averaged, groups) if has_features(self.runs[0].settings) else {},
            readout=self._readout,
            readout_trained=self.runs[0].settings.network.output == "trained",
        )

    @property
    def _dealt(self) -> LabelGroups:
        return label_groups(self.runs[0].settings)

    def _layers(self) -> list[Layer]:
        networks, activation = self.networks, self.network.activation
        length, upper = self._length.to(networks.weights), self.upper
        seen = hidden_layers(networks.preactivations, length, upper, self.network)
        products = [networks.weight_products, *(one.double() @ one.double().mT for one in upper.hidden)]
        kind = {"signed": activation in SIGNED, "linear": activation == "linear"}
        each_layer = zip(seen, networks.past.layers, products, strict=True)
        return [Layer(one, networks.cluster, self._dealt, past, own, **kind) for one, past, own in each_layer]

    def _read(self, preactivations: Tensor, readout: Readout) -> Tensor:
        """[S, M, N] -> [S, N]"""
        upper, length = self.upper.each(lambda one: one.to(preactivations)), self._length.to(preactivations)
        return read_out(outputs(preactivations, length, upper, self.network), self.network, readout)

    def _averaged(self, readout: Readout) -> Tensor:
        """[S, N]"""
        networks = self.networks
        seen, scale = networks.preactivations.double(), root_mean_square(networks.center_norms)
        return bounded_falls(lambda moved: self._read(moved, readout), seen, networks.averaged, networks.side, scale)

    @property
    def _readout(self) -> Tensor:
        """[S, c, M]: of a binary network what stands for its two groups, f and -f."""
        weights = self.upper.output.double()  # [S, o, M]
        return torch.cat([weights, -weights], dim=1) if self.network.binary else weights

    @cached_property
    def _length(self) -> Tensor:
        """[S, M] float64: |w_r|"""
        length: Tensor = self.networks.weights.double().norm(dim=-1)
        return length

    def _on_images(self) -> Victim:
        (run,), networks = self.runs, self.networks
        weights, bias = networks.weights[0], networks.bias[0].unsqueeze(1)  # [M, d], [M, 1]
        length, upper = self._length[0].to(weights), self.upper.each(lambda tensor: tensor[0])

        def of_images(inputs: Tensor) -> Tensor:
            return outputs(weights @ inputs.T + bias, length, upper, self.network)

        return on_images(run, networks, of_images, self.network.layout.outputs, self.network.positive_groups)


class _Mlp:
    """The family."""

    together = True
    resumes = False

    def train(self, runs: Sequence[Run], device: str, stop: Stop | None) -> TrainedStack:
        """Train runs of one shape, those on the same data together. Raises Stopped, DataFault."""
        settings, network = runs[0].settings, network_of(runs[0].settings, device)
        ordered, trained = train_networks(runs, device, stop)
        sound = (finite(trained.networks) & _upper_is_finite(trained.upper)).tolist()
        good = [i for i, well in enumerate(sound) if well]
        parts = attacked_together(len(good), settings, network.layout.neurons, device, TOGETHER)
        return TrainedStack(
            [trained.take(good[part]) for part in parts],
            [diverged(run) for run, well in zip(ordered, sound, strict=True) if not well],
        )

    def bytes_per_run(self, settings: Settings) -> int:
        """Training points and their Gram matrix, the engine's tensors, the test points and the attack's tensors, each
        hidden layer's kept for the gradient."""
        data, n, points = settings.data, settings.data.n, settings.attack.test_points
        neurons, literal, depth = family_of(settings).neurons(settings), data.draw == "literal", settings.network.depth
        columns = data.d if literal else data_columns(data) + neurons
        shared = n * columns + (n * n if settings.training.engine == "gram" and n <= 2 * columns else 0)
        inputs = points * data.d if literal else 0
        training = 6 * depth * neurons * n + 4 * neurons * (columns + (depth - 2) * neurons)
        training += attacked_in_training(settings, neurons, columns, depth - 1)
        attacking = (12 + 6 * depth) * neurons * points
        lines = 7 * (NEAREST + 2) * depth * neurons * points
        size = 8 if settings.training.precision == "float64" else 4
        double = 8 * (3 * neurons * columns + (8 + depth) * neurons**2 + depth * neurons * points + lines)
        return size * (shared + inputs + training + attacking) + double


FAMILY = _Mlp()


def train_networks(runs: Sequence[Run], device: str, stop: Stop | None) -> tuple[list[Run], "TrainedMlps"]:
    """Train runs of one shape, those on the same data together: the runs in some order, and their networks, whose
    numbers need not be finite. Raises Stopped, DataFault."""
    groups = by_training_set(runs)
    trained = each(bundles(groups, device), lambda bundle: _train(bundle, device, stop))
    looked, fitted = zip(*(one for part in trained for one in part), strict=True)
    upper = Upper.joined([one.upper for one in fitted], torch.cat)
    ordered = [run for same in groups for run in look_after_look(same)]
    steps = torch.cat([one.steps for one in fitted])
    return ordered, TrainedMlps(ordered, joined(looked), upper, steps, network_of(runs[0].settings, device))


def _train(groups: list[list[Trajectory]], device: str, stop: Stop | None) -> list[tuple[Networks, MlpFitted]]:
    """Train and look at the runs of some training sets."""
    starts = [start_training(same, training_set(same[0].longest, device), device) for same in groups]
    fitted = ENGINES[starts[0].runs[0].settings.training.engine](starts, stop)
    return [(looked(start, one), one) for start, one in zip(starts, fitted, strict=True)]


def start_training(same: Sequence[Trajectory], data: TrainingSet, device: str) -> MlpStart:
    """What the engines start from, for trainings on the same data that are looked at alike."""
    runs = [one.longest for one in same]
    network = network_of(runs[0].settings, device)
    drawn = [draw_start(run, network, data.centers.to("cpu")) for run in runs]
    weights = torch.stack([weights for weights, _, _ in drawn]).to(device)  # [S, M, e'']
    bias = torch.stack([bias for _, bias, _ in drawn]).to(device)  # [S, M]
    upper = Upper.joined([upper for _, _, upper in drawn], torch.stack).each(lambda tensor: tensor.to(device))
    label = training_labels(runs[0], data.cluster.cpu()).to(device)  # [n]
    return MlpStart(runs, same[0].looks, data, label, network, weights, bias, upper)


def looked(start: MlpStart, fitted: MlpFitted) -> Networks:
    """The first layers of fitted networks, with a look at the test points."""
    start = start.each_look
    left = left_of(start.weights, fitted.left)  # [R, M, e'']
    unknown = torch.full_like(fitted.loss, torch.nan)  # [R]
    frozen = frozen_products(start, fitted.weights, left)
    return look(
        start.runs[0],
        start.data.centers,
        fitted.weights,
        fitted.bias,
        fitted.loss,
        fitted.accuracy,
        left,
        unknown,
        past_of(start, *training_points(start, fitted), frozen),
    )


def _upper_is_finite(upper: Upper) -> Tensor:
    """[S] bool"""
    sound = torch.ones_like(upper.scale, dtype=torch.bool)
    for tensor in upper.tensors:
        sound = sound & tensor.reshape(len(tensor), -1).isfinite().all(dim=1)
    return sound
