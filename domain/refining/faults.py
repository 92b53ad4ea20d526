"""What is wrong with a refinement that a spec asks for, and what would be right."""

import math
from collections.abc import Iterator, Mapping, Sequence

from phaselab.domain.refining.deciding import coarse_runs, purse_of
from phaselab.domain.refining.lattice import COARSE_PARTS
from phaselab.domain.refining.seen import FIRST_SEEDS
from phaselab.domain.refining.slices import slices_of
from phaselab.domain.results.measures import MEASURES, measures_of
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.parameters import Value
from phaselab.domain.specs.points import Plan
from phaselab.domain.specs.refine import Level, Refine

FEWEST_VALUES = 3


def check_refine(planned: Plan) -> None:
    """Raises InvalidInput with a fault for everything that a plan's refinement cannot go by."""
    refine = planned.spec.refine
    if refine is None:
        return
    seeds = len(planned.spec.seed_list)
    faults = [*_axis_faults(refine, planned.axes), *_measure_faults(planned, refine.by)]
    if seeds < FIRST_SEEDS:
        detail = f"a refinement needs {FIRST_SEEDS} seeds or more to be certain of a point; here are {seeds}"
        faults.append(Fault(pointer("seeds"), detail))
    if faults := faults or [*_budget_faults(planned, refine, seeds)]:
        raise InvalidInput(faults)


def _axis_faults(refine: Refine, axes: Mapping[str, Sequence[Value]]) -> Iterator[Fault]:
    named = {"x": refine.x, "y": refine.y}
    for name, path in named.items():
        place = pointer("refine", name)
        values = axes.get(path)
        if values is None:
            known = f"they are {', '.join(axes)}" if axes else "there are none"
            yield Fault(place, f"{path} is not swept; name one of the axes of the sweep: {known}")
        elif any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
            yield Fault(place, f"{path} has values that are no numbers, and nothing lies between those")
        elif len(values) < FEWEST_VALUES:
            yield Fault(place, f"{path} has {len(values)} values; refining needs {FEWEST_VALUES} or more")
    sizes = [len(axes.get(path, ())) for path in named.values()]
    if refine.x == refine.y:
        yield Fault(pointer("refine", "y"), f"x and y are both {refine.x}; name two axes")
    elif all(FEWEST_VALUES <= size <= COARSE_PARTS + 1 for size in sizes):
        detail = (
            f"the lattice is so small ({sizes[0]} x {sizes[1]}) that all of it is measured at once: sweep more than"
            f" {COARSE_PARTS + 1} values on x or y, or leave refine out"
        )
        yield Fault(pointer("refine"), detail)


def _measure_faults(planned: Plan, by: Level | str) -> Iterator[Fault]:
    if isinstance(by, str):
        return
    measure, place = MEASURES.get(by.measure), pointer("refine", "by", "measure")
    if measure is None:
        yield Fault(place, f"no measure {by.measure!r}; known: {', '.join(MEASURES)}")
        return
    if measure.heavy_tailed:
        yield Fault(place, f"no interval covers the mean of {by.measure}, so no side of a level is ever certain")
    if not any(by.measure in measures_of(point.settings) for point in planned.points):
        known = ", ".join(measures_of(planned.points[0].settings))
        yield Fault(place, f"{by.measure} is not measured of such runs; these are: {known}")
    low, high = (
        (-math.inf if measure.low is None else measure.low),
        (math.inf if measure.high is None else measure.high),
    )
    if not low < by.level < high:
        detail = f"the level must be inside the range of {by.measure}, {low:g} to {high:g}, not {by.level:g}"
        yield Fault(pointer("refine", "by", "level"), detail)


def _budget_faults(planned: Plan, refine: Refine, seeds: int) -> Iterator[Fault]:
    """A budget has to hold the coarse lattice and an audit."""
    slices = slices_of(refine, [point.values for point in planned.points])
    purse = purse_of(slices.shapes, planned.run_count, refine.budget, refine.audit)
    needed = min(coarse_runs(slices.shapes, refine.coarse) + purse.reserve, planned.run_count)
    if purse.budget < needed:
        least = math.ceil(1000 * needed / planned.run_count) / 1000
        detail = (
            f"{refine.budget:g} of {planned.run_count} runs are {purse.budget}; the coarse lattice and its audit need"
            f" {needed}: give {least:g} or more"
        )
        yield Fault(pointer("refine", "budget"), detail)
