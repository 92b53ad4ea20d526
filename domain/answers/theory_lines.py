"""Theory beside lines: what the idealised network has of a measure, value by value along x."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from phaselab.domain.answers.idealised import Silence
from phaselab.domain.answers.theory import flip_radius, in_norms
from phaselab.domain.answers.theory_curves import averaging_index
from phaselab.domain.results.results import Readout
from phaselab.domain.settings.radii import center_norm
from phaselab.domain.settings.settings import Settings

Speaks = Callable[[Settings], tuple[str, float]]
"""The formula of a measure and its value. Raises Silence."""


@dataclass(frozen=True)
class TheoryLine:
    """What theory says along a line: values [x], null where it is silent, with the first reason of its silence; the
    formula where it is one for all."""

    values: tuple[float | None, ...]
    formula: str | None = None
    reason: str | None = None


def theory_along(measure: str, settings: Sequence[Settings | Silence | None]) -> TheoryLine | None:
    """Theory of a measure at the settings [x] of a line's cells, null where a cell has none; None where there is no
    theory of the measure."""
    speaks = SPOKEN_OF.get(measure)
    if speaks is None:
        return None
    found = [_said(speaks, one) for one in settings]
    said = [one for one in found if isinstance(one, tuple)]
    formulas = {formula for formula, _ in said}
    reasons = [str(one) for one in found if isinstance(one, Silence)]
    return TheoryLine(
        tuple(one[1] if isinstance(one, tuple) else None for one in found),
        formulas.pop() if len(formulas) == 1 else None,
        next(iter(reasons), None),
    )


def _said(speaks: Speaks, settings: Settings | Silence | None) -> tuple[str, float] | Silence | None:
    if not isinstance(settings, Settings):
        return settings
    try:
        return speaks(settings)
    except Silence as silent:
        return silent


def _index(settings: Settings) -> tuple[str, float]:
    return "(g − 1)/(k/2 − 1), g = k/c", averaging_index(settings)


def _radius(readout: Readout, relative: bool) -> Speaks:
    def speaks(settings: Settings) -> tuple[str, float]:
        found = flip_radius(settings, readout)
        if relative:
            found = in_norms(found, center_norm(settings.data))
        if found.radius is None or found.formula is None:
            raise Silence(found.reason)
        return found.formula, found.radius

    return speaks


SPOKEN_OF: Mapping[str, Speaks] = {
    "averaging_index": _index,
    "robust_radius_sum": _radius("sum", relative=False),
    "robust_radius_max": _radius("max", relative=False),
    "robust_radius_sum_relative": _radius("sum", relative=True),
    "robust_radius_max_relative": _radius("max", relative=True),
}
"""The measures that theory speaks of."""
