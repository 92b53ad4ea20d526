"""The colours of maps of a measure: which values their ends stand for."""

import numpy as np
import numpy.typing as npt

from phaselab.domain.results.measures import MEASURES


def colour_limits(values: npt.NDArray[np.float64], measure: str, statistic: str) -> tuple[tuple[float, float], bool]:
    """The ends of the colour bar of values [y, x] (NaN: none), and whether it is logarithmic: a measure's own bounds
    where it has both, and the statistic is one of its values. A measure that is not known has none."""
    entry = MEASURES.get(measure)
    if entry is not None and entry.low is not None and entry.high is not None and statistic != "sd":
        return (entry.low, entry.high), False
    known = values[np.isfinite(values)]
    if not known.size:
        return (0.0, 1.0), False
    least, greatest = float(known.min()), float(known.max())
    if least > 0 and greatest / least >= 100:
        return (least, greatest), True
    if greatest - least < 1e-9 * max(1.0, abs(greatest)):
        return (least - 0.5, greatest + 0.5), False
    return (least, greatest), False
