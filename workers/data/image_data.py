"""Training and test images of a run: seeded subsets, normalised, their classes as clusters; or what an extractor makes
of them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from phaselab.domain.families.extractor import extractor
from phaselab.domain.families.on_features import on_features
from phaselab.domain.families.on_images import image_set
from phaselab.domain.settings.images import ImageSet
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Data
from phaselab.workers.base.streams import Stream, generator
from phaselab.workers.data import features
from phaselab.workers.data.features import Features, FeaturesMissing
from phaselab.workers.data.idx import Bytes
from phaselab.workers.data.image_sets import load_once
from phaselab.workers.data.training_set import TrainingSet, precision_of

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
    """Clusters [n] and images [n, d] of the training subset, drawn by the data seed. Raises DataFault."""
    loaded = load_once(run.settings.data.source)
    rows = _subset(run, Stream.TRAINING, len(loaded.train), run.settings.data.n)
    return _prepared(run, loaded.train[rows], loaded.train_class[rows], loaded.full)


def test_images(run: Run) -> tuple[Tensor, Tensor]:
    """Clusters [N] and images [N, d] of the test subset, drawn by the data seed. Raises DataFault."""
    loaded = load_once(run.settings.data.source)
    rows = _subset(run, Stream.TEST, len(loaded.test), run.settings.attack.test_points)
    return _prepared(run, loaded.test[rows], loaded.test_class[rows], loaded.full)


def every_test_image(run: Run) -> tuple[Tensor, Tensor]:
    """Clusters [N] and images [N, d] of all test images of the source, in their order. Raises DataFault."""
    loaded = load_once(run.settings.data.source)
    return _prepared(run, loaded.test, loaded.test_class, loaded.full)


def training_set(run: Run) -> TrainingSet:
    """The training images, or their features, around their centres, which are centred class means: each class's mean
    less the mean of all training points; a class without points has a centre of zeros.
    """
    cluster, inputs = _training_features(run) if on_features(run.settings) else training_images(run)
    return TrainingSet(inputs, cluster, centred_means(inputs, cluster, run.settings.data.k))


def test_inputs(run: Run) -> tuple[Tensor, Tensor]:
    """Clusters [N] and inputs [N, d] of the test points: images, or their features. Raises DataFault."""
    if not on_features(run.settings):
        return test_images(run)
    loaded = load_once(run.settings.data.source)
    rows = _subset(run, Stream.TEST, len(loaded.test), run.settings.attack.test_points)
    return _clusters(run, loaded.test_class[rows]), features_seen(run).test[rows].to(precision_of(run))


def features_seen(run: Run) -> Features:
    """The features that a head is trained on. Raises FeaturesMissing where its extractor has not left them."""
    made_by = extractor(run)
    found = None if made_by is None else features.load(made_by.key, origin(run.settings.data))
    if found is None:
        raise FeaturesMissing(f"the features of run {run.key} are not there")
    return found


def _training_features(run: Run) -> tuple[Tensor, Tensor]:
    """Clusters [n] and features [n, e] of the training subset."""
    loaded = load_once(run.settings.data.source)
    rows = _subset(run, Stream.TRAINING, len(loaded.train), run.settings.data.n)
    return _clusters(run, loaded.train_class[rows]), features_seen(run).train.to(precision_of(run))


def centred_means(points: Tensor, cluster: Tensor, k: int) -> Tensor:
    """[k, e]: the mean of each cluster's points less the mean of all points, from points [n, e]."""
    exact = points.double()
    counts = torch.bincount(cluster, minlength=k).unsqueeze(1)  # [k, 1]
    sums = exact.new_zeros(k, exact.shape[1]).index_add_(0, cluster, exact)  # [k, e]
    means = torch.where(counts > 0, sums / counts.clamp_min(1) - exact.mean(dim=0), 0.0)
    return means.to(points.dtype)


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
    return _clusters(run, classes), values.flatten(1)


def _clusters(run: Run, classes: Numbers) -> Tensor:
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
