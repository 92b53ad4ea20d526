"""The family `two_layer`: trained as a batch, attacked in the span of its weights or on images, with exact radii."""

from collections.abc import Mapping, Sequence
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
from phaselab.workers.attacks.attacks import ExactLabel, ExactMethod
from phaselab.workers.attacks.averaged import exact_falls
from phaselab.workers.attacks.landscape import Victim
from phaselab.workers.attacks.lines import LINED, NEAREST
from phaselab.workers.attacks.span_victim import SpanVictim
from phaselab.workers.base.progress import each
from phaselab.workers.base.stop import Stop
from phaselab.workers.base.streams import Stream, generator, normal
from phaselab.workers.data.law import data_columns
from phaselab.workers.data.sources import source_of, training_set
from phaselab.workers.data.training_set import TrainingSet, precision_of, training_labels
from phaselab.workers.exact.exact import OfLayout
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
from phaselab.workers.families.past import frozen_products, past_of
from phaselab.workers.families.proofs import Exact, of_labels
from phaselab.workers.measures.layer import Layer
from phaselab.workers.measures.shown import Shown, own_side, root_mean_square
from phaselab.workers.networks.groups import label_margin, onehot, read_out
from phaselab.workers.networks.past import SeenLayer, change
from phaselab.workers.networks.trained import Networks, clean_accuracy
from phaselab.workers.networks.two_layer import TwoLayer, network_of, outputs
from phaselab.workers.training.autograd import preactivations_of
from phaselab.workers.training.engines import ENGINES
from phaselab.workers.training.training import Fitted, Start


@dataclass(frozen=True, eq=False)
class TwoLayers:
    """Trained networks of S runs; on images those of a single run."""

    runs: Sequence[Run]
    networks: Networks
    network: TwoLayer

    @cached_property
    def victim(self) -> Victim:
        """In the span of the weights; on images, where perturbations keep to a box, on the inputs."""
        if source_of(self.runs[0].settings).boxed:
            return self._on_images()
        sides = torch.tensor(label_groups(self.runs[0].settings).side_of_cluster, device=self.networks.side.device)
        return SpanVictim(self.networks, [run.seed for run in self.runs], sides, self.network)

    @property
    def exact(self) -> ExactMethod:
        """Bounds of the exact robust radii, which take no note of a box; perturbations in the attacks' coordinates."""
        return Exact(self.networks, OfLayout(self.network.layout))

    @property
    def exact_label(self) -> ExactLabel | None:
        """The same of the label; perturbations in the coordinates of `spanned`."""
        asked = self.runs[0].settings.attack.label_radius == "always"
        return of_labels(self.networks, OfLayout(self.network.layout), asked)

    @cached_property
    def clean(self) -> Mapping[Decision, Tensor]:
        """[S] per decision: test accuracy, in float64."""
        networks = self.networks
        of_groups = outputs(networks.preactivations.double(), self.network.layout)  # [S, c, N]
        return clean_accuracy(of_groups, self.network, networks.side, networks.label)

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """Weights [M, e''] and biases [M] of a single run."""
        return {"weights": self.networks.weights[0], "bias": self.networks.bias[0]}

    def shown(self) -> Shown:
        """What measures look at."""
        networks, groups = self.networks, self.network.layout.outputs
        return Shown(
            networks.loss,
            networks.accuracy,
            self.clean,
            networks.geometry,
            networks.coefficients,
            own_side(self.runs[0].settings, self.network.layout),
            networks.center_norms,
            networks.feature_fraction,
            networks.start_share,
            networks.noise_share,
            networks.dead_outputs,
            layers=[self._layer],
            inputs=networks.past.inputs,
            margin=networks.past.margin,
            side=networks.side,
            side_of_cluster=self._dealt.side_of_cluster,
            gradients=of_each(lambda readout: gradients(networks, self._read, readout), groups),
            averaged=of_each(self._averaged, groups) if has_features(self.runs[0].settings) else {},
            readout=self._readout,
        )

    @property
    def _dealt(self) -> LabelGroups:
        return label_groups(self.runs[0].settings)

    @property
    def _layer(self) -> Layer:
        networks, seen = self.networks, self.networks.preactivations  # [S, M, N]
        (past,) = networks.past.layers
        return Layer(SeenLayer(seen, seen.clamp_min(0)), networks.cluster, self._dealt, past, networks.weight_products)

    def _read(self, preactivations: Tensor, readout: Readout) -> Tensor:
        """[S, M, N] -> [S, N]"""
        return read_out(outputs(preactivations, self.network.layout), self.network, readout)

    def _averaged(self, readout: Readout) -> Tensor:
        """[S, N]"""
        networks = self.networks
        seen, scale = networks.preactivations.double(), root_mean_square(networks.center_norms)
        return exact_falls(seen, networks.averaged, self.network.layout, networks.side, scale, readout)

    @property
    def _readout(self) -> Tensor:
        """[S, c, M]: +1 and -1 of a binary network's neurons for its two groups, else 1 for the neurons of a group."""
        layout = self.network.layout
        own = onehot(layout.group_of_neuron, layout.outputs).double()  # [c, M]
        weights = own - own.flip(0) if self.network.biased else own
        return weights.expand(len(self.runs), -1, -1)

    def _on_images(self) -> Victim:
        (run,), networks, layout = self.runs, self.networks, self.network.layout
        weights, bias = networks.weights[0], networks.bias[0].unsqueeze(1)  # [M, d], [M, 1]

        def of_images(inputs: Tensor) -> Tensor:
            return outputs(weights @ inputs.T + bias, layout)

        return on_images(run, networks, of_images, layout.outputs, self.network.positive_groups)


