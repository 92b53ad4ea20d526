"""What a run's settings imply of its result: which numbers it can hold at all, and how large it can be.

A result that was computed elsewhere is held to it before it is taken.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from phaselab.domain.families.registry import family_of, layers_of
from phaselab.domain.results.measures import MEASURES, Measures
from phaselab.domain.results.results import MOST_SECONDS, READOUTS, Curve, RunResult
from phaselab.domain.results.trust import FLAGS
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.radii import radii
from phaselab.domain.settings.settings import PROOFS, Settings

SLACK = 1e-5
"""By how much, relative to 1 or to itself, rounding in float32 may carry a number out of its range."""
NUMBER_BYTES = 26
"""Most bytes of a number and its comma, as text."""
REST_BYTES = 40_000
"""Most bytes, as text, of what does not grow with a run: key, flags, provenance."""


def cosine_shape(settings: Settings) -> tuple[int, int]:
    """The shape [k, neurons or outputs] of the cosine matrix of a run of canonical settings."""
    family = family_of(settings)
    return settings.data.k, (family.directions or family.neurons)(settings)


def most_bytes(settings: Settings) -> int:
    """Most bytes that the result of a run of canonical settings takes as JSON."""
    k, columns = cosine_shape(settings)
    curves = len(READOUTS) * (
        len(settings.attack.methods) + sum(proof in settings.attack.methods for proof in PROOFS)
    )  # two of a bracket
    layers = layers_of(settings) * sum(measure.layered for measure in MEASURES.values())
    numbers = k * columns + curves * len(radii(settings.attack)) + layers
    return NUMBER_BYTES * numbers + 4 * k + 100 * (curves + len(MEASURES)) + REST_BYTES


def implausible(settings: Settings, result: RunResult) -> list[Fault]:
    """Everything in a result that no run of these canonical settings gives; empty for a plausible one."""
    faults = [*_measure_faults(result.measures), *_curve_faults(settings, result.curves)]
    faults += _profile_faults(layers_of(settings), result)
    wanted, given = cosine_shape(settings), result.cosines.shape
    if given != wanted:
        faults.append(Fault("/cosines", f"the matrix of this run has the shape {list(wanted)}, not {list(given)}"))
    elif np.any(np.abs(result.cosines) > 1 + SLACK):  # those of a neuron without weights are no numbers
        faults.append(Fault("/cosines", "a cosine is in -1..1"))
    if unknown := set(result.trust.flags) - set(FLAGS):
        faults.append(Fault("/flags", f"no flag {min(unknown)[:40]!r}; known: {', '.join(FLAGS)}"))
    if not 0 <= result.seconds <= MOST_SECONDS:
        faults.append(Fault("/seconds", f"no run takes {result.seconds:g} seconds"))
    return faults


def _measure_faults(measures: Measures) -> Iterator[Fault]:
    for name, value in measures.items():
        place, measure = pointer("measures", name[:100]), MEASURES.get(name)
        if measure is None:
            yield Fault(place, f"no measure of this name; known: {', '.join(MEASURES)}")
        elif value is not None and not _within(value, measure.low, measure.high):
            bounds = f"{'' if measure.low is None else measure.low}..{'' if measure.high is None else measure.high}"
            yield Fault(place, f"{name} is in {bounds}, not {value:g}")


def _profile_faults(layers: int, result: RunResult) -> Iterator[Fault]:
    for name, values in result.profiles.items():
        place, measure = pointer("profiles", name[:100]), MEASURES.get(name)
        if measure is None or not measure.layered or name not in result.measures:
            yield Fault(place, "no measure of layers has this name here, with a number of its own")
        elif layers < 2 or values.shape != (layers,):
            yield Fault(place, f"a run of {layers} hidden layers has {layers if layers > 1 else 'no'} numbers here")
        elif not all(_within(value, measure.low, measure.high) for value in values[~np.isnan(values)].tolist()):
            yield Fault(place, f"{name} has a number that is out of its range")
        elif not _same(result.measures[name], float(values[-1])):
            yield Fault(place, f"{name} is that of the last layer, {result.measures[name]}, not {values[-1]:g}")


def _same(measure: float | None, last: float) -> bool:
    return math.isnan(last) if measure is None else math.isclose(measure, last, rel_tol=SLACK, abs_tol=SLACK)


def _within(value: float, low: float | None, high: float | None) -> bool:
    slack = SLACK * max(1.0, abs(value))
    above = low is None or value >= low - slack
    return math.isfinite(value) and above and (high is None or value <= high + slack)


def _curve_faults(settings: Settings, curves: Sequence[Curve]) -> Iterator[Fault]:
    count, seen = len(radii(settings.attack)), set()
    for i, curve in enumerate(curves):
        place = pointer("curves", i)
        name = f"{curve.method}, {curve.readout}"
        if curve.readout not in READOUTS or curve.method not in settings.attack.methods:
            yield Fault(place, f"no curve ({name}) here; methods: {', '.join(settings.attack.methods)}")
        elif (curve.readout, curve.method) in seen:
            yield Fault(place, f"the curve ({name}) stands here twice")
        else:
            details = (*(_accuracy_fault(bound, count) for bound in curve.bounds), _bracket_fault(curve))
            yield from [Fault(place, detail) for detail in details if detail is not None][:1]
        seen.add((curve.readout, curve.method))


def _accuracy_fault(accuracy: npt.NDArray[np.float64], count: int) -> str | None:
    if accuracy.shape != (count,):
        return f"a curve of this run has {count} radii, not {accuracy.size}"
    if not np.all((accuracy >= 0) & (accuracy <= 1)):
        return "an accuracy is in 0..1"
    return "robust accuracy never rises with the radius" if np.any(np.diff(accuracy) > 0) else None


def _bracket_fault(curve: Curve) -> str | None:
    lower, upper = curve.accuracy, curve.accuracy_upper
    if upper is None:
        return None
    if curve.method not in PROOFS:
        return (
            f"only {' and '.join(f'`{proof}`' for proof in PROOFS)} have an upper curve: an attack proves nothing right"
        )
    crossed = upper.shape == lower.shape and np.any(upper < lower)
    return "an upper curve is never below the curve of what is proved right" if crossed else None
