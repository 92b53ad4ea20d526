"""Experiments told apart in one answer (`by=experiment`): each is asked by itself, for runs that several of them have
count in each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeVar

from phaselab.domain.answers.cell_queries import LineQuery, Place
from phaselab.domain.answers.cells import Found
from phaselab.domain.results.measure import EXPERIMENT
from phaselab.domain.settings.faults import Fault, InvalidInput

T = TypeVar("T")


def of_each(experiments: Sequence[int], ask: Callable[[int], T]) -> Mapping[int, T]:
    """What each experiment answers by itself. Raises InvalidInput, whose faults name the experiment."""
    found: dict[int, T] = {}
    for number in experiments:
        try:
            found[number] = ask(number)
        except InvalidInput as invalid:
            raise InvalidInput(
                Fault(fault.pointer, f"of experiment {number}: {fault.detail}") for fault in invalid.faults
            ) from None
    return found


def found_apart(query: LineQuery, find: Callable[[LineQuery], Found]) -> Found:
    """What `find` gives for a query; where lines are told apart by experiment, for each by itself, put together."""
    if EXPERIMENT not in query.by:
        return find(query)
    at = query.by.index(EXPERIMENT)
    rest = query.by[:at] + query.by[at + 1 :]
    found = of_each(query.experiments, lambda number: find(replace(query, experiments=(number,), by=rest)))
    return _joined([_named(one, number, at) for number, one in found.items()])


def _named(found: Found, number: int, at: int) -> Found:
    """The same with the experiment's number in every place, at its place among what tells lines apart."""

    def moved(place: Place) -> Place:
        x, group = place
        return x, (*group[:at], number, *group[at:])

    def keyed(values: Mapping[Place, T]) -> Mapping[Place, T]:
        return {moved(place): value for place, value in values.items()}

    return replace(
        found,
        points=[replace(point, place=moved(point.place)) for point in found.points],
        lacks=keyed(found.lacks),
        drawn=keyed(found.drawn),
        inferred=keyed(found.inferred),
        sides=keyed(found.sides),
    )


def _joined(parts: Sequence[Found]) -> Found:
    return Found(
        points=[point for part in parts for point in part.points],
        revision=sum(part.revision for part in parts),
        names=tuple(chain.from_iterable(part.names for part in parts)),
        lacks={place: lack for part in parts for place, lack in part.lacks.items()},
        drawn={place: drawn for part in parts for place, drawn in part.drawn.items()},
        inferred={place: label for part in parts for place, label in part.inferred.items()},
        sides={place: mark for part in parts for place, mark in part.sides.items()},
        refinements=tuple(chain.from_iterable(part.refinements for part in parts)),
    )
