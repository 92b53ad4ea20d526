"""Random streams: one independent stream per seed and purpose, the same on every device and in every stack.

SFC64 draws a normal in 10 ns where Philox takes 16 ns (one core of a 2.8 GHz server CPU); SeedSequence tells the
streams apart.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Precision = torch.dtype
"""float32 or float64: also the number format in which normals are drawn."""


class Stream(IntEnum):
    """What a stream is for. Its number is part of the recipe: changing one changes every result."""

    CENTERS = 0
    """Directions of the centres (literal draw); keyed by the data seed."""
    TRAINING = 1
    """Clusters and noise of the training points; keyed by the data seed."""
    LABEL_NOISE = 2
    """Which labels are flipped, and to what; keyed by the data seed."""
    TEST = 3
    """Clusters and noise of the test points; keyed by the data seed."""
    WEIGHTS = 4
    """Initial weights and biases; keyed by the run's seed."""
    BATCHES = 5
    """Order of the mini-batches; keyed by the run's seed."""
    ATTACK = 6
    """Random starts of attacks; keyed by the run's seed."""
    AUGMENTATION = 7
    """Shifts and mirrorings of training images; keyed by the run's seed."""
    CLONE = 8
    """What clones of labels have instead of their clusters; keyed by the data seed."""


def generator(seed: int, stream: Stream, *more: int) -> np.random.Generator:
    """The generator of a seed's stream; `more` numbers name a sub-stream."""
    words = [seed, int(stream), len(more), *more]  # with the count, for SeedSequence takes no note of zeros at the end
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(words)))


def normal(random: np.random.Generator, shape: tuple[int, ...], precision: Precision) -> Tensor:
    """Standard normals on the CPU, drawn in the precision asked for."""
    return torch.from_numpy(random.standard_normal(shape, dtype=_numpy(precision)))


def chi(random: np.random.Generator, degrees: npt.NDArray[np.int64], precision: Precision) -> Tensor:
    """Chi variables (lengths of standard normal vectors) with the given degrees of freedom, one each."""
    return torch.from_numpy(np.sqrt(random.chisquare(degrees.astype(np.float64)))).to(precision)


def _numpy(precision: Precision) -> type[np.float32] | type[np.float64]:
    return np.float64 if precision == torch.float64 else np.float32
