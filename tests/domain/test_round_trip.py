"""What passes the door is read inside: the settings that any accepted spec gives are read back equal, and can be dealt
with, at the extremes of every parameter."""

import itertools
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from phaselab.domain.answers.theory import flip_radius
from phaselab.domain.families.cost import estimate_seconds
from phaselab.domain.results.results import READOUTS
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.parameters import Parameter, parameters
from phaselab.domain.settings.runs import canonical
from phaselab.domain.settings.settings import MAX_RADII, RADIUS_LIMIT
from phaselab.domain.specs.draft import make_draft
from phaselab.domain.specs.points import Plan, plan
from phaselab.domain.specs.spec import MAX_SEED, parse_spec
from phaselab.domain.specs.stored import stored_radii, stored_settings, stored_spec

BASES: tuple[dict[str, Any], ...] = (
    {},
    {"training": {"engine": "autograd"}, "data": {"d": 64}},
    {"data": {"source": "digits"}, "attack": {"test_points": 100}},
    {"data": {"source": "cifar10"}, "network": {"kind": "resnet18", "width": 8}},
    {"data": {"source": "cifar10"}, "features": {"kind": "resnet18", "width": 4}},
)
RADII: tuple[Any, ...] = (
    [0.0],
    [RADIUS_LIMIT],
    [RADIUS_LIMIT * 1.0000001],
    [math.pi * 1e-300, -0.0, 5e-324],
    {"start": RADIUS_LIMIT, "stop": RADIUS_LIMIT, "num": 1},
    {"start": 0, "stop": RADIUS_LIMIT, "num": MAX_RADII},
    {"start": 0, "stop": 4.0e10, "num": 5},
    {"start": 0, "stop": 1e15, "num": 2},
    {"start": 1e15, "stop": 0, "num": 2},
    {"start": 1e-300, "stop": 5e-324, "num": 7},
)


def extremes(parameter: Parameter) -> list[Any]:
    """Values at and next to the limits of a parameter, every choice, and what leaving it out stands for."""
    if parameter.path == "attack.radii":
        return list(RADII)
    if parameter.path == "attack.methods":
        return [list(some) for n in range(3) for some in itertools.permutations(parameter.choices, n + 1)]
    bounds = list(parameter.limits.values())
    values: list[Any] = [*parameter.choices, parameter.default, parameter.neutral]
    for bound in bounds:
        values += [int(bound) - 1, int(bound), int(bound) + 1]
        values += [math.nextafter(bound, math.inf), float(bound), math.nextafter(bound, -math.inf)]
    values += [1, 2, 3, 10, 1e-300, 5e-324, 0.1 + 0.2, -0.0, 1e15, 123456789012345]
    return values


FOR_EVERY = {path: extremes(parameter) for path, parameter in parameters().items()}


def planned(groups: dict[str, Any], sweep: dict[str, Any], seeds: Any) -> Plan | None:
    """The plan of a spec; None where it is refused."""
    try:
        return plan(parse_spec(groups | {"name": "extreme", "sweep": sweep, "seeds": seeds}))
    except InvalidInput:
        return None


def check(taken: Plan) -> None:
    """What is stored of a plan is read back as it was, and dealt with as a scheduler does."""
    assert stored_spec(json.loads(json.dumps(taken.spec.model_dump(mode="json")))) == taken.spec
    for point in taken.points:
        text = canonical(point.settings)
        read = stored_settings(text)
        assert read == point.settings
        assert canonical(read) == text
        assert stored_radii(text) == point.settings.attack.radii
        assert 0 < estimate_seconds(read) < math.inf
        for readout in READOUTS:
            flip_radius(read, readout)
    for run in make_draft(taken).runs:
        assert all(-(2**63) <= number < 2**63 for number in (run.rank, run.data, run.distinct.shape, run.distinct.data))


def changed(base: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    groups = {group: dict(own) for group, own in base.items()}
    for path, value in values.items():
        group, name = path.split(".")
        groups.setdefault(group, {})[name] = value
    return groups


@pytest.mark.parametrize("path", list(FOR_EVERY))
def test_the_extremes_of_every_parameter_are_read_back_or_refused(path: str) -> None:
    taken = [planned(changed(base, {path: value}), {}, 1) for base in BASES for value in FOR_EVERY[path]]
    assert any(taken), "no value passes the door"
    for one in taken:
        if one is not None:
            check(one)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_whatever_is_accepted_together_is_read_back(data: st.DataObject) -> None:
    base = data.draw(st.sampled_from(BASES))
    paths = data.draw(st.lists(st.sampled_from(sorted(FOR_EVERY)), max_size=4, unique=True))
    values = {path: data.draw(st.sampled_from(FOR_EVERY[path])) for path in paths}
    axes = {path: [value] for path, value in values.items() if parameters()[path].swept and data.draw(st.booleans())}
    fixed = {path: value for path, value in values.items() if path not in axes}
    taken = planned(changed(base, fixed), axes, data.draw(st.sampled_from([1, [0], [MAX_SEED]])))
    assume(taken is not None)
    assert taken is not None
    check(taken)


@pytest.mark.parametrize("radius", [RADIUS_LIMIT * 1.001, 1e15])
@pytest.mark.parametrize(
    "radii", [lambda r: [r], lambda r: {"stop": r, "num": 2}, lambda r: {"start": r, "stop": 1, "num": 2}]
)
def test_a_radius_has_one_limit_wherever_it_stands(radius: float, radii: Any) -> None:
    with pytest.raises(InvalidInput, match="less than or equal to"):
        plan(parse_spec({"name": "far", "attack": {"radii": radii(radius)}}))


def test_the_largest_centres_can_be_attacked_at_their_norm() -> None:
    largest = parameters()["data.snr"].limits["le"] * math.sqrt(parameters()["data.d"].limits["le"])
    assert largest < RADIUS_LIMIT
