"""Heads on features over HTTP: they go in like every spec, and what does not go with them is refused at its place."""

from typing import Any

import httpx
import pytest

from phaselab.service.base.presets import presets

HEADS: dict[str, Any] = {
    "name": "heads",
    "data": {"source": "digits", "n": 100},
    "features": {"kind": "resnet18", "width": 4},
    "attack": {"radii": [0, 1], "test_points": 10},
    "sweep": {"features.steps": [10, 20]},
    "seeds": 1,
}


@pytest.mark.parametrize("name", ["fig2-cifar10", "fig2-cifar10-small"])
def test_the_presets_are_specs_whose_extractor_takes_most_of_the_time(http: httpx.Client, name: str) -> None:
    spec = presets()[name].spec
    answers = [
        http.post("/experiments?dry_run=true", json=one).json()
        for one in (spec, {**spec, "seeds": 1}, {**spec, "features": {**spec["features"], "steps": 0}})
    ]
    assert [answer["runs"] for answer in answers] == [6, 2, 6]
    assert answers[1]["seconds"] > 0.5 * answers[0]["seconds"] > answers[2]["seconds"]


def test_features_are_parameters_to_sweep_and_to_find_again(http: httpx.Client) -> None:
    answer = http.post("/experiments", json=HEADS)
    assert answer.status_code == 201
    assert answer.json()["points"] == 2
    known = {entry["path"]: entry for entry in http.get("/parameters").json()["items"]}
    assert known["features.kind"]["choices"] == ["resnet18"]
    assert known["features.steps"]["swept"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"data": {"source": "clusters", "n": 100}}, "/features/kind"),
        ({"network": {"kind": "resnet18"}}, "/network/kind"),
        ({"features": {"kind": "resnet18", "batch_size": 101}}, "/features/batch_size"),
        ({"features": {"kind": "resnet50"}}, "/features/kind"),
        ({"features": {"kind": "resnet18", "depth": 3}}, "/features/depth"),
        ({"features": {}}, "/sweep/features.steps/0"),
        ({"sweep": {"features.width": [4, 1]}}, "/sweep/features.width/1"),
    ],
)
def test_what_does_not_go_with_features_is_refused(http: httpx.Client, change: dict[str, Any], pointer: str) -> None:
    answer = http.post("/experiments", json=HEADS | change)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
