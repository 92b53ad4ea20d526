"""Phases: the label that a rule on measures gives a run or a point. The rule by examples: docs/methods/phases.md."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Self

from phaselab.domain.results.measures import Measures
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.numbers import decimal_number, tidy


class Phase(StrEnum):
    """What gradient descent did."""

    UNTRAINED = "untrained"  # neither the training set nor fresh points are told apart
    LAZY = "lazy"  # most of the weights is their random start
    MEMORISING = "memorising"  # most of the weights is memory of the noise of training points
    FEATURE_AVERAGING = "feature_averaging"  # a neuron weighs all features of its side alike
    MIXED = "mixed"  # in between
    FEATURE_LEARNING = "feature_learning"  # a neuron holds one feature


LETTERS = {
    Phase.UNTRAINED: "U",
    Phase.LAZY: "Z",
    Phase.MEMORISING: "N",
    Phase.FEATURE_AVERAGING: "A",
    Phase.MIXED: "M",
    Phase.FEATURE_LEARNING: "L",
}
"""The letter that marks a phase in pictures."""


@dataclass(frozen=True)
class Thresholds:
    """Where one phase ends and the next begins, on the measures' own scales, each in [0, 1]."""

    trained_accuracy: float = 0.9
    lazy_share: float = 0.5
    memory_share: float = 0.5
    averaging_from: float = 0.8
    learning_up_to: float = 0.2

    def __post_init__(self) -> None:
        for name, value in self.values().items():
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be from 0 to 1, not {value:g}")
        if not self.learning_up_to < self.averaging_from:
            raise ValueError(
                f"learning_up_to must be below averaging_from; they are {self.learning_up_to:g} and"
                f" {self.averaging_from:g}"
            )

    @classmethod
    def parse(cls, texts: Iterable[str], parameter: str = "threshold") -> Self:
        """The thresholds of texts like `trained_accuracy:0.8`, each at most once; the others are the defaults.

        Raises InvalidInput with every fault, at the place of its text under `parameter`.
        """
        found: dict[str, float] = {}
        faults: list[Fault] = []
        for i, text in enumerate(texts):
            name, _, value = text.partition(":")
            fault = _fault(name.strip(), value, found)
            if fault is None:
                found[name.strip()] = tidy(decimal_number(value.strip()))
            else:
                faults.append(Fault(pointer(parameter, i), fault))
        if faults:
            raise InvalidInput(faults)
        try:
            return cls(**found)
        except ValueError as error:
            raise InvalidInput([Fault(pointer(parameter), str(error))]) from None

    def values(self) -> Mapping[str, float]:
        """Every threshold by its name."""
        return asdict(self)

    @property
    def changed(self) -> Mapping[str, float]:
        """Those that are not the defaults."""
        default = type(self)().values()
        return {name: value for name, value in self.values().items() if value != default[name]}


RULE = "shares"
"""Name of the rule; another one whenever equal measures can give another phase."""
THRESHOLD_NAMES = tuple(one.name for one in fields(Thresholds))
DEFAULT_THRESHOLDS = Thresholds()
DECIDING = ("train_accuracy", "test_accuracy", "start_share", "noise_share", "feature_fraction", "averaging_index")
"""The measures that decide a phase."""


def phase(measures: Measures, thresholds: Thresholds) -> Phase | None:
    """The phase of a run's measures, or of a point's means; None where a measure that decides is undefined."""
    accuracies = [measures.get(name) for name in ("train_accuracy", "test_accuracy")]
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    if not known:
        return None
    if max(known) < thresholds.trained_accuracy:
        return Phase.UNTRAINED
    start, noise = measures.get("start_share"), measures.get("noise_share")
    if start is not None and start >= thresholds.lazy_share:
        return Phase.LAZY
    if noise is not None and noise >= thresholds.memory_share:
        return Phase.MEMORISING
    if (start is None or noise is None) and not _holds_features(measures, thresholds):
        return None
    index = measures.get("averaging_index")
    if index is None:
        return None
    if index >= thresholds.averaging_from:
        return Phase.FEATURE_AVERAGING
    return Phase.FEATURE_LEARNING if index <= thresholds.learning_up_to else Phase.MIXED


def _holds_features(measures: Measures, thresholds: Thresholds) -> bool:
    """Whether so much of the weights lies in the span of the centres that neither the start nor noise can be as much as
    its threshold: for what has no such shares, as images, and results that are older than they are."""
    fraction = measures.get("feature_fraction")
    return fraction is not None and fraction > 1 - min(thresholds.lazy_share, thresholds.memory_share)


def _fault(name: str, value: str, found: Mapping[str, float]) -> str | None:
    """What is wrong with a threshold's text, if anything is."""
    if name not in THRESHOLD_NAMES:
        return f"no threshold {name!r:.60}; they are written name:value, as trained_accuracy:0.8, and there are" + (
            f" {', '.join(THRESHOLD_NAMES)}"
        )
    if name in found:
        return f"{name} is given twice; give it once"
    try:
        number = decimal_number(value.strip())
    except ValueError:
        return f"the threshold {name} must be a number from 0 to 1, as {name}:0.8, not {value!r:.60}"
    return None if 0 <= number <= 1 else f"the threshold {name} must be from 0 to 1, not {number:g}"
