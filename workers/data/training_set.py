"""Training data of a run: points around centres, and the labels that a network is trained on."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.radii import center_norm
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Data
from phaselab.workers.base.streams import Precision, Stream, generator

VANISHES = 1e-10
"""Eigenvalues of the inner products of class means below this share of the largest are rounding."""


@dataclass(frozen=True, eq=False)
class Centers:
    """The centres of k clusters, in some orthonormal coordinates of R^d."""

    points: Tensor
    """[k, e']"""
    norms: Tensor
    """[k] float64"""
    whitening: Tensor
    """[k, r] float64: inner products with the centres, times this, are coordinates in an orthonormal basis of their
    span"""
    held: Tensor
    """[k, k] float64: inner products with the centres, times this, are what a neuron holds of each: of known centres
    the parts that it is made of, in multiples of centres of length 1, of class means how it answers to each"""

    @classmethod
    def known(cls, data: Data, points: Tensor) -> Self:
        """Those of clusters: of norm R and pairwise cosine c. With F the Cholesky factor of their inner products the
        coordinates are products with F^-T, and what is held of the centres are products with (F F^T)^-1."""
        factor = center_coordinates(data)  # [k, k]
        identity = torch.eye(data.k, dtype=torch.float64)
        inverse: Tensor = torch.linalg.solve_triangular(factor, identity, upper=False)  # [k, k]
        norm = center_norm(data)
        norms = torch.full((data.k,), norm, dtype=torch.float64)
        return cls(points, norms, inverse.T, norm * inverse.T @ inverse)

    @classmethod
    def means(cls, points: Tensor) -> Self:
        """Centred class means [k, e'], which depend on each other: the directions of the span are those whose
        eigenvalue among their inner products is no rounding. What a neuron holds of one is its answer to it, not a
        part (why: docs/decisions/0053-the-index-on-images.md)."""
        exact = points.double()
        values, vectors = torch.linalg.eigh(exact @ exact.T)  # [k], [k, k]
        there = values > VANISHES * values[-1].clamp_min(0)
        norms = exact.norm(dim=1)
        even = torch.diag(1 / norms.where(norms > 0, 1.0))
        return cls(points, norms, vectors[:, there] / values[there].sqrt(), even)

    def to(self, device: str) -> Self:
        """The same on a device."""
        return replace(self, **{field.name: getattr(self, field.name).to(device) for field in fields(self)})


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """n points in some orthonormal coordinates of R^d. Coordinates that are zero for all points come last and are
    left out, so `inputs` may have fewer columns than the weights, and the centres fewer than `inputs`.
    """

    inputs: Tensor
    """[n, e]"""
    cluster: Tensor
    """[n] long: the cluster of each point."""
    centers: Centers
    """In e' <= e coordinates"""

    @classmethod
    def around_means(cls, inputs: Tensor, cluster: Tensor, k: int) -> Self:
        """Points whose centres are what they show: the centred class means; zeros for a class without points."""
        return cls(inputs, cluster, Centers.means(centred_means(inputs, cluster, k)))

    def to(self, device: str) -> Self:
        """The same on a device."""
        return replace(
            self, inputs=self.inputs.to(device), cluster=self.cluster.to(device), centers=self.centers.to(device)
        )

    @property
    def bytes(self) -> int:
        """Memory held."""
        tensors = self.inputs, self.cluster, self.centers.points, self.centers.whitening, self.centers.held
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def centred_means(points: Tensor, cluster: Tensor, k: int) -> Tensor:
    """[k, e]: the mean of each cluster's points less the mean of all points, from points [n, e]; zeros for a cluster
    without points."""
    exact = points.double()
    counts = torch.bincount(cluster, minlength=k).unsqueeze(1)  # [k, 1]
    sums = exact.new_zeros(k, exact.shape[1]).index_add_(0, cluster, exact)  # [k, e]
    means = torch.where(counts > 0, sums / counts.clamp_min(1) - exact.mean(dim=0), 0.0)
    return means.to(points.dtype)


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


def training_clusters(random: np.random.Generator, data: Data) -> Tensor:
    """[n] long: the clusters of the training points. Of `exact` ones, the clusters that have one more and the order of
    points are drawn."""
    if data.balance == "random":
        return draw_clusters(random, data.k, data.n)
    dealt = random.permutation(data.k)[np.arange(data.n) % data.k]  # [n]
    return torch.from_numpy(random.permutation(dealt))


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
