"""The family `resnet18`: networks on images, one after the other, from their checkpoints on; no exact radii."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from phaselab.domain.families.resnet18 import WIDTH
from phaselab.domain.results.results import Decision, RunFailure
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.attacks.inputs import InputPoints, InputVictim
from phaselab.workers.base.checkpoint import Checkpoint, State
from phaselab.workers.base.device import device_name
from phaselab.workers.base.progress import run_at_work
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.data import image_data
from phaselab.workers.data.features import Features
from phaselab.workers.data.image_data import Box, images_of
from phaselab.workers.data.training_set import Centers, centred_means, training_labels
from phaselab.workers.families.contract import TrainedStack
from phaselab.workers.families.past import input_compression
from phaselab.workers.families.resnet18_layers import Looking, gradients_of, layers_of
from phaselab.workers.measures.layer import Layer
from phaselab.workers.measures.shown import Shown, feature_fraction, features_held, own_side
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.past import LayerPast
from phaselab.workers.networks.resnet import ResNet18, draw_resnet
from phaselab.workers.networks.trained import geometry
from phaselab.workers.training.resnet import train

BATCH = {"cpu": 100, "cuda": 500}
"""Images that are attacked or looked at together."""
BYTES = 16e9
"""Memory of a ResNet-18 of width 64 at its peak, when 2,000 images of 32 x 32 are attacked together: three tensors a
convolution are kept for the gradient, of 2,000 x 64 x 32 x 32 numbers in the first stage (0.5 GB) and half as many in
each further one. Other widths in proportion."""


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """What a network is trained on, on its device."""

    images: Tensor
    """[n, channels, side, side]"""
    label: Tensor
    """[n] long"""
    cluster: Tensor
    """[n] long"""
    real: Tensor
    """[n, channels, side, side]: `images`, or what they are clones of"""
    box: Box


@dataclass(frozen=True, eq=False)
class TrainedResNet(TrainingImages):
    """A trained network and the images that it was trained on, on its device."""

    network: ResNet18
    ended: State
    """Where its training ended, from which one of more steps goes on"""


@dataclass(frozen=True, eq=False)
class Seen:
    """What a trained network makes of the training images as they are, without augmentation."""

    loss: Tensor
    """[1] float64"""
    accuracy: Tensor
    """[1] float64"""
    centers: Tensor
    """[k, e] float64: centred class means of the features"""
    layers: tuple[LayerPast, ...]
    """Of the stem and of every block"""


@dataclass(frozen=True, eq=False)
class ResNetRun:
    """The trained network of a run."""

    run: Run
    trained: TrainedResNet
    seen: Seen
    exact = None
    exact_label = None

    @property
    def runs(self) -> Sequence[Run]:
        """The run alone."""
        return [self.run]

    @cached_property
    def victim(self) -> InputVictim:
        """The network on its test images."""
        return victim_of(self.run, self.trained)

    @property
    def clean(self) -> Mapping[Decision, Tensor]:
        """[1] per decision: test accuracy."""
        return self.victim.points.accuracy

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """Every parameter and buffer, under its PyTorch name."""
        return dict(self.trained.network.state_dict())

    def shown(self) -> Shown:
        """What measures look at: the neurons are the head's rows, the centres those of the features."""
        head = self.trained.network.head.weight.double()  # [c, e]
        head = head - head.mean(dim=0)  # what all outputs share decides nothing
        neurons, centers = geometry(head.unsqueeze(0), self.seen.centers), Centers.means(self.seen.centers)
        dealt, points = label_groups(self.run.settings), self.victim.points
        layout = GroupLayout.build(dealt.side_of_group, 1, head.device)
        images = self.trained.images
        return Shown(
            self.seen.loss,
            self.seen.accuracy,
            self.clean,
            neurons,
            features_held(neurons, centers),
            own_side(self.run.settings, layout),
            centers.norms.unsqueeze(0),
            feature_fraction(neurons, centers),
            layers=self._layers(points),
            inputs=input_compression(images.flatten(1), self.trained.label, len(dealt.side_of_group)),
            side=points.side.long().unsqueeze(0),
            side_of_cluster=dealt.side_of_cluster,
            gradients=gradients_of(
                points, centred_means(self.trained.real.flatten(1), self.trained.cluster, len(centers.points))
            ),
            readout=head.unsqueeze(0),
        )

    @property
    def _means(self) -> Tensor:
        """[k, d]: the centred class means of the images."""
        trained = self.trained
        return centred_means(trained.real.flatten(1), trained.cluster, self.run.settings.data.k)

    def _layers(self, points: InputPoints) -> list[Layer]:
        """The stem and every block."""
        cluster = image_data.test_images(self.run)[0].to(points.inputs.device)
        images = points.inputs.view(-1, *self.trained.images.shape[1:])
        batches = torch.split(images, points.at_once)
        return layers_of(self.trained.network, batches, cluster, self.seen.layers, self.run)


class _ResNet18:
    """The family."""

    together = False
    resumes = True

    def train(self, runs: Sequence[Run], device: str, stop: Stop | None) -> TrainedStack:
        """Train the networks of runs of one training, each from where the one before it ended. Raises Stopped,
        DataFault."""
        failures: list[RunFailure] = []
        return TrainedStack(_one_by_one(runs, device, stop, failures), failures)

    def bytes_per_run(self, settings: Settings) -> int:
        """By the width."""
        return int(BYTES * _width(settings) / WIDTH)

    def extract(self, run: Run, device: str, stop: Stop | None) -> Features:
        """What the head sees of the training images and of every test image. Raises Stopped, DataFault."""
        trained = train_resnet(run, device, stop)
        network, source = trained.network, images_of(run.settings.data)
        cluster, flat = image_data.every_test_image(run)
        shown = flat.view(-1, source.channels, source.side, source.side).to(device)  # [N, channels, side, side]
        train, test = (features_of(network, seen, stop) for seen in (trained.images, shown))  # [n, e], [N, e]
        label = training_labels(run, cluster).to(device)  # [N]: an extractor's labels have no noise
        right = float((network.head(test).argmax(dim=1) == label).double().mean())
        about = f"names {100 * right:.1f} % of all test images rightly; trained on {device_name(device)}"
        images = image_data.origin(run.settings.data)
        return Features(train.cpu(), test.cpu(), {"images": images, "extractor": about})


