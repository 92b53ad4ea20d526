"""Where the points of a run come from: the law of a draw, a literal draw, images, or what an extractor sees of them.

A network asks its source for training points, for initial weights in their coordinates, and for how its first layer
sees the test points; it does not ask which source it has.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from phaselab.domain.families import sources
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import data_key
from phaselab.workers.base.recent import RECENT
from phaselab.workers.data import clusters, feature_data, grid, image_data, law, orthogonal, sparse_regression
from phaselab.workers.data.training_set import TrainingSet


@dataclass(frozen=True, eq=False)
class FirstLayer:
    """First layers of S runs on the same data, without biases."""

    weights: Tensor
    """W [S, M, e'']"""
    center_products: Tensor
    """[S, M, k] float64: inner products with the centres"""
    factor: Tensor
    """L [S, M, M] float64, L L^T = W W^T"""


class Source(Protocol):
    """Where the points of runs come from."""

    @property
    def boxed(self) -> bool:
        """Whether inputs are images, which attacks keep inside their box."""

    def training_set(self, run: Run) -> TrainingSet:
        """The training points, on the CPU. Raises DataFault."""

    def weights(self, run: Run, neurons: int) -> Tensor:
        """[M, e''] initial weights of unit standard deviation, in the coordinates of the training points and beyond."""

    def look(self, run: Run, layer: FirstLayer, centers: Tensor) -> tuple[Tensor, Tensor]:
        """Clusters [N] of the test points, and how first layers see them, [S, M, N]; from centres [k, e']."""

    def origin(self, run: Run) -> Mapping[str, str]:
        """Where the points come from, as provenance says it."""


class _Law:
    """Clusters in the distribution of a literal draw, at a cost free of d."""

    boxed = False

    def training_set(self, run: Run) -> TrainingSet:
        return law.draw_training_set(run)

    def weights(self, run: Run, neurons: int) -> Tensor:
        return law.draw_weights(run, neurons)

    def look(self, run: Run, layer: FirstLayer, centers: Tensor) -> tuple[Tensor, Tensor]:
        cluster, noise = law.draw_test_points(run, layer.factor, layer.weights)  # [N], [S, M, N]
        cluster = cluster.to(noise.device)
        return cluster, layer.center_products[..., cluster] + noise

    def origin(self, run: Run) -> Mapping[str, str]:
        return {"draw": run.settings.data.draw}


class _Inputs(ABC):
    """Points of which every coordinate is there."""

    boxed = False

    def weights(self, run: Run, neurons: int) -> Tensor:
        return clusters.draw_weights(run, neurons)

    def look(self, run: Run, layer: FirstLayer, centers: Tensor) -> tuple[Tensor, Tensor]:
        cluster, inputs = self.test_inputs(run, centers)
        device = layer.weights.device
        return cluster.to(device), layer.weights @ inputs.to(device).T

    @abstractmethod
    def test_inputs(self, run: Run, centers: Tensor) -> tuple[Tensor, Tensor]:
        """Clusters [N] and inputs [N, d] of the test points, on the CPU."""


class _Literal(_Inputs):
    """Clusters, drawn coordinate by coordinate."""

    def training_set(self, run: Run) -> TrainingSet:
        return clusters.draw_training_set(run)

    def test_inputs(self, run: Run, centers: Tensor) -> tuple[Tensor, Tensor]:
        return clusters.draw_test_points(run, centers.cpu())

    def origin(self, run: Run) -> Mapping[str, str]:
        return {"draw": run.settings.data.draw}


class _Orthogonal(_Inputs):
    """Orthonormal inputs, which come again as test points."""

    def training_set(self, run: Run) -> TrainingSet:
        return orthogonal.draw_training_set(run)

    def test_inputs(self, run: Run, centers: Tensor) -> tuple[Tensor, Tensor]:
        return orthogonal.draw_test_points(run)

    def origin(self, run: Run) -> Mapping[str, str]:
        return {"draw": run.settings.data.draw}


class _SparseRegression(_Inputs):
    """Inputs whose classes are the signs of their responses."""

    def training_set(self, run: Run) -> TrainingSet:
        return sparse_regression.draw_training_set(run)

    def test_inputs(self, run: Run, centers: Tensor) -> tuple[Tensor, Tensor]:
        return sparse_regression.draw_test_points(run)

    def origin(self, run: Run) -> Mapping[str, str]:
        return {"draw": run.settings.data.draw}


class _Grid(_Inputs):
    """Clusters on a grid of two coordinates."""

    def training_set(self, run: Run) -> TrainingSet:
        return grid.draw_training_set(run)

    def test_inputs(self, run: Run, centers: Tensor) -> tuple[Tensor, Tensor]:
        return grid.draw_test_points(run)

    def origin(self, run: Run) -> Mapping[str, str]:
        return {"draw": run.settings.data.draw}


class _Images(_Inputs):
    """Images as they are."""

    boxed = True

    def training_set(self, run: Run) -> TrainingSet:
        return image_data.training_set(run)

    def test_inputs(self, run: Run, centers: Tensor) -> tuple[Tensor, Tensor]:
        return image_data.test_images(run)

    def origin(self, run: Run) -> Mapping[str, str]:
        images = image_data.origin(run.settings.data)
        return {"images": images, "box": "pgd and pgd_native keep pixels inside their box, exact does not"}


class _Features(_Inputs):
    """What an extractor sees of images; it has been trained and has left it."""

    def training_set(self, run: Run) -> TrainingSet:
        return feature_data.training_set(run)

    def test_inputs(self, run: Run, centers: Tensor) -> tuple[Tensor, Tensor]:
        return feature_data.test_features(run)

    def origin(self, run: Run) -> Mapping[str, str]:
        return {"images": image_data.origin(run.settings.data), **feature_data.origin(run)}


SOURCES: Mapping[tuple[str, str], Source] = {
    ("clusters", "law"): _Law(),
    ("clusters", "literal"): _Literal(),
    ("orthogonal", "literal"): _Orthogonal(),
    ("sparse_regression", "literal"): _SparseRegression(),
    ("grid", "literal"): _Grid(),
    ("images", "literal"): _Images(),
    ("features", "literal"): _Features(),
}
"""Every source by its name and by how it is drawn."""


def source_of(settings: Settings) -> Source:
    """Where the points of canonical settings come from."""
    return SOURCES[sources.source_of(settings).name, settings.data.draw]


def training_set(run: Run, device: str) -> TrainingSet:
    """The training data of a run on a device, drawn or remembered; the same numbers either way. Raises DataFault."""
    return RECENT.get(
        ("training set", data_key(run), device), lambda: source_of(run.settings).training_set(run).to(device)
    )
