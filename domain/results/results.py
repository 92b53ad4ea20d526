"""What a run gives: measures, curves, the cosine matrix and where they came from; or a failure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from phaselab.domain.results.measures import Measures
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.settings import Method

Readout = Literal["sum", "max"]
READOUTS: tuple[Readout, ...] = ("sum", "max")
"""How a network is read out as a binary classifier: sum minus sum, or max minus max, over the sides' groups."""
Decision = Readout | Literal["label"]
"""What a network decides: the class, by a readout, or the label group, by the largest output. With two groups they are
one."""


Profiles = Mapping[str, npt.NDArray[np.float64]]
"""Measures by name, each of every hidden layer from the first to the last, [layers]; NaN where it is undefined."""

MOST_SECONDS = 1e9
"""Most computing seconds of one run, 30 years; more is no time that a run took."""


@dataclass(frozen=True)
class Curve:
    """Robust accuracy, in [0, 1], at each radius of the run's settings: never rising, shape [radii].

    A bracket of `exact` or `certified`: `accuracy` is the share of points that are proved right, `accuracy_upper` that
    of points that are not proved wrong, never below it. Null for attacks, and for what older versions computed.
    """

    readout: Readout
    method: Method
    accuracy: npt.NDArray[np.float64]
    accuracy_upper: npt.NDArray[np.float64] | None = None

    @property
    def bounds(self) -> tuple[npt.NDArray[np.float64], ...]:
        """The accuracies that there are, the lower ones first."""
        return (self.accuracy,) if self.accuracy_upper is None else (self.accuracy, self.accuracy_upper)


@dataclass(frozen=True)
class RunResult:
    """Everything a finished run gives.

    `cosines[j, r]` is the cosine of centre j and the weights of neuron r, shape [k, neurons], float32.
    `profiles` holds the layered measures of a network of several hidden layers, one number a layer.
    `seconds` is the run's share of its stack's computing time. `provenance` says what computed it (engine,
    device, versions).
    """

    key: str
    measures: Measures
    curves: tuple[Curve, ...]
    cosines: npt.NDArray[np.float32]
    trust: Trust = field(default_factory=Trust)
    seconds: float = 0.0
    provenance: Mapping[str, str] = field(default_factory=dict)
    profiles: Profiles = field(default_factory=dict)


@dataclass(frozen=True)
class RunFailure:
    """A run that gave no result: why in one sentence, and the traceback if there is one."""

    key: str
    reason: str
    traceback: str = ""


Outcome = RunResult | RunFailure