class _TwoLayer:
    """The family."""

    together = True
    resumes = False

    def train(self, runs: Sequence[Run], device: str, stop: Stop | None) -> TrainedStack:
        """Train runs of one shape, those on the same data together. Raises Stopped, DataFault."""
        settings, network = runs[0].settings, network_of(runs[0].settings, device)
        finished, networks = train_networks(runs, device, stop)
        done = {run.key for run in finished}
        parts = attacked_together(len(finished), settings, network.layout.neurons, device)
        return TrainedStack(
            [TwoLayers(finished[part], networks.take(part), network) for part in parts],
            [diverged(run) for run in runs if run.key not in done],
        )

    def bytes_per_run(self, settings: Settings) -> int:
        """Training points and their Gram matrix, the engine's tensors, the test points and the attack's tensors."""
        data, n, points = settings.data, settings.data.n, settings.attack.test_points
        neurons, literal = family_of(settings).neurons(settings), data.draw == "literal"
        columns = data.d if literal else data_columns(data) + neurons
        shared = n * columns + (n * n if settings.training.engine == "gram" and n <= 2 * columns else 0)
        inputs = points * data.d if literal else 0
        training = 6 * neurons * n + 4 * neurons * columns + attacked_in_training(settings, neurons, columns, 1)
        attacking = 15 * neurons * points
        lines = 7 * (NEAREST + 2) * neurons * min(points, LINED)
        size = 8 if settings.training.precision == "float64" else 4
        double = 8 * (3 * neurons * columns + 8 * neurons**2 + neurons * points + lines)
        return size * (shared + inputs + training + attacking) + double


FAMILY = _TwoLayer()


def train_networks(runs: Sequence[Run], device: str, stop: Stop | None) -> tuple[list[Run], Networks]:
    """Train runs of one shape, those on the same data together.

    Gives the runs whose numbers stayed finite, in some order, and their networks. Raises Stopped, DataFault.
    """
    groups = by_training_set(runs)
    trained = each(bundles(groups, device), lambda bundle: _train(bundle, device, stop))
    networks = joined([one for part in trained for one in part])
    sound = finite(networks)  # [S]
    ordered = [run for same in groups for run in look_after_look(same)]
    finished = [run for run, good in zip(ordered, sound.tolist(), strict=True) if good]
    return finished, networks if len(finished) == len(ordered) else networks.take(sound)


def _train(groups: list[list[Trajectory]], device: str, stop: Stop | None) -> list[Networks]:
    """Train and look at the runs of some training sets."""
    starts = [start_training(same, training_set(same[0].longest, device), device) for same in groups]
    fitted = ENGINES[starts[0].runs[0].settings.training.engine](starts, stop)
    return [_look(start, one) for start, one in zip(starts, fitted, strict=True)]


def start_training(same: Sequence[Trajectory], data: TrainingSet, device: str) -> Start:
    """What the engines start from, for trainings on the same data that are looked at alike."""
    runs = [one.longest for one in same]
    network = network_of(runs[0].settings, device)
    drawn = [_draw_weights(run, network) for run in runs]
    weights = torch.stack([weights for weights, _ in drawn]).to(device)  # [S, M, e'']
    bias = torch.stack([bias for _, bias in drawn]).to(device)  # [S, M]
    label = training_labels(runs[0], data.cluster.cpu()).to(device)  # [n]
    return Start(runs, same[0].looks, data, label, network, weights, bias)


def _draw_weights(run: Run, network: TwoLayer) -> tuple[Tensor, Tensor]:
    """Initial weights [M, e''] and biases [M], zeros where the network has none."""
    neurons, scale = network.layout.neurons, run.settings.network.init_scale
    bias = normal(generator(run.seed, Stream.WEIGHTS, 1), (neurons,), precision_of(run))
    return source_of(run.settings).weights(run, neurons).mul_(scale), bias.mul_(scale if network.biased else 0.0)


def _look(start: Start, fitted: Fitted) -> Networks:
    start = start.each_look
    left = left_of(start.weights, fitted.left)  # [R, M, e'']
    return look(
        start.runs[0],
        start.data.centers,
        fitted.weights,
        fitted.bias,
        fitted.loss,
        fitted.accuracy,
        left,
        fitted.dead,
        past_of(start, *_training_points(start, fitted), frozen_products(start, fitted.weights, left)),
    )


def _training_points(start: Start, fitted: Fitted) -> tuple[list[SeenLayer], list[Tensor], list[Tensor], Tensor]:
    """The layer at the training points, its pre-activations before the first step, the change of its weights, and the
    normalized margin [S], of degree 1 in weights and biases."""
    inputs, weights, bias = start.data.inputs, fitted.weights, fitted.bias
    seen, began = (preactivations_of(inputs, *one) for one in ((weights, bias), (start.weights, start.bias)))
    margin = label_margin(outputs(seen.double(), start.network.layout), start.label).amin(dim=-1)  # [S]
    size = torch.cat([weights.double().flatten(1), bias.double()], dim=1).norm(dim=1)  # [S]
    return [SeenLayer(seen, seen.clamp_min(0))], [began], [change(weights, start.weights)], margin / size
