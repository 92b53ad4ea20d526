"""Training and test images of a run: seeded subsets, normalised, their classes as clusters."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from phaselab.domain.families.on_images import image_set
from phaselab.domain.settings.images import ImageSet
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Data
from phaselab.workers.base.streams import Stream, generator
from phaselab.workers.data.clones import of_images
from phaselab.workers.data.idx import Bytes
from phaselab.workers.data.image_sets import load_once
from phaselab.workers.data.training_set import Centers, TrainingSet, centred_means, precision_of

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Box:
    """The values that a pixel may take, in the units of the normalisation: `low` and `high` [d]."""

    low: Tensor
    high: Tensor


def images_of(data: Data) -> ImageSet:
    """The image set of canonical settings. Raises ValueError for clusters."""
    images = image_set(data)
    if images is None:
        raise ValueError("clusters are no images")
    return images


def training_images(run: Run) -> tuple[Tensor, Tensor]:
    """Clusters [n] and images [n, d] that a run trains on: those of its subset, or what is drawn for each from the
    clone of its label, inside the box. Raises DataFault."""
    cluster, images = real_training_images(run)
    return cluster, _cloned(run, cluster, images)


def _cloned(run: Run, cluster: Tensor, images: Tensor) -> Tensor:
    """[n, d]: the images [n, d] of clusters [n], or their clones."""
    if run.settings.data.clone == "none":
        return images
    limits = box(run.settings.data, images)
    return of_images(run, cluster, images, images_of(run.settings.data).channels).clamp_(limits.low, limits.high)


def real_training_images(run: Run) -> tuple[Tensor, Tensor]:
    """Clusters [n] and images [n, d] of the training subset, drawn by the data seed. Raises DataFault."""
    loaded, rows = load_once(run.settings.data.source), rows_of_training(run)
    return _prepared(run, loaded.train[rows], loaded.train_class[rows], loaded.full)


def test_images(run: Run) -> tuple[Tensor, Tensor]:
    """Clusters [N] and images [N, d] of the test subset, drawn by the data seed. Raises DataFault."""
    loaded, rows = load_once(run.settings.data.source), rows_of_test(run)
    return _prepared(run, loaded.test[rows], loaded.test_class[rows], loaded.full)


def every_test_image(run: Run) -> tuple[Tensor, Tensor]:
    """Clusters [N] and images [N, d] of all test images of the source, in their order. Raises DataFault."""
    loaded = load_once(run.settings.data.source)
    return _prepared(run, loaded.test, loaded.test_class, loaded.full)


def training_set(run: Run) -> TrainingSet:
    """What a run trains on, around the centred means of the classes of its training images."""
    cluster, images = real_training_images(run)
    means = centred_means(images, cluster, run.settings.data.k)
    return TrainingSet(_cloned(run, cluster, images), cluster, Centers.means(means))


def rows_of_test(run: Run) -> Numbers:
    """Row numbers of the test images of a run among those of its source."""
    return _subset(run, Stream.TEST, len(load_once(run.settings.data.source).test), run.settings.attack.test_points)


def rows_of_training(run: Run) -> Numbers:
    """Row numbers of the training images of a run among those of its source."""
    return _subset(run, Stream.TRAINING, len(load_once(run.settings.data.source).train), run.settings.data.n)


def box(data: Data, like: Tensor) -> Box:
    """Black and white in the units of canonical settings, on the device and in the number format of `like`."""
    plane = images_of(data).side ** 2
    levels = _levels(data, 1).repeat_interleave(plane, dim=0).to(like)  # [d, 2]
    return Box(levels[:, 0].contiguous(), levels[:, 1].contiguous())


def origin(data: Data) -> str:
    """Where the images come from: `original`, or which files are not the original ones. Raises DataFault."""
    return load_once(data.source).origin


def _subset(run: Run, stream: Stream, available: int, count: int) -> Numbers:
    """Row numbers of the first `count` images of a seeded permutation."""
    return np.asarray(generator(run.data_seed, stream).permutation(available)[:count])


def _prepared(run: Run, pixels: Bytes, classes: Numbers, full: int) -> tuple[Tensor, Tensor]:
    """Clusters [N] and images [N, d] in the units of the normalisation."""
    images = images_of(run.settings.data)
    planes = torch.from_numpy(pixels).view(len(pixels), images.channels, -1).long()  # [N, channels, pixels]
    levels = _levels(run.settings.data, full).to(precision_of(run))  # [channels, full + 1]
    values = torch.stack([level[planes[:, channel]] for channel, level in enumerate(levels)], dim=1)
    return clusters_of(run, classes), values.flatten(1)


def clusters_of(run: Run, classes: Numbers) -> Tensor:
    """[N] long: the cluster of each class [N]."""
    cluster_of_class = np.argsort(images_of(run.settings.data).order)  # [10]
    return torch.from_numpy(cluster_of_class[classes])


def _levels(data: Data, full: int) -> Tensor:
    """[channels, full + 1] float64: what each level of a pixel stands for."""
    images = images_of(data)
    level = torch.arange(full + 1, dtype=torch.float64) / full
    if data.normalization == "unit":
        return level.expand(images.channels, -1)
    mean, sd = (torch.tensor(each, dtype=torch.float64).unsqueeze(1) for each in (images.mean, images.sd))
    return (level - mean) / sd
