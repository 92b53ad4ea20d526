"""From a run of a ResNet to its trained network: draw, train, and what it makes of images."""

from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.runs import Run
from phaselab.workers.base.checkpoint import Checkpoint
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.data.image_data import Box, box, images_of, training_images
from phaselab.workers.data.training_set import training_labels
from phaselab.workers.families.resnet18_training import train
from phaselab.workers.networks.resnet import ResNet18, draw_resnet

BATCH = {"cpu": 100, "cuda": 500}
"""Images that are attacked or looked at together."""


@dataclass(frozen=True, eq=False)
class TrainedResNet:
    """A trained network and the images that it was trained on, on its device."""

    network: ResNet18
    images: Tensor
    """[n, channels, side, side]"""
    label: Tensor
    """[n] long"""
    cluster: Tensor
    """[n] long"""
    box: Box


def train_resnet(run: Run, device: str, stop: Stop | None) -> TrainedResNet:
    """Train the network of a run, from its checkpoint on if there is one. Raises Stopped, DataFault."""
    settings, kind = run.settings, images_of(run.settings.data)
    groups, width = group_count(settings.network.labels, settings.data.k), settings.network.width
    if not isinstance(width, int):
        raise ValueError("the settings are not canonical: network.width is auto")
    cluster, flat = training_images(run)
    label = training_labels(run, cluster).to(device)
    images = flat.view(-1, kind.channels, kind.side, kind.side).to(device)  # [n, channels, side, side]
    images = images.contiguous(memory_format=torch.channels_last)
    network = draw_resnet(run.seed, kind.channels, width, groups).to(device, images.dtype)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    limits = box(settings.data, flat.to(device))
    train(network, run, images, label, limits, stop, Checkpoint(run.key)).requires_grad_(False)
    return TrainedResNet(network, images, label, cluster.to(device), limits)


def features_of(network: ResNet18, images: Tensor, stop: Stop | None = None) -> Tensor:
    """[N, e] from images [N, channels, side, side] as they are, without augmentation. Raises Stopped."""
    seen = []
    for part in torch.split(images, batch_of(images.device)):
        check(stop)
        seen.append(network.features(part))
    return torch.cat(seen)


def batch_of(device: str | torch.device) -> int:
    """Images that are looked at together on a device."""
    return BATCH["cpu" if torch.device(device).type == "cpu" else "cuda"]
