"""The image data sets: their shape, their classes in the order of the clusters, and their normalisation."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ImageSet:
    """A data set of ten classes. Cluster j is class `order[j]`; by default the first five are of class +1.

    Images are `channels` planes of `side` x `side` pixels in [0, 1]. `mean` and `sd` [channels] are those of the
    training images, rounded as they are commonly quoted; `normalization: standard` uses them.
    """

    name: str
    channels: int
    side: int
    train: int
    test: int
    order: tuple[int, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]

    @property
    def d(self) -> int:
        """Numbers of an image."""
        return self.channels * self.side**2


CLASSES = 10
"""Classes of every image set."""
_PARITY = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""Even digits are class +1."""
_AS_NUMBERED = tuple(range(CLASSES))
_CIFAR_MEAN, _CIFAR_SD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)

_ENTRIES = (
    ImageSet("digits", 1, 8, 1297, 500, _PARITY, (0.3053,), (0.3760,)),
    ImageSet("mnist", 1, 28, 60_000, 10_000, _PARITY, (0.1307,), (0.3081,)),
    ImageSet("cifar10", 3, 32, 50_000, 10_000, _AS_NUMBERED, _CIFAR_MEAN, _CIFAR_SD),
)

IMAGE_SETS: Mapping[str, ImageSet] = {entry.name: entry for entry in _ENTRIES}
"""Every image set by its name, which is the `data.source` that asks for it."""
