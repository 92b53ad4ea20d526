"""Reading what any version has stored: the settings of a run, the spec of an experiment.

Rows outlive the version that wrote them. What it did not know is read as what leaving it out stands for; what this
version does not know, or no longer allows, is told plainly and harms nothing but the row it stands in.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args

from pydantic import ValidationError

from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.faults import Damaged, InvalidInput
from phaselab.domain.settings.parameters import Value, parameters
from phaselab.domain.settings.settings import RadiiIn, Settings
from phaselab.domain.settings.texts import MAX_LINE, one_line, shortened, shown
from phaselab.domain.specs.spec import Spec, parse_spec, validate


class Misfit(ValueError):
    """What is stored does not fit this version; the message says what does not, in words for who reads it."""


@lru_cache(maxsize=2_000)  # 7 kB each
def stored_settings(text: str) -> Settings:
    """The canonical settings that a stored text stands for today. Raises Misfit, and nothing else: whatever is stored
    there harms this row alone."""
    try:
        return resolve(_parsed(text))
    except (InvalidInput, ValueError) as unfit:
        raise Misfit(f"its settings, stored by another version, do not fit this one: {unfit}") from None
    except Exception as error:
        unreadable = f"{type(error).__name__}: {error}"
        raise Misfit(f"its settings, stored by another version, cannot be read by this one: {unreadable}") from error


def readable_settings(text: str) -> Settings | None:
    """The same, where a row is only shown: None for settings that do not fit."""
    try:
        return stored_settings(text)
    except Misfit:
        return None


def misfit_of(text: str) -> str | None:
    """Why stored settings do not fit this version; None where they do."""
    try:
        stored_settings(text)
    except Misfit as unfit:
        return str(unfit)
    return None


def stored_radii_in(text: str) -> RadiiIn:
    """The unit of the radii of a run's curves. Raises Damaged."""
    given = _group(text, "attack").get("radii_in", "absolute")
    for known in get_args(RadiiIn):
        if given == known:
            return known  # type: ignore[no-any-return]
    raise Damaged("the settings of a run are damaged: they have no unit of radii that there is")


def stored_radii(text: str) -> tuple[float, ...]:
    """The radii of a run's curves: every version has stored them in the settings' text, one by one. Raises Damaged."""
    radii = _group(text, "attack").get("radii")
    if not isinstance(radii, list):
        raise Damaged("the settings of a run are damaged: they have no radii")
    return tuple(radii)


def stored_value(text: str, path: str) -> Value:
    """A parameter's value in stored settings: as it is there, else what leaving it out stands for. Raises Damaged."""
    group, name = path.split(".")
    stored: Mapping[str, Value] = _group(text, group)
    if name in stored:
        return stored[name]
    settings = readable_settings(text)
    value: Value = parameters()[path].default if settings is None else getattr(getattr(settings, group), name)
    return value


def stored_object(text: str) -> Mapping[str, Any]:
    """Stored settings as they are, whatever this version makes of them. Raises Damaged."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Damaged(f"the settings of a run are damaged: {error}") from None
    if not isinstance(found, dict):
        raise Damaged("the settings of a run are damaged: they are no object")
    return found


def _group(text: str, name: str) -> Mapping[str, Any]:
    found = stored_object(text).get(name, {})
    return found if isinstance(found, dict) else {}


def stored_spec(spec: Mapping[str, Any]) -> Spec:
    """The spec of an experiment as this version reads it. Raises Misfit."""
    try:
        return parse_spec({**spec, "name": readable_name(str(spec.get("name")))})
    except InvalidInput as unfit:
        raise Misfit(f"its spec, stored by another version, does not fit this one: {unfit}") from None


def readable_name(name: str) -> str:
    """A name that any version has stored, as one line of printable text."""
    text = shortened(shown(name), MAX_LINE)
    try:
        return one_line(text)
    except ValueError:
        return "unnamed"


def base_value(spec: Mapping[str, Any], path: str) -> Value:
    """A parameter's value in a stored spec, as submitted; its default where the spec is older than the parameter."""
    group, name = path.split(".")
    value: Value = spec.get(group, {}).get(name, parameters()[path].default)
    return value


def seeds_of(spec: Mapping[str, Any]) -> frozenset[int]:
    """The seeds of a stored spec."""
    given: int | list[int] = spec["seeds"]
    return frozenset(range(given) if isinstance(given, int) else given)


def _parsed(text: str) -> Settings:
    try:
        return Settings.model_validate_json(text)
    except ValidationError:
        return validate(Settings, json.loads(text))  # which tells each fault in plain words
