"""The catalogue of parameters, read off the settings class: one entry a dotted path."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from phaselab.domain.settings.settings import Settings

NOT_SWEPT = frozenset({"attack.radii", "attack.methods"})
"""Parameters that are lists themselves: one value serves the whole experiment."""

Value = str | int | float | None
"""One value of a parameter that can be swept."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a run: what it means and which values it takes."""

    path: str
    meaning: str
    symbol: str
    unit: str
    scale: Literal["linear", "log"]
    default: Any
    types: tuple[str, ...]
    choices: tuple[str, ...]
    limits: Mapping[str, float]
    swept: bool

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


@cache
def parameters() -> Mapping[str, Parameter]:
    """Every parameter by its dotted path, in the order of the settings class."""
    return {parameter.path: parameter for parameter in _walk(Settings, "")}


def _walk(group: type[BaseModel], prefix: str) -> Iterator[Parameter]:
    for name, field in group.model_fields.items():
        path = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _walk(field.annotation, f"{path}.")
        else:
            yield _parameter(path, field)


def _parameter(path: str, field: FieldInfo) -> Parameter:
    shown = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    leaves = list(_leaves(field.annotation, field.metadata))
    default = field.default
    return Parameter(
        path=path,
        meaning=" ".join((field.description or "").split()),
        symbol=str(shown.get("symbol", path)),
        unit=str(shown.get("unit", "")),
        scale="log" if shown.get("scale") == "log" else "linear",
        default=default.model_dump() if isinstance(default, BaseModel) else default,
        types=tuple(dict.fromkeys(kind for kind, _, _ in leaves)),
        choices=tuple(choice for _, choices, _ in leaves for choice in choices),
        limits={key: limit for _, _, limits in leaves for key, limit in limits.items()},
        swept=path not in NOT_SWEPT,
    )


_KINDS = {int: "integer", float: "number", str: "text", type(None): "null"}


def _leaves(annotation: Any, metadata: list[Any]) -> Iterator[tuple[str, tuple[str, ...], dict[str, float]]]:
    """(type, choices, limits) of every alternative of an annotation."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _leaves(part, metadata)
    elif origin is Literal:
        yield "text", tuple(get_args(annotation)), {}
    elif hasattr(annotation, "__metadata__"):
        inner = annotation.__metadata__[0]
        yield from _leaves(annotation.__origin__, inner.metadata if isinstance(inner, FieldInfo) else [])
    else:
        kind = _KINDS.get(annotation, "list")
        yield kind, (), _limits(metadata) if kind in ("integer", "number") else {}


def _limits(metadata: list[Any]) -> dict[str, float]:
    """The bounds among pydantic's field metadata, by the names ge, gt, le, lt."""
    return {name: getattr(m, name) for m in metadata for name in ("ge", "gt", "le", "lt") if hasattr(m, name)}
