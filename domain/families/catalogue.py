"""The catalogue of parameters as users see it: with what families and sources say of each."""

from collections.abc import Mapping
from dataclasses import replace

from phaselab.domain.families.contract import Rules
from phaselab.domain.families.registry import FAMILIES
from phaselab.domain.families.rules import is_for_family, who_offers
from phaselab.domain.families.sources import SOURCES
from phaselab.domain.settings.parameters import Parameter, parameters


def catalogue() -> Mapping[str, Parameter]:
    """Every parameter by its dotted path, with the families that take it, its meaning in each, and its choices that are
    not for all."""
    return {path: _described(parameter) for path, parameter in parameters().items()}


def _described(parameter: Parameter) -> Parameter:
    taken_by = tuple(name for name, family in FAMILIES.items() if is_for_family(parameter, family))
    return replace(
        parameter,
        meaning=" ".join([parameter.meaning, *_notes(parameter.path)]),
        families=taken_by if parameter.families else (),
        only=_only(parameter),
    )


def _notes(path: str) -> list[str]:
    """What families and sources say of a parameter, those that say the same together."""
    everyone: tuple[Rules, ...] = (*FAMILIES.values(), *SOURCES.values())
    saying: dict[str, list[str]] = {}
    for one in everyone:
        if path in one.notes:
            saying.setdefault(one.notes[path], []).append(f"`{one.name}`")
    return [f"{', '.join(names)}: {note}." for note, names in saying.items()]


def _only(parameter: Parameter) -> Mapping[str, tuple[str, ...]]:
    """Of every choice that some do not offer, the families or sources that do."""
    found: dict[str, tuple[str, ...]] = {}
    for choice in parameter.choices:
        for everyone in (FAMILIES, SOURCES):
            offering = tuple(who_offers(parameter.path, choice, everyone))
            if len(offering) < len(everyone):
                found[choice] = offering
    return found