FAMILY = _ResNet18()


def _one_by_one(runs: Sequence[Run], device: str, stop: Stop | None, failures: list[RunFailure]) -> Iterator[ResNetRun]:
    """The trained networks, one at a time; what gave none goes to the failures."""
    trained = None
    for run in runs:
        with run_at_work(run.key):
            trained = train_resnet(run, device, stop, trained)
            seen = look(trained, run, stop)
        if math.isfinite(seen.loss):
            yield ResNetRun(run, trained, seen)
        else:
            failures.append(_diverged(run))


def _diverged(run: Run) -> RunFailure:
    rate, steps = f"{run.settings.training.learning_rate:g}", run.settings.training.steps
    return RunFailure(run.key, f"training diverged: the loss is not finite after {steps} steps at rate {rate}")


def _width(settings: Settings) -> int:
    """Channels of the first stage. Raises ValueError for settings that are not canonical."""
    if not isinstance(settings.network.width, int):
        raise ValueError("the settings are not canonical: network.width is auto")
    return settings.network.width


def train_resnet(run: Run, device: str, stop: Stop | None, before: TrainedResNet | None = None) -> TrainedResNet:
    """Train the network of a run, from its checkpoint on if there is one, or from where a run of fewer steps of the
    same training ended. Raises Stopped, DataFault."""
    settings, source = run.settings, images_of(run.settings.data)
    groups = len(label_groups(settings).side_of_group)
    shown = _training_images(run, device) if before is None else before
    network = draw_resnet(run.seed, source.channels, _width(settings), groups).to(device, shown.images.dtype)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    where = None if before is None else before.ended
    ended = train(network, run, shown.images, shown.label, shown.box, stop, Checkpoint(run.key), where)
    network.requires_grad_(False)
    return TrainedResNet(shown.images, shown.label, shown.cluster, shown.real, shown.box, network, ended)


def _training_images(run: Run, device: str) -> TrainingImages:
    """What the network of a run is trained on. Raises DataFault."""
    settings, source = run.settings, images_of(run.settings.data)
    cluster, flat = image_data.training_images(run)
    label = training_labels(run, cluster).to(device)
    shape = (-1, source.channels, source.side, source.side)
    images = flat.view(shape).to(device).contiguous(memory_format=torch.channels_last)  # [n, channels, side, side]
    is_clone = settings.data.clone != "none"
    real = image_data.real_training_images(run)[1].view(shape).to(images) if is_clone else images
    return TrainingImages(images, label, cluster.to(device), real, image_data.box(settings.data, flat.to(device)))


def look(trained: TrainedResNet, run: Run, stop: Stop | None) -> Seen:
    """Look at the training images. Raises Stopped."""
    label, k = trained.label, run.settings.data.k
    looking, seen = Looking(k, trained.network.head.out_features), []
    for some in torch.split(torch.arange(len(label), device=label.device), batch_of(label.device)):
        check(stop)
        pooled = trained.network.pooled(trained.images[some])
        looking.add(pooled, trained.cluster[some], label[some])
        seen.append(pooled[-1])
    features = torch.cat(seen)  # [n, e]
    outputs = trained.network.head(features)  # [n, c]
    others = outputs.scatter(1, label.unsqueeze(1), -torch.inf).amax(dim=1)  # [n]
    own = outputs.gather(1, label.unsqueeze(1)).squeeze(1)  # [n]
    loss = functional.cross_entropy(outputs.double(), label)
    accuracy = (own > others).double().mean()
    of_real = features if trained.real is trained.images else features_of(trained.network, trained.real, stop)
    centers = centred_means(of_real.double(), trained.cluster, k)
    return Seen(loss.view(1), accuracy.view(1), centers, looking.past(trained.network, run))


def victim_of(run: Run, trained: TrainedResNet) -> InputVictim:
    """A run's network and its test images."""
    source, dealt = images_of(run.settings.data), label_groups(run.settings)
    cluster, flat = image_data.test_images(run)
    shape = (-1, source.channels, source.side, source.side)
    flat = flat.to(trained.images.device)
    points = InputPoints(
        lambda inputs: trained.network(inputs.view(shape)).T,
        len(dealt.side_of_group),
        dealt.side_of_group.count(1),
        flat,
        torch.tensor(dealt.side_of_cluster)[cluster].to(flat),
        torch.tensor(dealt.group_of_cluster)[cluster].to(flat.device),
        trained.box,
        batch_of(flat.device),
    )
    return InputVictim(points, run.seed)


def features_of(network: ResNet18, images: Tensor, stop: Stop | None = None) -> Tensor:
    """[N, e] from images [N, channels, side, side] as they are, without augmentation. Raises Stopped."""
    seen = []
    for part in torch.split(images, batch_of(images.device)):
        check(stop)
        seen.append(network.features(part))
    return torch.cat(seen)


def batch_of(device: torch.device) -> int:
    """Images that are looked at together on a device."""
    return BATCH["cpu" if device.type == "cpu" else "cuda"]
