"""The presets: data that is read with the package, each a spec that can be planned."""

from pathlib import Path
from typing import Any

import pytest

from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.presets import parse_preset
from phaselab.domain.specs.spec import parse_spec
from phaselab.service.base.presets import presets

FOLDER = Path(__file__).parents[2] / "presets"
PRESET: dict[str, Any] = {"meaning": "What?", "spec": {"name": "what"}, "pictures": [{"kind": "cosines"}]}
CLAIM: dict[str, Any] = {
    "text": "Networks on binary labels average.",
    "source": "arXiv 2410.10322, Figure 2",
    "measure": "averaging_index",
    "where": ["network.labels=binary"],
    "expect": {"above": 0.9},
}


def test_every_file_of_the_folder_is_a_preset() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(f"{name}.yaml" for name in presets())


@pytest.mark.parametrize("name", presets())
def test_a_preset_s_spec_can_be_planned(name: str) -> None:
    planned = plan(parse_spec(presets()[name].spec))
    assert planned.run_count == len(planned.points) * len(planned.spec.seed_list) > 0
    assert planned.spec.name.startswith(f"{name}: ")


@pytest.mark.parametrize("name", presets())
def test_a_spec_as_it_is_stored_wants_the_same_runs_when_it_is_submitted_again(name: str) -> None:
    spec = parse_spec(presets()[name].spec)
    again = plan(parse_spec(spec.model_dump(mode="json")))
    assert [point.settings_text for point in again.points] == [point.settings_text for point in plan(spec).points]


@pytest.mark.parametrize(
    ("name", "changes", "place"),
    [
        ("Two Words", {}, "/name"),
        ("ok", {"meaning": ""}, "/meaning"),
        ("ok", {"pictures": []}, "/pictures"),
        ("ok", {"pictures": [{"kind": "film"}]}, "/pictures/0/kind"),
        ("ok", {"picture": []}, "/picture"),
        ("ok", {"claims": [CLAIM | {"source": ""}]}, "/claims/0/source"),
        ("ok", {"claims": [CLAIM | {"expect": {}}]}, "/claims/0/expect"),
        ("ok", {"claims": [CLAIM | {"expect": {"above": 0.1, "below": 0.2}}]}, "/claims/0/expect"),
        ("ok", {"claims": [CLAIM | {"expect": {"order": ["network.labels=binary"]}}]}, "/claims/0/expect/order"),
    ],
)
def test_what_is_wrong_in_a_preset_is_pointed_at(name: str, changes: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_preset(name, PRESET | changes)
    assert [fault.pointer for fault in caught.value.faults] == [place]


def test_a_file_that_is_no_mapping_is_no_preset() -> None:
    with pytest.raises(InvalidInput, match="mapping"):
        parse_preset("ok", ["meaning"])


@pytest.mark.parametrize(
    "expect",
    [
        {"above": 0.9},
        {"below": 0.1},
        {"between": [0.4, 0.6]},
        {"order": ["network.labels=binary", "network.labels=clusters"]},
        {"slope": {"x": "data.k", "log": True, "near": -0.5, "within": 0.1}},
    ],
)
def test_a_preset_may_carry_claims(expect: dict[str, Any]) -> None:
    (claim,) = parse_preset("ok", PRESET | {"claims": [CLAIM | {"expect": expect}]}).claims
    assert claim.expect.model_dump(mode="json", exclude_none=True) == expect
    assert claim.statistic == "mean"
