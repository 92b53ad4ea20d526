"""What a spec may ask of a refinement, and what it is told where it may not."""

from typing import Any

import pytest

from phaselab.domain.answers.claim_faults import check_claims
from phaselab.domain.refining.faults import check_refine
from phaselab.domain.refining.typical import typical_share
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.refine import Level, Refine
from phaselab.domain.specs.spec import Spec, parse_spec

SPEC = {
    "name": "refined",
    "sweep": {
        "data.k": {"linspace": [4, 20, 17]},
        "network.init_scale": {"logspace": [1e-6, 1e-1, 26]},
        "network.labels": ["binary", 2, "clusters"],
    },
}
REFINE: dict[str, Any] = {"x": "data.k", "y": "network.init_scale"}


def faults(refine: object, **changes: object) -> dict[str, str]:
    """What is wrong with a spec that asks for this, by place."""
    with pytest.raises(InvalidInput) as caught:
        check_refine(plan(parse_spec(SPEC | {"refine": refine} | changes)))
    return {fault.pointer: fault.detail for fault in caught.value.faults}


def test_a_refinement_has_defaults_and_goes_round() -> None:
    spec = parse_spec(SPEC | {"refine": REFINE})
    assert spec.refine == Refine(
        x="data.k", y="network.init_scale", by="phase", coarse=6, budget=0.25, audit=0.02, seed=0
    )
    by = {"by": {"measure": "averaging_index", "level": 0.5}}
    level = parse_spec(SPEC | {"refine": REFINE | by})
    assert level.refine is not None
    assert level.refine.by == Level(measure="averaging_index", level=0.5)
    for one in (spec, level, parse_spec(SPEC)):
        assert parse_spec(one.model_dump(mode="json")) == one
        check_refine(plan(one))
    assert "Refine" in Spec.model_json_schema()["$defs"]


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"x": "data.d"}, "/refine/x", "is not swept; name one of the axes of the sweep: they are data.k"),
        ({"y": "data.k"}, "/refine/y", "x and y are both data.k"),
        ({"x": "network.labels"}, "/refine/x", "values that are no numbers"),
        ({"budget": 0}, "/refine/budget", "greater than 0"),
        ({"budget": 0.03}, "/refine/budget", "need 351: give 0.053"),
        ({"audit": 0.6}, "/refine/audit", "less than or equal to 0.5"),
        ({"coarse": 0}, "/refine/coarse", "greater than or equal to 1"),
        ({"audit": 0}, "/refine/audit", "greater than 0"),
        ({"by": "averaging_index"}, "/refine/by", "'phase'"),
        ({"by": {"measure": "averaging_index"}}, "/refine/by/level", "required"),
        ({"by": {"measure": "beauty", "level": 1}}, "/refine/by/measure", "no measure 'beauty'; known"),
        ({"by": {"measure": "averaging_index", "level": 1}}, "/refine/by/level", "inside the range"),
        ({"by": {"measure": "coefficient_ratio", "level": 2}}, "/refine/by/measure", "no interval covers"),
        ({"steps": 3}, "/refine/steps", "unknown key"),
    ],
)
def test_what_cannot_be_refined_is_told(changes: dict[str, Any], place: str, words: str) -> None:
    found = faults(REFINE | changes)
    assert list(found) == [place]
    assert words in found[place]


def test_what_the_rest_of_a_spec_lacks_is_told() -> None:
    assert "needs 3 seeds or more" in faults(REFINE, seeds=2)["/seeds"]
    small = {"data.k": [4, 6, 8], "network.init_scale": [1e-5, 1e-3, 1e-1]}
    assert "so small (3 x 3)" in faults(REFINE, sweep=small)["/refine"]
    few = {"data.k": [4, 6], "network.init_scale": {"logspace": [1e-6, 1e-1, 26]}}
    assert "has 2 values" in faults(REFINE, sweep=few)["/refine/x"]
    assert set(faults(REFINE | {"x": "data.d"}, sweep={}, seeds=1)) == {"/refine/x", "/refine/y", "/seeds"}
    by = {"by": {"measure": "robust_radius_max", "level": 1.5}}
    images = {"data": {"source": "digits", "n": 50}, "network": {"kind": "resnet18", "width": 8}}
    sweep = {"training.learning_rate": {"logspace": [1e-3, 1, 9]}, "data.label_noise": {"linspace": [0, 0.4, 9]}}
    refine = {"x": "training.learning_rate", "y": "data.label_noise"} | by
    attack = {"methods": ["pgd"], "test_points": 50}
    found = faults(refine, sweep=sweep, attack=attack, training={"optimizer": "nesterov", "steps": 4}, **images)
    assert "is not measured of such runs; these are: train_loss" in found["/refine/by/measure"]


def test_the_typical_share_is_told_and_bounded_by_the_budget() -> None:
    assert typical_share(plan(parse_spec(SPEC))) == 1
    share = typical_share(plan(parse_spec(SPEC | {"refine": REFINE | {"budget": 1}})))
    assert 0.1 < share < 0.4
    half = typical_share(plan(parse_spec(SPEC | {"refine": REFINE | {"budget": share / 2}})))
    assert half == pytest.approx(share / 2)


def test_a_claim_on_a_boundary_names_two_phases_and_two_parameters() -> None:
    def told(**changes: object) -> dict[str, str]:
        boundary = {"y": "network.init_scale", "between": ["lazy", "mixed"]} | changes
        slope = {"x": "data.k", "near": 1, "within": 0.5, "boundary": boundary}
        claim = {"text": "a law", "source": "here", "measure": "start_share", "expect": {"slope": slope}}
        spec = parse_spec(SPEC | {"claims": [claim]})
        assert str(spec.claims[0].expect).startswith("a slope of 1 ± 0.5 of the boundary of lazy and ")
        try:
            check_claims(spec.claims)
        except InvalidInput as invalid:
            return {fault.pointer.removeprefix("/claims/0/expect/slope/"): fault.detail for fault in invalid.faults}
        return {}

    assert told() == {}
    assert told(y="data.k") == {"boundary/y": "x and y are both data.k; name two parameters"}
    assert "no parameter 'beauty'" in told(y="beauty")["boundary/y"]
    assert "no phase 'calm'" in told(between=["lazy", "calm"])["boundary/between/1"]
    assert "one twice" in told(between=["lazy", "lazy"])["boundary/between"]
