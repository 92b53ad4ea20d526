"""What diagrams and lines are asked for: a statistic of a measure over the runs of each of their cells."""

from dataclasses import dataclass

from phaselab.domain.answers.conditions import Condition
from phaselab.domain.results.phases import DEFAULT_THRESHOLDS, Thresholds
from phaselab.domain.results.statistics import Statistic
from phaselab.domain.settings.parameters import Value

Place = tuple[Value, tuple[Value, ...]]
"""A cell, by its value of x and those of the parameters across: of y in a diagram, of the line's group in lines."""


@dataclass(frozen=True, kw_only=True)
class _Cells:
    """What is asked of the runs of each cell: conditions that all hold, swept parameters to aggregate over, which
    number of the measure, where phases end, and how sure the interval of the mean is to be."""

    where: tuple[Condition, ...] = ()
    marginalize: tuple[str, ...] = ()
    statistic: Statistic = "mean"
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    confidence: float = 0.95


@dataclass(frozen=True)
class DiagramQuery(_Cells):
    """What a diagram is asked for."""

    experiments: tuple[int, ...]
    x: str
    y: str
    measure: str

    @property
    def across(self) -> tuple[str, ...]:
        """The parameters that, beside x, tell its cells apart."""
        return (self.y,)


@dataclass(frozen=True)
class LineQuery(_Cells):
    """What lines are asked for: one for every combination of values of the `by` parameters."""

    experiments: tuple[int, ...]
    x: str
    measure: str
    by: tuple[str, ...] = ()

    @property
    def across(self) -> tuple[str, ...]:
        """The parameters that, beside x, tell its cells apart."""
        return self.by


CellQuery = DiagramQuery | LineQuery
