"""The catalogue of parameters, read off the settings class: one entry a dotted path."""

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from phaselab.domain.settings.entries import Entry, OneOf, Scale, SourceName
from phaselab.domain.settings.settings import Settings

Value = str | int | float | None
"""One value of a parameter that can be swept."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a run: what it means, which values it takes, and what `entries.Entry` says of it.

    `families` and `sources` are empty for a parameter of all. `only` says of a choice that is not for all which
    families and sources it is for.
    """

    path: str
    meaning: str
    symbol: str
    unit: str
    scale: Scale
    default: Any
    types: tuple[str, ...]
    choices: tuple[str, ...]
    limits: Mapping[str, float]
    swept: bool
    neutral: Value
    families: tuple[str, ...]
    sources: tuple[SourceName, ...]
    only: Mapping[str, tuple[str, ...]]
    entry: Entry

    @property
    def whole(self) -> bool:
        """True when its numbers are integers."""
        return "integer" in self.types and "number" not in self.types

    @property
    def title(self) -> str:
        """Axis title: the path, its symbol and its unit."""
        unit = f", {self.unit}" if self.unit else ""
        symbol = f" ({self.symbol}{unit})" if self.symbol not in self.path.split(".") or unit else ""
        return f"{self.path}{symbol}"

    @property
    def stands_for(self) -> Any:
        """What leaving it out stands for: the default, or what null does; null where that depends on others."""
        return self.neutral if self.default is None else self.default


@cache
def parameters() -> Mapping[str, Parameter]:
    """Every parameter by its dotted path, in the order of the settings class."""
    fields = dict(_fields(Settings))
    return {path: _parameter(path, fields) for path in fields}


def _fields(group: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in group.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def _parameter(path: str, fields: Mapping[str, FieldInfo]) -> Parameter:
    field, entry = fields[path], _entry(fields[path])
    leaves = list(_leaves(field.annotation, field.metadata))
    own = _entry(fields[entry.as_in]) if entry.as_in else entry
    return Parameter(
        path=path,
        meaning=_words(field) or f"Of the extractor, as `{entry.as_in}`: {_words(fields[entry.as_in])}",
        symbol=entry.symbol or f"extractor {own.symbol}",
        unit=entry.unit or own.unit,
        scale=own.scale,
        default=field.default.model_dump() if isinstance(field.default, BaseModel) else field.default,
        types=tuple(dict.fromkeys(kind for kind, _, _ in leaves)),
        choices=tuple(choice for _, choices, _ in leaves for choice in choices),
        limits={key: limit for _, _, limits in leaves for key, limit in limits.items()},
        swept=entry.swept,
        neutral=entry.neutral,
        families=entry.families,
        sources=entry.sources,
        only={},
        entry=entry,
    )


def _entry(field: FieldInfo) -> Entry:
    return next(one for one in field.metadata if isinstance(one, Entry))


def _words(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


_KINDS = {int: "integer", float: "number", str: "text", type(None): "null"}


def _leaves(annotation: Any, metadata: Sequence[Any]) -> Iterator[tuple[str, tuple[str, ...], dict[str, float]]]:
    """(type, choices, limits) of every alternative of an annotation."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _leaves(part, metadata)
    elif origin is Literal:
        yield "text", tuple(get_args(annotation)), {}
    elif hasattr(annotation, "__metadata__"):
        yield from _leaves(annotation.__origin__, [part for one in annotation.__metadata__ for part in _parts(one)])
    elif origin is tuple:
        yield "list", _texts(get_args(annotation)[0]), {}
    else:
        kind = _KINDS.get(annotation, "list")
        yield kind, _names(metadata) if kind == "text" else (), _limits(metadata) if kind in _NUMBERS else {}


_NUMBERS = ("integer", "number")


def _parts(metadata: Any) -> Sequence[Any]:
    return metadata.metadata if isinstance(metadata, FieldInfo) else [metadata]


def _texts(annotation: Any) -> tuple[str, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _names(metadata: Sequence[Any]) -> tuple[str, ...]:
    """The names that a text must be one of, empty where it may be any."""
    checks = [one.func for one in metadata if isinstance(one, AfterValidator)]
    return next((check.names() for check in checks if isinstance(check, OneOf)), ())


def _limits(metadata: Sequence[Any]) -> dict[str, float]:
    """The bounds among pydantic's field metadata, by the names ge, gt, le, lt."""
    return {name: getattr(m, name) for m in metadata for name in ("ge", "gt", "le", "lt") if hasattr(m, name)}
