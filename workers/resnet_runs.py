"""From runs of ResNets to their results: train, measure on the features, attack in pixel space."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from domain.labels import deal_clusters, group_count
from domain.measures import MEASURES
from domain.results import Curve, Outcome, RunFailure, RunResult
from domain.runs import Run
from workers import measures
from workers.checkpoint import Checkpoint
from workers.image_attack import Victim
from workers.image_data import Box, box, centred_means, images_of, test_images, training_images
from workers.image_runs import AttackedImages, attack_images
from workers.layout import GroupLayout
from workers.report import provenance
from workers.resnet import ResNet18, draw_resnet
from workers.resnet_training import train
from workers.training import Stop
from workers.training_set import training_labels

BATCH = {"cpu": 100, "cuda": 500}
"""Images that are attacked or looked at together."""


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a trained network makes of the training set."""

    loss: float
    accuracy: float
    centers: Tensor
    """[k, e] centred class means of the features"""


def compute_resnets(runs: Sequence[Run], device: str, stop: Stop | None) -> list[Outcome]:
    """One outcome per run, in order, one run after the other. Raises Stopped, DataFault."""
    return [_compute(run, device, stop) for run in runs]


def _compute(run: Run, device: str, stop: Stop | None) -> Outcome:
    settings = run.settings
    images = images_of(settings.data)
    groups, width = group_count(settings.network.labels, settings.data.k), settings.network.width
    if not isinstance(width, int):
        raise ValueError("the settings are not canonical: network.width is auto")
    cluster, flat = training_images(run)
    label = training_labels(run, cluster).to(device)
    inputs = flat.view(-1, images.channels, images.side, images.side).to(device)  # [n, channels, side, side]
    network = draw_resnet(run.seed, images.channels, width, groups).to(device, inputs.dtype)
    if device != "cpu":
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    limits = box(settings.data, flat.to(device))
    train(network, run, inputs, label, limits, stop, Checkpoint(run.key)).requires_grad_(False)
    seen = _look(network, inputs, label, cluster.to(device), settings.data.k, _batch(device))
    if not math.isfinite(seen.loss):
        rate = f"{settings.training.learning_rate:g}"
        steps = settings.training.steps
        return RunFailure(run.key, f"training diverged: the loss is not finite after {steps} steps at rate {rate}")
    victim = _victim(run, network, limits, device)
    return _report(run, network, seen, attack_images(run, victim, _batch(device), stop), device)


def _batch(device: str) -> int:
    return BATCH["cpu" if device == "cpu" else "cuda"]


def _look(network: ResNet18, inputs: Tensor, label: Tensor, cluster: Tensor, k: int, batch: int) -> _Seen:
    """Look at the training images as they are, without augmentation."""
    features = torch.cat([network.features(part) for part in torch.split(inputs, batch)])  # [n, e]
    outputs = network.head(features)  # [n, c]
    others = outputs.scatter(1, label.unsqueeze(1), -torch.inf).amax(dim=1)  # [n]
    own = outputs.gather(1, label.unsqueeze(1)).squeeze(1)  # [n]
    loss = functional.cross_entropy(outputs.double(), label)
    accuracy = (own > others).double().mean()
    return _Seen(float(loss), float(accuracy), centred_means(features.double(), cluster, k))


def _victim(run: Run, network: ResNet18, limits: Box, device: str) -> Victim:
    """The network and its test images."""
    images, data = images_of(run.settings.data), run.settings.data
    groups = group_count(run.settings.network.labels, data.k)
    dealt = deal_clusters(data.k, data.positive_clusters or data.k // 2, groups)
    cluster, flat = test_images(run)
    shape = (-1, images.channels, images.side, images.side)
    flat = flat.to(device)
    return Victim(
        lambda inputs: network(inputs.view(shape)).T,
        groups,
        dealt.side_of_group.count(1),
        flat,
        torch.tensor(dealt.side_of_cluster)[cluster].to(flat),
        torch.tensor(dealt.group_of_cluster)[cluster].to(device),
        limits,
    )


def _report(run: Run, network: ResNet18, seen: _Seen, attacked: AttackedImages, device: str) -> RunResult:
    head = network.head.weight.double()  # [c, e]
    head = head - head.mean(dim=0)  # what all outputs share decides nothing
    shape = measures.geometry(head.unsqueeze(0), seen.centers)
    norms, fraction = measures.of_centers(run.settings, shape, seen.centers)  # [k], [1]
    cosines = measures.cosines(shape, norms.unsqueeze(0))[0]  # [k, c]
    values = {
        "train_loss": seen.loss,
        "train_accuracy": seen.accuracy,
        "test_accuracy": attacked.clean["max"],
        "test_accuracy_sum": attacked.clean["sum"],
        "feature_fraction": float(fraction),
        **_of_head(run, shape, norms),
    }
    return RunResult(
        key=run.key,
        measures={name: _defined(values.get(name, math.nan)) for name in MEASURES},
        curves=tuple(
            Curve(readout, method, accuracy.double().cpu().numpy())
            for (method, readout), accuracy in attacked.accuracy.items()
        ),
        cosines=cosines.float().cpu().numpy(),
        trust=attacked.trust,
        provenance=provenance(run, device),
    )


def _of_head(run: Run, shape: measures.Geometry, norms: Tensor) -> Mapping[str, float]:
    """The measures of neurons, taken of the head's outputs on its features."""
    data = run.settings.data
    groups = group_count(run.settings.network.labels, data.k)
    sides = deal_clusters(data.k, data.positive_clusters or data.k // 2, groups).side_of_group
    own = measures.own_side(run.settings, GroupLayout.build(sides, 1, norms.device))  # [c, k]
    even = measures.Geometry(shape.center_products / norms.where(norms > 0, 1.0), shape.weight_products)
    return {
        "averaging_index": float(measures.averaging_index(even, own)),
        "coefficient_ratio": float(measures.coefficient_ratio(shape, own)),
    }


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None
