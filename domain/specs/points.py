"""From a spec to its points: one value for every axis, and the settings that follow from them."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.parameters import Parameter, Value, parameters
from phaselab.domain.settings.runs import canonical
from phaselab.domain.settings.settings import Settings
from phaselab.domain.specs.spec import LinearGrid, LogGrid, Spec, validate

MAX_FAULTS = 20
"""Faults of combinations told at once; the first few show what is wrong."""


@dataclass(frozen=True)
class Limits:
    """Most points and runs of one experiment."""

    points: int = 50_000
    runs: int = 1_000_000


LIMITS = Limits()


@dataclass(frozen=True)
class Point:
    """One value for every axis, as submitted, and the canonical settings of its runs."""

    index: int
    values: Mapping[str, Value]
    settings: Settings

    @property
    def settings_text(self) -> str:
        """The canonical text of the settings."""
        return canonical(self.settings)


@dataclass(frozen=True)
class Plan:
    """A spec, expanded: its axes, its points in grid order, and how many were impossible and left out."""

    spec: Spec
    axes: Mapping[str, tuple[Value, ...]]
    points: tuple[Point, ...]
    skipped: int

    @property
    def run_count(self) -> int:
        """Points times seeds."""
        return len(self.points) * len(self.spec.seed_list)


def plan(spec: Spec, limits: Limits = LIMITS) -> Plan:
    """Expand a spec. Raises InvalidInput for a bad axis, an impossible point, or what is over the limits."""
    axes = expand_axes(spec)
    _check_size(spec, axes, limits)
    base = Settings(**{group: getattr(spec, group) for group in Settings.model_fields})
    points: list[Point] = []
    faults: list[Fault] = []
    skipped = 0
    for positions in itertools.product(*(range(len(values)) for values in axes.values())):
        chosen = {path: axes[path][i] for path, i in zip(axes, positions, strict=True)}
        try:
            points.append(Point(len(points), chosen, resolve(base.with_values(chosen), chosen)))
        except InvalidInput as impossible:
            skipped += 1
            if spec.impossible == "refuse" or not axes:
                faults += _on_axes(impossible.faults, dict(zip(axes, positions, strict=True)), axes)
        if len(faults) >= MAX_FAULTS:
            break
    if faults:
        raise InvalidInput(list(dict.fromkeys(faults))[:MAX_FAULTS])
    if not points:
        raise InvalidInput([Fault(pointer("sweep"), "every point is impossible; nothing is left to run")])
    return Plan(spec, axes, tuple(points), skipped)


def expand_axes(spec: Spec) -> Mapping[str, tuple[Value, ...]]:
    """The values of every axis, checked one by one against the parameter. Raises InvalidInput."""
    faults: list[Fault] = []
    axes: dict[str, tuple[Value, ...]] = {}
    for path, given in spec.sweep.items():
        parameter = parameters().get(path)
        if parameter is None or not parameter.swept:
            faults.append(Fault(pointer("sweep", path), _no_axis(path, parameter)))
            continue
        values = _values(given, parameter)
        value_faults = [fault for i, value in enumerate(values) for fault in _check(path, i, value)]
        if isinstance(given, LinearGrid | LogGrid):
            values = tuple(dict.fromkeys(values))
        elif len(set(values)) < len(values):
            twice = next(value for i, value in enumerate(values) if value in values[:i])
            value_faults.append(Fault(pointer("sweep", path), f"the value {twice!r} stands here twice"))
        faults += value_faults
        axes[path] = values
    if faults:
        raise InvalidInput(faults)
    return axes


def _no_axis(path: str, parameter: Parameter | None) -> str:
    if parameter is not None:
        return f"{path} cannot be swept: it is a list for the whole experiment"
    known = ", ".join(name for name, parameter in parameters().items() if parameter.swept)
    return f"no parameter {path!r}; these can be swept: {known}"


def _values(given: LinearGrid | LogGrid | tuple[Value, ...], parameter: Parameter) -> tuple[Value, ...]:
    """The values of an axis; a grid over a whole-number parameter is rounded to whole numbers."""
    if isinstance(given, LinearGrid | LogGrid):
        return tuple(map(round, given.values)) if "integer" in parameter.types else given.values
    if "number" in parameter.types:
        return tuple(float(value) if isinstance(value, int) else value for value in given)
    return given


def _check(path: str, index: int, value: Value) -> list[Fault]:
    """The faults of one value of an axis."""
    group, name = path.split(".")
    try:
        validate(Settings, {group: {name: value}})
    except InvalidInput as invalid:
        return [Fault(pointer("sweep", path, index), fault.detail) for fault in invalid.faults]
    return []


def _on_axes(
    faults: Sequence[Fault], positions: Mapping[str, int], axes: Mapping[str, tuple[Value, ...]]
) -> list[Fault]:
    """Faults of a point, pointing into the sweep where the parameter at fault is swept."""
    named = ", ".join(f"{path} = {axes[path][i]!r}" for path, i in positions.items())
    moved = []
    for fault in faults:
        path = fault.pointer.strip("/").replace("/", ".")
        place = pointer("sweep", path, positions[path]) if path in positions else fault.pointer
        remedy = f" (at {named}; impossible: skip leaves such points out)" if positions else ""
        moved.append(Fault(place, fault.detail + remedy))
    return moved


def _check_size(spec: Spec, axes: Mapping[str, tuple[Value, ...]], limits: Limits) -> None:
    """Raises InvalidInput for more points or runs than may be planned, before one is."""
    sizes, seeds = [len(values) for values in axes.values()], len(spec.seed_list)
    points = math.prod(sizes)
    told = f"{' x '.join(map(str, sizes)) or '1'} points"
    if points > limits.points:
        detail = f"{told} are {points}; at most {limits.points} fit in one experiment: sweep fewer values"
        raise InvalidInput([Fault(pointer("sweep"), detail)])
    if points * seeds > limits.runs:
        detail = (
            f"{told} with {seeds} seeds are {points * seeds} runs; at most {limits.runs} fit in one experiment:"
            " sweep fewer values or seeds"
        )
        raise InvalidInput([Fault(pointer("sweep" if axes else "seeds"), detail)])
