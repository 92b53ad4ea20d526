"""Settings of heads on features: what follows from the extractor, its run, and what does not go with one."""

from typing import Any

import pytest

from phaselab.domain.answers.theory import flip_radius
from phaselab.domain.families.cost import estimate_seconds
from phaselab.domain.families.extractor import extractor
from phaselab.domain.families.on_features import inputs_of
from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.parameters import parameters
from phaselab.domain.settings.runs import Run, canonical
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import data_key, shape

HEAD: dict[str, dict[str, Any]] = {
    "data": {"source": "cifar10", "n": 500},
    "features": {"kind": "resnet18", "width": 4, "steps": 20},
}


def settings(**groups: dict[str, Any]) -> Settings:
    return Settings.model_validate({name: HEAD.get(name, {}) | groups.get(name, {}) for name in HEAD | groups})


def head(seed: int = 0, **groups: dict[str, Any]) -> Run:
    return Run.of(resolve(settings(**groups)), seed)


def extractor_of(run: Run) -> Run:
    found = extractor(run)
    assert found is not None
    return found


def test_the_dimension_follows_from_the_extractor() -> None:
    resolved = resolve(settings())
    assert (resolved.data.d, resolved.data.draw, resolved.training.engine) == (32, "literal", "gram")
    assert resolve(settings(features={"width": None})).data.d == 512


@pytest.mark.parametrize(("labels", "width"), [("binary", 15), ("clusters", 3), (5, 6)])
def test_a_head_of_the_published_size_has_three_neurons_a_class(labels: str | int, width: int) -> None:
    assert resolve(settings(network={"labels": labels})).network.width == width


def test_what_is_left_out_is_filled_in_and_stays_so() -> None:
    resolved = resolve(settings(data={"n": 50}))
    assert all(value is not None for value in resolved.features.model_dump().values())
    assert resolved.features.batch_size == 50
    assert resolved.features.labels == 10
    assert resolve(Settings.model_validate_json(resolved.model_dump_json())) == resolved
    assert resolve(Settings.model_validate_json(canonical(resolved))) == resolved


def test_two_ways_to_write_an_extractor_are_one() -> None:
    spelled = {"labels": 10, "learning_rate": 0.1, "batch_size": 100, "schedule": "triangle", "seed": 0}
    assert head(features=spelled).key == head().key
    assert head(features={"labels": 2}).key == head(features={"labels": "binary"}).key
    assert head(features={"steps": 21}).key != head().key


def test_settings_without_features_keep_their_canonical_text_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "features" not in canonical(resolve(Settings()))
    assert extractor(Run.of(resolve(Settings()), 0)) is None
    mnist = resolve(Settings.model_validate({"data": {"source": "mnist"}}))
    assert "features" not in canonical(mnist)
    monkeypatch.setattr("phaselab.domain.settings.runs.RECIPE", 2)
    assert Run.of(mnist, 0).key == "2eec03ca1e8575f40b3d470d1262e8605843253d7049b6b825ee9ff9766b222f"


def test_heads_on_the_same_images_share_an_extractor_which_is_a_run_of_its_own() -> None:
    one, other = (
        head(data={"seed": 3}),
        head(1, data={"seed": 3}, network={"labels": "clusters"}, training={"steps": 7}),
    )
    found = extractor_of(one)
    assert found.key == extractor_of(other).key
    assert found.settings.network.kind == "resnet18"
    assert (found.settings.data.d, found.settings.data.n, found.data_seed, found.seed) == (3072, 500, 3, 0)
    assert extractor(found) is None
    assert resolve(found.settings) == found.settings


def test_the_data_the_training_and_the_seed_of_an_extractor_are_its_own() -> None:
    others = [
        head(data={"n": 400}),
        head(data={"normalization": "standard"}),
        head(1),
        head(features={"seed": 1}),
        head(features={"width": 5}),
    ]
    keys = {extractor_of(run).key for run in [head(), *others]}
    assert len(keys) == len(others) + 1
    assert extractor_of(head(data={"label_noise": 0.2})).key == extractor_of(head()).key


def test_features_are_part_of_the_training_data() -> None:
    one, other = head(), head(features={"learning_rate": 0.2})
    assert data_key(one) != data_key(other)
    assert shape(one.settings) != shape(other.settings)


@pytest.mark.parametrize(
    ("groups", "places"),
    [
        ({"features": {"kind": None}}, ["/features/width", "/features/steps"]),
        ({"data": {"source": "clusters", "n": 100}}, ["/features/kind"]),
        ({"network": {"kind": "resnet18"}}, ["/network/kind"]),
        ({"data": {"d": 100}}, ["/data/d"]),
        ({"features": {"labels": 11}}, ["/features/labels"]),
        ({"features": {"batch_size": 501}}, ["/features/batch_size"]),
        ({"training": {"schedule": "cosine"}}, ["/training/schedule"]),
        ({"training": {"precision": "mixed"}}, ["/training/precision"]),
    ],
)
def test_what_does_not_go_with_features_is_refused_at_its_place(
    groups: dict[str, dict[str, Any]], places: list[str]
) -> None:
    with pytest.raises(InvalidInput) as invalid:
        resolve(settings(**groups))
    assert [fault.pointer for fault in invalid.value.faults] == places


def test_a_refusal_says_what_would_be_right() -> None:
    with pytest.raises(InvalidInput, match="digits, mnist or cifar10"):
        resolve(settings(data={"source": "clusters", "n": 100}))
    with pytest.raises(InvalidInput, match=r"must be in 1\.\.500"):
        resolve(settings(features={"batch_size": 501}))


def test_the_catalogue_knows_features_like_every_group() -> None:
    assert parameters()["features.width"].limits == {"ge": 2, "le": 512}
    assert parameters()["features.kind"].choices == ("resnet18",)
    assert all(entry.meaning for path, entry in parameters().items() if path.startswith("features."))


def test_inputs_are_told_apart_from_the_images_that_they_are_made_of() -> None:
    assert inputs_of(resolve(settings())) == "features of cifar10"
    assert inputs_of(resolve(settings(features={"kind": None, "width": None, "steps": None}))) == "cifar10"


def test_theory_does_not_speak_of_features() -> None:
    assert flip_radius(resolve(settings()), "max").radius is None


def test_an_extractor_costs_time_of_its_own() -> None:
    run = head()
    assert estimate_seconds(extractor_of(run).settings) > 10 * estimate_seconds(run.settings)
