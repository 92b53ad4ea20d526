"""Training data of a run: points around centres, and the labels that a network is trained on."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Data
from phaselab.workers.base.streams import Precision, Stream, generator


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """n points in some orthonormal coordinates of R^d. Coordinates that are zero for all points come last and are
    left out, so `inputs` may have fewer columns than the weights, and `centers` fewer than `inputs`.
    """

    inputs: Tensor
    """[n, e]"""
    cluster: Tensor
    """[n] long: the cluster of each point."""
    centers: Tensor
    """[k, e'] with e' <= e."""

    @property
    def bytes(self) -> int:
        """Memory held."""
        return sum(tensor.numel() * tensor.element_size() for tensor in (self.inputs, self.cluster, self.centers))


def center_norm(data: Data) -> float:
    """R = snr * sqrt(d)."""
    return float(data.snr * np.sqrt(data.d))


def center_coordinates(data: Data) -> Tensor:
    """[k, k] float64: centres of norm R and pairwise cosine c, in an orthonormal basis of their span.

    The Cholesky factor of R^2 ((1 - c) I + c 11^T), which is their matrix of inner products.
    """
    cosines = torch.full((data.k, data.k), data.center_cosine, dtype=torch.float64).fill_diagonal_(1.0)
    factor: Tensor = torch.linalg.cholesky(cosines)  # [k, k]
    return factor * center_norm(data)


def draw_clusters(random: np.random.Generator, k: int, points: int) -> Tensor:
    """[points] long, uniform in 0..k-1."""
    return torch.from_numpy(random.integers(k, size=points))


def training_labels(run: Run, cluster: Tensor) -> Tensor:
    """[n] long: the label group of each training point, with label noise.

    A noisy label becomes one of the other groups, each alike; with two groups that is the flip of the sign.
    """
    dealt = label_groups(run.settings)
    groups = len(dealt.side_of_group)
    clean = torch.tensor(dealt.group_of_cluster)[cluster]  # [n]
    random = generator(run.data_seed, Stream.LABEL_NOISE)
    flipped = torch.from_numpy(random.random(len(cluster)) < run.settings.data.label_noise)  # [n]
    shift = 1 + torch.from_numpy(random.random(len(cluster)) * (groups - 1)).long()  # [n] in 1..groups-1
    return torch.where(flipped, (clean + shift) % groups, clean)


def precision_of(run: Run) -> Precision:
    """The number format of a run's training."""
    return torch.float64 if run.settings.training.precision == "float64" else torch.float32
