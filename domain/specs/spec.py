"""The spec of an experiment: base settings, sweep axes and seeds, as a user submits them."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Discriminator, Field, Tag, ValidationError

from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.parameters import Value
from phaselab.domain.settings.settings import Group, Settings

MAX_SEED = 2**31 - 1
Model = TypeVar("Model", bound=Group)


class LinearGrid(Group):
    """`num` values from the first to the second, evenly spaced: {linspace: [start, stop, num]}."""

    linspace: tuple[float, float, Annotated[int, Field(ge=1, le=10_000)]] = Field(strict=False)


class LogGrid(Group):
    """`num` values from the first to the second, evenly spaced in logarithm: {logspace: [start, stop, num]}."""

    logspace: tuple[
        Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[int, Field(ge=1, le=10_000)]
    ] = Field(strict=False)


Values = Annotated[tuple[Value, ...], Field(min_length=1, max_length=10_000, strict=False)]


def _kind_of_axis(values: object) -> str:
    """Which form an axis is written in, so that only that form's faults are told."""
    if isinstance(values, LinearGrid | LogGrid):
        return "linspace" if isinstance(values, LinearGrid) else "logspace"
    if isinstance(values, Mapping):
        return "logspace" if "logspace" in values else "linspace"
    return "list"


Axis = Annotated[
    Annotated[LinearGrid, Tag("linspace")] | Annotated[LogGrid, Tag("logspace")] | Annotated[Values, Tag("list")],
    Discriminator(_kind_of_axis),
]
"""The values of a swept parameter: a list, {linspace: [start, stop, num]} or {logspace: [start, stop, num]}."""

Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]


class Spec(Settings):
    """An experiment as submitted. It is data: nothing in it is ever executed."""

    name: str = Field(min_length=1, max_length=200)
    """What the experiment is called in lists and pictures."""
    sweep: Mapping[str, Axis] = Field(default_factory=dict, max_length=12)
    """Axes: a parameter's dotted path and its values, in a list or as a grid."""
    seeds: (
        Annotated[int, Field(ge=1, le=100_000)]
        | Annotated[tuple[Seed, ...], Field(min_length=1, max_length=100_000, strict=False)]
    ) = 5
    """How many seeds (0, 1, ...), or which."""
    impossible: Literal["refuse", "skip"] = "refuse"
    """What becomes of a point whose settings cannot be combined (more label groups than clusters): the whole spec is
    refused, or the point is left out and stays blank."""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    """Higher goes first."""
    notify: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    """Address that gets a signed POST when the experiment has ended; whoever runs the server says which are allowed.
    It is shown with the spec, so it is no place for a secret."""

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds, ascending, each once."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else tuple(sorted(set(self.seeds)))


def parse_spec(data: object) -> Spec:
    """The validated spec. Raises InvalidInput with one fault for every place that is wrong."""
    return validate(Spec, data)


def validate(model: type[Model], data: object) -> Model:
    """`data` as `model`, or InvalidInput with a pointer and a plain sentence for every fault."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [_fault(dict(entry), model, data) for entry in error.errors(include_url=False)]
        raise InvalidInput(_one_a_place(faults)) from None


def _one_a_place(faults: Sequence[Fault]) -> list[Fault]:
    """One fault a place, and none above a deeper one: pydantic gives one for every alternative of a union."""
    by_place: dict[str, list[str]] = {}
    for fault in faults:
        details = by_place.setdefault(fault.pointer, [])
        if fault.detail not in details:
            details.append(fault.detail)
    deepest = [place for place in by_place if not any(other.startswith(place + "/") for other in by_place)]
    return [Fault(place, "; or ".join(by_place[place])) for place in deepest]


def _fault(error: Mapping[str, Any], model: type[Group], data: object) -> Fault:
    """One of pydantic's errors as a fault: its place in the input, its message made a remedy."""
    path = _path_in(error["loc"], data, missing=error["type"] == "missing")
    message = _plain(str(error["msg"]))
    if error["type"] == "extra_forbidden":
        known = ", ".join(_keys_beside(path, model))
        message = f"unknown key; known here: {known}" if known else "unknown key"
    elif error["type"] == "missing":
        message = "this key is required"
    else:
        message = f"{message}, not {_short(error.get('input'))}"
        if isinstance(error.get("input"), str) and _is_number(error["input"]):
            message += " (text: leave out the quotes; YAML needs a point before an exponent, 1.0e-5)"
    return Fault(pointer(*path), message)


def _path_in(location: Sequence[str | int], data: object, missing: bool) -> list[str | int]:
    """The location as a path in the input: what pydantic adds to name the alternatives of a union is not in it."""
    path: list[str | int] = []
    here: Any = data
    for i, part in enumerate(location):
        in_mapping = isinstance(here, Mapping) and part in here
        in_sequence = isinstance(here, list | tuple) and isinstance(part, int) and part < len(here)
        if in_mapping or in_sequence:
            path.append(part)
            here = here[part]
        elif missing and i == len(location) - 1:
            path.append(part)
    return path


def _keys_beside(path: Sequence[str | int], model: type[Group]) -> list[str]:
    """The keys that are known in the group that holds the path's last part."""
    group: type[Group] = model
    for part in path[:-1]:
        field = group.model_fields.get(str(part))
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, Group)):
            return []
        group = field.annotation
    return list(group.model_fields)


def _plain(message: str) -> str:
    """Pydantic's words for containers, in the words of YAML and JSON."""
    message = re.sub(r"a valid dictionary or instance of \w+", "a mapping of keys to values", message)
    return message.removeprefix("Value error, ").replace("a valid tuple", "a list").replace("Tuple", "List")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
