"""The catalogue of measures: every named number of a run.

A measure is an entry, here or in the file of its kind, and a function in `workers/`. Its column in `runs` is made when
a database is opened, its place in summaries goes by its name, and results that are older than it can be given it
(`missing=true` of retry).
"""

import math
from collections.abc import Mapping
from dataclasses import replace

from phaselab.domain.families.sources import source_of
from phaselab.domain.results.measure import LINEAR_FIRST, WITH_FEATURES, Points
from phaselab.domain.results.measure import Measure as Measure
from phaselab.domain.results.measure import Measures as Measures
from phaselab.domain.results.measures_of_directions import OF_DIRECTIONS
from phaselab.domain.results.measures_of_layers import OF_LAYERS
from phaselab.domain.settings.settings import Settings

_PAPER = "arXiv 2410.10322"
_TWO_LAYER = ("two_layer",)
_ANY_DEPTH = ("mlp",)
_REGRESSION = ("diagonal",)
_LEAST = "over test points of the least L2 perturbation that flips the binary decision of the"
_PROVED = "over test points of the L2 length up to which no perturbation can flip, as is proved, the decision of the"
_FOUND = "over test points of the shortest perturbation that `pgd` found to flip the binary decision of the"


def _radius(name: str, symbol: str, meaning: str, unit: str = "L2") -> Measure:
    """A measure of exact robust radii, 0 for wrong points."""
    return Measure(name, symbol, 0, None, unit, meaning, "docs/methods/exact.md", LINEAR_FIRST)


def _attacked(name: str, symbol: str, meaning: str, unit: str = "L2") -> Measure:
    """A measure of what an attack found, where there are no exact radii."""
    return Measure(name, symbol, 0, None, unit, meaning, "docs/methods/mlp.md", _ANY_DEPTH)


def _certified(name: str, symbol: str, meaning: str, unit: str = "L2") -> Measure:
    """A measure of what is proved from below, at any depth."""
    return Measure(name, symbol, 0, None, unit, meaning, "docs/methods/certified.md", _ANY_DEPTH)


def _gap(name: str, symbol: str, of: str) -> Measure:
    """How far exact robust radii are not known: 0 but where budgets ran out, so its tail is heavy."""
    meaning = f"Width of the certified bracket, median lower to median upper bound, of {of}."
    return replace(_radius(name, symbol, meaning), heavy_tailed=True)


