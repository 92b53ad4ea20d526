"""The spec of an experiment: base settings, sweep axes and seeds, as a user submits them."""

import math
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Discriminator, Field, Tag, ValidationError

from phaselab.domain.settings.faults import Fault, InvalidInput, plain_words, pointer
from phaselab.domain.settings.numbers import LARGEST, linear_grid, log_grid, tidy
from phaselab.domain.settings.parameters import Value
from phaselab.domain.settings.settings import Group, Settings
from phaselab.domain.settings.texts import Line, Printable
from phaselab.domain.specs.claims import Claim
from phaselab.domain.specs.pictures import Picture
from phaselab.domain.specs.refine import Refine
from phaselab.domain.specs.visibility import Visibility

MAX_SEED = 2**31 - 1
MAX_DEPTH = 50
"""Most lists and mappings inside each other."""
MAX_FAULTS = 100
"""Most faults told at once; the first ones show what is wrong."""
Model = TypeVar("Model", bound=Group)


class LinearGrid(Group):
    """`num` values from the first to the second, evenly spaced: {linspace: [start, stop, num]}."""

    linspace: tuple[float, float, Annotated[int, Field(ge=1, le=10_000)]] = Field(strict=False)

    @property
    def values(self) -> tuple[float, ...]:
        """The values, each as one would type it."""
        return linear_grid(*self.linspace)


class LogGrid(Group):
    """`num` values from the first to the second, evenly spaced in logarithm: {logspace: [start, stop, num]}."""

    logspace: tuple[
        Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[int, Field(ge=1, le=10_000)]
    ] = Field(strict=False)

    @property
    def values(self) -> tuple[float, ...]:
        """The values, each as one would type it."""
        return log_grid(*self.logspace)


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
Priority = Annotated[int, Field(ge=-100, le=100)]
Sight = Annotated[Visibility, Field(strict=False)]
"""Who sees an experiment, as a text."""


class Spec(Settings):
    """An experiment as submitted. It is data: nothing in it is ever executed."""

    name: Line
    """What the experiment is called in lists and pictures."""
    sweep: Mapping[Printable, Axis] = Field(default_factory=dict, max_length=12)
    """Axes: a parameter's dotted path and its values, in a list or as a grid."""
    seeds: (
        Annotated[int, Field(ge=1, le=100_000)]
        | Annotated[tuple[Seed, ...], Field(min_length=1, max_length=100_000, strict=False)]
    ) = 5
    """How many seeds (0, 1, ...), or which."""
    refine: Refine | None = None
    """Which two axes are measured only where a boundary runs, of what, and how much; null measures every point."""
    impossible: Literal["refuse", "skip"] = "refuse"
    """What becomes of a point whose settings cannot be combined (more label groups than clusters): the whole spec is
    refused, or the point is left out and stays blank."""
    priority: Priority = 0
    """Of your own experiments, higher goes first."""
    visibility: Sight = Visibility.EVERYONE
    """Who sees it: everyone; results: nobody but its owner and admins, but its results serve everyone who asks for the
    same runs; owner: its results are its owner's alone, too. It can be opened later, which is not taken back."""
    claims: Annotated[tuple[Claim, ...], Field(max_length=50, strict=False)] = ()
    """Statements that its runs are held to; each gets a verdict."""
    pictures: Annotated[tuple[Picture, ...], Field(max_length=20, strict=False)] = ()
    """What its page opens on, and what else is worth looking at."""
    notify: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    """Address that gets a signed POST when the experiment has ended; whoever runs the server says which are allowed.
    It is shown with the spec, so it is no place for a secret."""

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds, ascending, each once."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else tuple(sorted(set(self.seeds)))


class Changes(Group):
    """What can be changed of an experiment that is there; null leaves it as it is."""

    name: Line | None = None
    priority: Priority | None = None
    note: Annotated[Printable, Field(max_length=1000)] | None = None
    tags: Annotated[tuple[Annotated[Line, Field(max_length=60)], ...], Field(max_length=20, strict=False)] | None = None
    archived: bool | None = None
    visibility: Sight | None = None
    owner: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}$")] | None = None


def parse_spec(data: object) -> Spec:
    """The validated spec, its numbers as a person means them. Raises InvalidInput with one fault for every place that
    is wrong."""
    return validate(Spec, _tidied(data, ()))


def validate(model: type[Model], data: object) -> Model:
    """`data` as `model`, or InvalidInput with a pointer and a plain sentence for every fault, for MAX_FAULTS of them
    at most. The time it takes is linear in `data`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        entries = error.errors(include_url=False)
        told = 10 * MAX_FAULTS  # some places have one for every alternative
        faults = _one_a_place(_fault(dict(entry), model, data) for entry in entries[:told])
    if len(faults) > MAX_FAULTS or len(entries) > told:
        faults = [*faults[:MAX_FAULTS], Fault("", "there are more faults than these")]
    raise InvalidInput(faults)


def _tidied(value: Any, path: tuple[str | int, ...]) -> Any:
    """The value with every number in it as a person means it. Raises InvalidInput where one is too large for any
    parameter, and for what is nested too deeply."""
    if len(path) > MAX_DEPTH:
        raise InvalidInput([Fault(pointer(*path[:3]), "this is nested too deeply")])
    if isinstance(value, Mapping):
        return {key: _tidied(inner, (*path, str(key))) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_tidied(inner, (*path, i)) for i, inner in enumerate(value)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        if LARGEST < abs(value) < math.inf:
            raise InvalidInput([Fault(pointer(*path), f"this number is too large; at most {LARGEST:g} can be used")])
        return tidy(value) if isinstance(value, float) else value
    return value


def _one_a_place(faults: Iterable[Fault]) -> list[Fault]:
    """One fault a place, and none above a deeper one: pydantic gives one for every alternative of a union."""
    by_place: dict[str, list[str]] = {}
    above: set[str] = set()
    for fault in faults:
        details = by_place.setdefault(fault.pointer, [])
        if fault.detail not in details:
            details.append(fault.detail)
        parts = fault.pointer.split("/")
        above.update("/".join(parts[:i]) for i in range(1, len(parts)))
    return [Fault(place, "; or ".join(details)) for place, details in by_place.items() if place not in above]


def _fault(error: Mapping[str, Any], model: type[Group], data: object) -> Fault:
    """One of pydantic's errors as a fault: its place in the input, its message made a remedy."""
    path = _path_in(error["loc"], data, missing=error["type"] == "missing")
    message = plain_words(str(error["msg"]))
    if error["type"] == "extra_forbidden":
        known = ", ".join(_keys_beside(path, model))
        message = f"unknown key; known here: {known}" if known else "unknown key"
    elif error["type"] == "missing":
        message = "this key is required"
    else:
        message = f"{message}, not {_short(error.get('input'))}"
        if isinstance(error.get("input"), str) and _is_number(error["input"]):
            message += " (text: leave out the quotes; PyYAML needs a point before an exponent, 1.0e-5)"
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


_brief = reprlib.Repr()
"""Says what a value is in a time that does not grow with the value."""
_brief.maxlevel, _brief.maxstring, _brief.maxother = 3, 60, 60


def _short(value: object) -> str:
    text = _brief.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
