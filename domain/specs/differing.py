"""What differs between the specs of experiments, path by path."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phaselab.domain.settings.parameters import parameters
from phaselab.domain.specs.stored import base_value

_NOT_TOLD = {"name", "sweep"}


@dataclass(frozen=True)
class Differing:
    """A key of specs and what stands there in each; what is swept is the list of its values, or the grid."""

    path: str
    values: tuple[Any, ...]


def differing(specs: Sequence[Mapping[str, Any]]) -> tuple[Differing, ...]:
    """The keys in which stored specs differ, parameters first, in their order; names do not count."""
    found = (Differing(path, tuple(_value(spec, path) for spec in specs)) for path in _paths(specs))
    return tuple(one for one in found if any(value != one.values[0] for value in one.values))


def _paths(specs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from parameters()
    groups = {path.split(".")[0] for path in parameters()}
    yield from (key for key in dict.fromkeys(key for spec in specs for key in spec) if key not in groups | _NOT_TOLD)


def _value(spec: Mapping[str, Any], path: str) -> Any:
    swept = spec.get("sweep", {}).get(path)
    if swept is not None:
        return swept
    return base_value(spec, path) if path in parameters() else spec.get(path)
