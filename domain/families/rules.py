"""The general rules of what goes with what: nothing is given where it is not for, what is left out is neutral.

They ask the parameters' entries and what a family and a source say of themselves, and name none.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any

from phaselab.domain.families.contract import Family, Rules, Source
from phaselab.domain.families.on_features import inputs_of
from phaselab.domain.families.registry import FAMILIES
from phaselab.domain.families.sources import SOURCES
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.parameters import Parameter, parameters
from phaselab.domain.settings.settings import Settings

Get = Callable[[Settings], Any]


def is_for_family(parameter: Parameter, family: Family) -> bool:
    """Whether a family takes the parameter."""
    return not parameter.families or family.name in parameter.families or parameter.path in family.takes


def is_for_source(parameter: Parameter, source: Source) -> bool:
    """Whether a source takes the parameter."""
    return not parameter.sources or source.name in parameter.sources


def with_neutral(settings: Settings, family: Family, source: Source) -> Settings:
    """The settings in which what is for them and was left out is neutral."""
    return settings.with_values({path: value for path, get, value in _neutral(family, source) if get(settings) is None})


def offered(path: str, family: Family, source: Source) -> tuple[str, ...] | None:
    """The choices of a parameter that both offer; None where they offer all."""
    ours, theirs = family.choices.get(path), source.choices.get(path)
    if ours is None or theirs is None:
        return ours if theirs is None else theirs
    return tuple(choice for choice in ours if choice in theirs)


def refused(settings: Settings, family: Family, source: Source, swept: Collection[str]) -> Iterator[Fault]:
    """The faults of settings, as submitted, in which something is given that is not for them. What is at its default
    is as good as left out, unless it is among the `swept`."""
    missing = list(source.missing(settings))
    yield from missing
    if not missing:
        yield from _refused_by_source(settings, family, source, swept)
    for path, get, default in _not_taken(family):
        if get(settings) != default:
            there = {other.name: other for other in FAMILIES.values() if is_for_family(parameters()[path], other)}
            yield _not_for(path, family, there)
    yield from _not_offered(settings, family, FAMILIES)


def _refused_by_source(settings: Settings, family: Family, source: Source, swept: Collection[str]) -> Iterator[Fault]:
    if source.name not in family.sources:
        yield _not_on(family, source)
    for path, get, default in _not_taken(source):
        if get(settings) != default:
            yield _not_for(path, source, {name: SOURCES[name] for name in parameters()[path].sources})
    yield from _not_offered(settings, source, SOURCES)
    for path, value in source.fixed(settings).items():
        given = attrgetter(path)(settings)
        if given != value and (given != parameters()[path].default or path in swept):
            detail = f"{_name(path)} of {inputs_of(settings)} is {value}, not {given}{_note(path, source)}"
            yield Fault(_place(path), f"{detail}; leave it out")


@lru_cache(maxsize=256)
def _not_taken(here: Family | Source) -> tuple[tuple[str, Get, Any], ...]:
    """Path, getter and default of every parameter that is not for the family, or the source."""
    return tuple(
        (path, attrgetter(path), parameter.default)
        for path, parameter in parameters().items()
        if not (is_for_family(parameter, here) if isinstance(here, Family) else is_for_source(parameter, here))
    )


@lru_cache(maxsize=256)
def _neutral(family: Family, source: Source) -> tuple[tuple[str, Get, Any], ...]:
    """Path, getter and neutral value of every parameter that is for both and has one."""
    mine = [one for one in parameters().values() if is_for_family(one, family) and is_for_source(one, source)]
    return tuple((one.path, attrgetter(one.path), one.neutral) for one in mine if one.neutral is not None)


def _not_on(family: Family, source: Source) -> Fault:
    takes = [SOURCES[name].chosen_by for name in family.sources]
    others = [other.chosen_by for other in FAMILIES.values() if source.name in other.sources]
    detail = f"{family.name} is for {_words(family.sources)}, not for {source.name}"
    return Fault(pointer("network", "kind"), f"{detail}: use {' or '.join(takes)}, or {' or '.join(others)}")


def _not_for(path: str, here: Rules, there: Mapping[str, Rules]) -> Fault:
    """The fault of a parameter that was given here and is for others, by their names."""
    why = f"{_name(path)} is for {_words(there)}, not for {here.name}{_note(path, here)}"
    remedy = f"leave it out, or use {' or '.join(one.chosen_by for one in there.values())}"
    return Fault(_place(path), f"{why}; {remedy}")


def _not_offered(settings: Settings, here: Rules, everyone: Mapping[str, Rules]) -> Iterator[Fault]:
    """A fault for every choice that is made and that one of `everyone` does not offer."""
    for path, choices in here.choices.items():
        given = attrgetter(path)(settings)
        if given == parameters()[path].default:
            continue
        for choice in given if isinstance(given, tuple) else (given,):
            if choice not in choices:
                detail = f"{choice} is for {_words(who_offers(path, choice, everyone))}, not for {here.name}"
                yield Fault(_place(path), f"{detail}; use {_words(choices)}")


def who_offers(path: str, choice: str, everyone: Mapping[str, Rules]) -> list[str]:
    """The names of those, families or sources, that offer a choice of a parameter."""
    return [name for name, one in everyone.items() if choice in one.choices.get(path, (choice,))]


def _place(path: str) -> str:
    return pointer(*path.split("."))


def _name(path: str) -> str:
    return path.split(".")[1]


def _note(path: str, here: Rules) -> str:
    return f": {here.notes[path]}" if path in here.notes else ""


def _words(names: Collection[str]) -> str:
    *some, last = names
    return f"{', '.join(some)} or {last}" if some else last
