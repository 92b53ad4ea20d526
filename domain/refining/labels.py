"""What results say of a point, as a label, and whether that is certain: its phase, or its side of a level."""

from collections.abc import Sequence

import numpy as np

from phaselab.domain.refining.lattice import Flags, Whole
from phaselab.domain.refining.seen import FIRST_SEEDS, agreed
from phaselab.domain.results import summaries
from phaselab.domain.results.intervals import mean_intervals
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.phases import DECIDING, DEFAULT_THRESHOLDS, Phase, phase
from phaselab.domain.specs.refine import Level

BELOW, ABOVE, UNDEFINED = 0, 1, 2
"""The labels of sides of a level; UNDEFINED where no run defines the measure."""
_NO_PHASE = len(summaries.PHASES)


def phase_labels(rows: summaries.Floats) -> tuple[Whole, Flags]:
    """Labels and certainty of summaries [rows, WIDTH]: the phase as a diagram shows it, which is that of the means,
    and whether the runs agree on it."""
    means = {name: summaries.means(rows, name).tolist() for name in DECIDING}
    label, certain = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.bool_)
    for i, row in enumerate(rows[:, : 2 + len(summaries.PHASES)].astype(np.int64).tolist()):
        of_point = {name: None if np.isnan(values[i]) else values[i] for name, values in means.items()}
        found = phase(of_point, DEFAULT_THRESHOLDS)
        label[i] = _NO_PHASE if found is None else summaries.PHASES.index(found)
        agree = row[0] - sum(row[2:]) if found is None else row[2 + label[i]]
        certain[i] = agreed(agree, row[0])
    return label, certain


def level_labels(rows: summaries.Floats, by: Level, points: Sequence[int | None]) -> tuple[Whole, Flags]:
    """The same of sides of a level: certain where the 95 % interval of the mean is on one side. `points`: those that a
    share is of, as for `mean_interval`."""
    measure, sums = MEASURES[by.measure], [summaries.summary_of(row, by.measure) for row in rows]
    intervals = mean_intervals(measure, sums, points)
    label, certain = np.full(len(rows), UNDEFINED, np.int64), np.zeros(len(rows), np.bool_)
    for i, (one, interval) in enumerate(zip(sums, intervals, strict=True)):
        enough = rows[i, 0] >= FIRST_SEEDS
        if one is not None:
            label[i] = ABOVE if one.mean >= by.level else BELOW
            enough = enough and interval is not None and not interval[0] < by.level <= interval[1]
        certain[i] = enough
    return label, certain


def side_of(label: int, by: Level) -> str | None:
    """The side of a level that a label stands for, in words; None where the measure is undefined."""
    return {BELOW: f"{by.measure} < {by.level:g}", ABOVE: f"{by.measure} >= {by.level:g}"}.get(label)


def phase_of(label: int) -> Phase | None:
    """The phase that a label stands for."""
    return summaries.PHASES[label] if 0 <= label < _NO_PHASE else None
