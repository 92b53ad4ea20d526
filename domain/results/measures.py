"""The catalogue of measures: every named number of a run."""

from collections.abc import Mapping
from dataclasses import dataclass

Measures = Mapping[str, float | None]
"""A run's measures by name; null where a measure is undefined."""


@dataclass(frozen=True)
class Measure:
    """A named number of a run. `low` and `high` bound it, null where it is unbounded."""

    name: str
    symbol: str
    low: float | None
    high: float | None
    unit: str
    meaning: str
    source: str

    @property
    def title(self) -> str:
        """Axis title: the name in words, its symbol and its unit."""
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.name.replace('_', ' ')} ({self.symbol}{unit})"


_PAPER = "arXiv 2410.10322"
_RADIUS = "Median over test points of the least L2 perturbation that flips the binary decision of the"
_ENTRIES = (
    Measure("train_loss", "L", 0, None, "", "Mean loss on the training set after the last step.", _PAPER),
    Measure(
        "train_accuracy", "acc_train", 0, 1, "", "Share of training points whose own (noisy) label is predicted.", ""
    ),
    Measure(
        "test_accuracy", "acc", 0, 1, "", "Share of test points whose class the max readout gets strictly right.", ""
    ),
    Measure("test_accuracy_sum", "acc_sum", 0, 1, "", "The same for the sum readout.", ""),
    Measure(
        "averaging_index",
        "A",
        0,
        1,
        "",
        "How evenly a neuron weighs the features of its side: 1 averages them all, 0 holds one. Null when a side has"
        " one cluster, or no neuron points to any feature.",
        f"participation ratio of the coefficients of {_PAPER}, weighted by squared norm",
    ),
    Measure(
        "feature_fraction",
        "F",
        0,
        1,
        "",
        "Share of the squared weights that lies in the span of the centres; low in the lazy regime.",
        "docs/methods/measures.md",
    ),
    Measure(
        "coefficient_ratio",
        "ρ",
        1,
        None,
        "",
        "Largest over smallest coefficient of a neuron on its own side, median over neurons; tends to 1 when features"
        " are averaged. Null when the median neuron has a coefficient that is not positive.",
        f"{_PAPER}, the theorem on feature averaging",
    ),
    Measure("robust_radius_sum", "r_sum", 0, None, "L2", f"{_RADIUS} sum readout.", "docs/methods/exact.md"),
    Measure("robust_radius_max", "r_max", 0, None, "L2", f"{_RADIUS} max readout.", "docs/methods/exact.md"),
    Measure(
        "robust_radius_sum_relative",
        "r_sum/R",
        0,
        None,
        "",
        "robust_radius_sum over snr * sqrt(d).",
        "docs/methods/exact.md",
    ),
    Measure(
        "robust_radius_max_relative",
        "r_max/R",
        0,
        None,
        "",
        "robust_radius_max over snr * sqrt(d).",
        "docs/methods/exact.md",
    ),
)

MEASURES: Mapping[str, Measure] = {measure.name: measure for measure in _ENTRIES}
"""Every measure by its name."""
