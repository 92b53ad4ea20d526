"""A spec as fields of a form: a text for every setting, which is read from the spec's YAML and written back into it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from phaselab.domain.families.catalogue import catalogue
from phaselab.domain.settings.faults import Fault, InvalidInput
from phaselab.domain.settings.parameters import Parameter
from phaselab.domain.specs.spec import Spec
from phaselab.domain.specs.visibility import Visibility
from phaselab.service.base.yaml_edit import remove_value, set_value
from phaselab.service.base.yaml_text import Unreadable, parse_yaml

OF_ALL = ("name", "seeds", "impossible", "priority", "visibility")
"""The keys of a spec that have a field, beside its parameters."""
COMMON = (
    "data.source",
    "data.k",
    "data.d",
    "data.n",
    "data.snr",
    "network.kind",
    "network.labels",
    "network.width",
    "network.init_scale",
    "training.learning_rate",
    "training.steps",
    "attack.methods",
)
"""The parameters that most experiments set; the others are further down."""
CHOICES = {"impossible": ("refuse", "skip"), "visibility": tuple(map(str, Visibility))}


@dataclass(frozen=True)
class FormField:
    """A field: the path of its setting, what that means, what it stands for when it is left out, its choices; whether
    several values can be given, which are swept; and the catalogue's entry, where it is a parameter."""

    path: str
    meaning: str
    usual: Any
    choices: tuple[str, ...]
    swept: bool
    entry: Parameter | None = None


def form_fields() -> Mapping[str, FormField]:
    """Every field by its path: of the whole experiment, the common ones, the rest."""
    known = catalogue()
    ordered = [*OF_ALL, *COMMON, *(path for path in known if path not in COMMON)]
    return {path: _parameter(known[path]) if path in known else _of_all(path) for path in ordered}


def _parameter(entry: Parameter) -> FormField:
    return FormField(entry.path, entry.meaning, entry.stands_for, entry.choices, entry.swept, entry)


def _of_all(key: str) -> FormField:
    field = Spec.model_fields[key]
    meaning = " ".join((field.description or "").split())
    usual = None if field.is_required() else field.default
    return FormField(key, meaning, usual, CHOICES.get(key, ()), key == "seeds")


def shown_in(spec: Any) -> Mapping[str, str]:
    """What each field holds of a spec as it was written; what the spec leaves out is left out."""
    return dict(_shown(spec)) if isinstance(spec, Mapping) else {}


def _shown(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    sweep = spec.get("sweep")
    for path in form_fields():
        group, _, name = path.partition(".")
        inner: Any = spec if not name else spec.get(group)
        if path == "name" and path in spec:
            yield path, str(spec[path])
        elif isinstance(sweep, Mapping) and path in sweep:
            yield path, _several(sweep[path])
        elif isinstance(inner, Mapping) and (name or group) in inner:
            yield path, _several(inner[name or group])


def _several(value: Any) -> str:
    """Several values with commas between; in brackets, if there is one alone, to be told from a single value."""
    if not isinstance(value, list):
        return _one(value)
    listed = ", ".join(map(_one, value))
    return listed if len(value) > 1 else f"[{listed}]"


def _one(value: Any) -> str:
    """A value in one line of YAML, as one would type it."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6, sort_keys=False).strip()


def _text(value: str) -> str:
    """A text as YAML inside a list: without quotes where it is read as the same."""
    try:
        plain = parse_yaml(f"[{value}]") == [value]
    except Unreadable:
        plain = False
    return value if plain else json.dumps(value, ensure_ascii=False)


def with_field(text: str, path: str, given: str) -> str:
    """The YAML text of a spec with a field as it is given: one value, or several with commas between, or a grid, which
    are swept; nothing leaves it out. Raises Unreadable, and InvalidInput for a field that there is not."""
    field = form_fields().get(path)
    if field is None:
        raise InvalidInput([Fault("/path", f"the form has no field {path[:60]!r}")])
    given = given.strip()
    keys = path.split(".")
    if not given:
        return remove_value(remove_value(text, keys), ("sweep", path))
    if path == "name":
        return set_value(text, keys, json.dumps(given, ensure_ascii=False) if _text(given) != given else given)
    several = _is_several(given)
    written = f"[{given}]" if several and given[0] not in "[{" else given
    if field.entry is not None and field.swept:
        return set_value(text, ("sweep", path), written) if several else _based(text, path, given)
    if field.entry is not None and "list" in field.entry.types and given[0] not in "[{":
        written = f"[{given}]"
    return set_value(text, keys, written)


def _based(text: str, path: str, given: str) -> str:
    """The text with one value of a parameter, which is swept no more."""
    return set_value(remove_value(text, ("sweep", path)), path.split("."), given)


def _is_several(given: str) -> bool:
    """Whether a field holds several values: a list, with brackets or without, or a grid."""
    values = parse_yaml(f"[{given}]")
    return len(values) > 1 or isinstance(values[0], dict | list)
