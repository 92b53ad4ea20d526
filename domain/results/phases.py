"""Phases: the label that a rule on measures gives a run or a point."""

from dataclasses import dataclass
from enum import StrEnum

from phaselab.domain.results.measures import Measures


class Phase(StrEnum):
    """What gradient descent did."""

    UNTRAINED = "untrained"  # test accuracy too low to speak of features
    LAZY = "lazy"  # the weights never left their random start
    FEATURE_AVERAGING = "feature_averaging"  # a neuron weighs all features of its side alike
    MIXED = "mixed"  # in between
    FEATURE_LEARNING = "feature_learning"  # a neuron holds one feature


@dataclass(frozen=True)
class Thresholds:
    """Where one phase ends and the next begins, on the measures' own scales."""

    trained_accuracy: float = 0.9
    lazy_fraction: float = 0.5
    averaging_from: float = 0.8
    learning_up_to: float = 0.2

    def __post_init__(self) -> None:
        if not self.learning_up_to < self.averaging_from:
            raise ValueError("learning_up_to must be below averaging_from")


def phase(measures: Measures, thresholds: Thresholds) -> Phase | None:
    """The phase of a run's measures, or of a point's means; None where a measure that decides is undefined."""
    accuracy, fraction = measures.get("test_accuracy"), measures.get("feature_fraction")
    index = measures.get("averaging_index")
    if accuracy is None:
        return None
    if accuracy < thresholds.trained_accuracy:
        return Phase.UNTRAINED
    if fraction is None:
        return None
    if fraction < thresholds.lazy_fraction:
        return Phase.LAZY
    if index is None:
        return None
    if index >= thresholds.averaging_from:
        return Phase.FEATURE_AVERAGING
    return Phase.FEATURE_LEARNING if index <= thresholds.learning_up_to else Phase.MIXED