_ENTRIES = (
    Measure("train_loss", "L", 0, None, "", "Mean loss on the training set after the last step.", _PAPER),
    Measure(
        "train_accuracy",
        "acc_train",
        0,
        1,
        "",
        "Share of training points whose own (noisy) label is predicted.",
        "",
        share_of="training_points",
    ),
    Measure(
        "test_accuracy",
        "acc",
        0,
        1,
        "",
        "Share of test points whose class the max readout gets strictly right.",
        "",
        share_of="test_points",
    ),
    Measure("test_accuracy_sum", "acc_sum", 0, 1, "", "The same for the sum readout.", "", share_of="test_points"),
    Measure(
        "test_accuracy_label",
        "acc_label",
        0,
        1,
        "",
        "Share of test points whose own label group's output is strictly the largest. With two groups it is"
        " test_accuracy.",
        "",
        share_of="test_points",
    ),
    Measure(
        "averaging_index",
        "A",
        0,
        1,
        "",
        "How evenly a neuron weighs the features of its side: 1 averages them all, 0 holds one. Of clusters by what it"
        " is made of; of images and features by how it answers to class means, by which their plain sum has about 0.5."
        " Neurons of a side of one cluster do not count; null when both sides have one, or none holds any feature.",
        f"participation ratio of the coefficients of {_PAPER}, weighted by squared norm",
        sources=WITH_FEATURES,
    ),
    Measure(
        "feature_fraction",
        "F",
        0,
        1,
        "",
        "Share of the squared weights that lies in the span of the centres; low where they are their random start or"
        " memory of noise.",
        "docs/methods/measures.md",
    ),
    Measure(
        "start_share",
        "s",
        0,
        1,
        "",
        "Share of the squared weights that is what is left of their random start; the rest was learned. High in the"
        " lazy regime. Null for Adam with weight decay, which leaves each weight another part, and by"
        " autograd for activation power and for adversarial training.",
        "docs/methods/measures.md",
        LINEAR_FIRST,
    ),
    Measure(
        "noise_share",
        "q",
        0,
        1,
        "",
        "Share of the squared weights that was learned outside the span of the centres, which is memory of the noise of"
        " training points.",
        "signal against noise memorization: arXiv 2202.06526; docs/methods/measures.md",
        LINEAR_FIRST,
        ("clusters",),
    ),
    Measure(
        "coefficient_ratio",
        "ρ",
        1,
        None,
        "",
        "Largest over smallest coefficient of a neuron on its own side, median over neurons; tends to 1 when features"
        " are averaged. Null stands for infinity: the median neuron has a coefficient that is not positive.",
        f"{_PAPER}, the theorem on feature averaging",
        sources=WITH_FEATURES,
        heavy_tailed=True,
    ),
    Measure(
        "coefficient_evenness",
        "1/ρ",
        0,
        1,
        "",
        "Smallest over largest coefficient of a neuron on its own side, 0 where the former is not positive; median over"
        " neurons. It says what coefficient_ratio says, in [0, 1], so that means over seeds have intervals.",
        f"{_PAPER}, the theorem on feature averaging",
        sources=WITH_FEATURES,
    ),
    Measure(
        "dead_outputs",
        "D",
        0,
        1,
        "",
        "Share of the label groups whose output is 0 at every training point: nothing moves them any more.",
        "docs/methods/measures.md",
        _TWO_LAYER,
    ),
    Measure(
        "steps_taken",
        "t",
        0,
        None,
        "steps",
        "Steps until training stopped: all that it was given, or fewer where it stopped by margin or loss.",
        "docs/methods/mlp.md",
        (*_ANY_DEPTH, *_REGRESSION),
    ),
    Measure(
        "regression_error",
        "|β - β*|²",
        0,
        None,
        "",
        "Squared distance of the coefficients β = u^depth - v^depth from those that decide the responses.",
        "arXiv 2002.09277",
        _REGRESSION,
    ),
    Measure(
        "beta_l1_ratio",
        "|β|₁/min",
        0,
        None,
        "",
        "l1 norm of the coefficients over the least one that fits all training responses: 1 in the rich regime, which"
        " a small start leads to. Null where no coefficients fit.",
        "arXiv 2002.09277; docs/methods/diagonal.md",
        _REGRESSION,
    ),
    Measure(
        "q_gap",
        "ΔQ/Q",
        -1,
        None,
        "",
        "How far the penalty Q of the coefficients is above the least one that fits all training responses, over that:"
        " near 0 where training has come to where gradient flow ends; below 0 where it does not fit them yet. Null"
        " where no coefficients fit.",
        "arXiv 2002.09277; docs/methods/diagonal.md",
        _REGRESSION,
    ),
    _attacked(
        "attacked_radius_sum",
        "u_sum",
        f"Median {_FOUND} sum readout: an upper bound of the robust radius. Null where half of the points withstand"
        " every radius, and without `pgd`.",
    ),
    _attacked("attacked_radius_max", "u_max", f"Median {_FOUND} max readout, likewise."),
    _attacked("attacked_radius_sum_relative", "u_sum/R", "attacked_radius_sum over R.", unit=""),
    _attacked("attacked_radius_max_relative", "u_max/R", "attacked_radius_max over R.", unit=""),
    _certified(
        "certified_radius_sum",
        "c_sum",
        f"Median {_PROVED} sum readout: a lower bound of the robust radius, where there are exact radii theirs.",
    ),
    _certified("certified_radius_max", "c_max", f"Median {_PROVED} max readout, likewise."),
    _certified("certified_radius_sum_relative", "c_sum/R", "certified_radius_sum over R.", unit=""),
    _certified("certified_radius_max_relative", "c_max/R", "certified_radius_max over R.", unit=""),
    _radius("robust_radius_sum", "r_sum", f"Median {_LEAST} sum readout."),
    _radius("robust_radius_max", "r_max", f"Median {_LEAST} max readout."),
    _radius(
        "robust_radius_label",
        "r_label",
        "Median over test points of the least L2 perturbation at which another label group's output is as large as the"
        " own one's; with two groups it is the binary decision's. Null where it is dear unless attack.label_radius asks"
        " for it.",
    ),
    _radius("robust_radius_sum_q10", "r_sum,10 %", f"First decile {_LEAST} sum readout: as 90 % withstand."),
    _radius("robust_radius_sum_q90", "r_sum,90 %", f"Last decile {_LEAST} sum readout: as 10 % withstand."),
    _radius("robust_radius_max_q10", "r_max,10 %", f"First decile {_LEAST} max readout: as 90 % withstand."),
    _radius("robust_radius_max_q90", "r_max,90 %", f"Last decile {_LEAST} max readout: as 10 % withstand."),
    _radius("robust_radius_sum_relative", "r_sum/R", "robust_radius_sum over snr * sqrt(d).", unit=""),
    _radius("robust_radius_max_relative", "r_max/R", "robust_radius_max over snr * sqrt(d).", unit=""),
    _gap("robust_radius_gap_sum", "g_sum", "robust_radius_sum"),
    _gap("robust_radius_gap_max", "g_max", "robust_radius_max"),
    _gap("robust_radius_gap_label", "g_label", "robust_radius_label"),
)

MEASURES: Mapping[str, Measure] = {measure.name: measure for measure in (*_ENTRIES, *OF_DIRECTIONS, *OF_LAYERS)}
"""Every measure by its name."""
LAYERED = tuple(name for name, measure in MEASURES.items() if measure.layered)
"""Those that every hidden layer has, whose numbers are a profile."""


def measures_of(settings: Settings) -> tuple[str, ...]:
    """The measures that are defined for the family and the source of these settings."""
    family, source = settings.network.kind, source_of(settings).name
    return tuple(
        name
        for name, one in MEASURES.items()
        if (not one.families or family in one.families) and (not one.sources or source in one.sources)
    )


def has_features(settings: Settings) -> bool:
    """Whether the centres of their source can be told apart, so that measures of single features are defined."""
    return source_of(settings).name in WITH_FEATURES


def points_of(share_of: Points, settings: Settings) -> int:
    """How many points a share is of, in a run of canonical settings."""
    return settings.attack.test_points if share_of == "test_points" else settings.data.n


def measured(settings: Settings, values: Mapping[str, float]) -> Measures:
    """A run's measures, from what its family computed: null where that is no finite number.

    Raises ValueError unless the family gave every measure that is defined for it, and no other.
    """
    names = measures_of(settings)
    if values.keys() != set(names):
        forgotten, unknown = set(names) - values.keys(), values.keys() - set(names)
        told = [f"forgotten: {', '.join(sorted(forgotten))}"] if forgotten else []
        told += [f"not of it: {', '.join(sorted(unknown))}"] if unknown else []
        raise ValueError(f"{settings.network.kind} does not give the measures of the catalogue; {'; '.join(told)}")
    return {name: values[name] if math.isfinite(values[name]) else None for name in names}
