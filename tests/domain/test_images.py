"""Settings of image data: what follows from the source, and what does not go with it."""

from typing import Any

import pytest

from phaselab.domain.answers.theory import flip_radius
from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.images import IMAGE_SETS
from phaselab.domain.settings.runs import Run, canonical
from phaselab.domain.settings.settings import Settings
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec

FEW: dict[str, dict[str, Any]] = {"data": {"source": "digits"}, "attack": {"test_points": 100}}


def settings(**groups: dict[str, Any]) -> Settings:
    return Settings.model_validate({name: FEW.get(name, {}) | groups.get(name, {}) for name in FEW | groups})


def faults(**groups: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidInput) as invalid:
        resolve(settings(**groups))
    return [fault.pointer for fault in invalid.value.faults]


@pytest.mark.parametrize(("source", "d"), [("digits", 64), ("mnist", 784), ("cifar10", 3072)])
def test_the_dimension_and_the_normalisation_follow_from_the_source(source: str, d: int) -> None:
    data = resolve(settings(data={"source": source})).data
    assert (data.d, data.k, data.normalization, data.draw) == (d, 10, "unit", "literal")


def test_canonical_settings_are_their_own_canonical_settings() -> None:
    once = resolve(settings(data={"normalization": "standard"}))
    assert resolve(Settings.model_validate_json(once.model_dump_json())) == once


def test_the_positive_classes_come_first() -> None:
    assert IMAGE_SETS["mnist"].order[:5] == (0, 2, 4, 6, 8)
    assert IMAGE_SETS["cifar10"].order[:5] == (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [
        ("data", "k", 8),
        ("data", "d", 100),
        ("data", "n", 1298),
        ("data", "snr", 2.0),
        ("data", "center_cosine", 0.1),
        ("data", "draw", "law"),
        ("attack", "test_points", 501),
    ],
)
def test_what_does_not_go_with_images_is_refused_at_its_place(group: str, name: str, value: object) -> None:
    assert faults(**{group: {name: value}}) == [f"/{group}/{name}"]


def test_what_follows_from_the_source_cannot_be_swept_though_one_value_is_the_default() -> None:
    swept = {"name": "x", "data": {"source": "digits"}, "attack": {"test_points": 100}, "sweep": {"data.d": [64, 3072]}}
    with pytest.raises(InvalidInput, match="d of digits is 64, not 3072") as invalid:
        plan(parse_spec(swept))
    assert [fault.pointer for fault in invalid.value.faults] == ["/sweep/data.d/1"]


def test_clusters_are_not_normalised() -> None:
    assert faults(data={"source": "clusters", "normalization": "unit"}) == ["/data/normalization"]


def test_the_normalisation_is_part_of_the_run_key() -> None:
    unit, standard = (Run.of(resolve(settings(data={"normalization": n})), 0) for n in ("unit", "standard"))
    assert unit.key != standard.key
    assert unit.key == Run.of(resolve(settings()), 0).key


def test_parameters_of_images_leave_the_keys_of_clusters_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "normalization" not in canonical(resolve(Settings()))
    monkeypatch.setattr("phaselab.domain.settings.runs.RECIPE", 2)
    assert Run.of(resolve(Settings()), 0).key == "953d80980037736a55061fe5d072950333535794ba208197719d87487994c069"


def test_mini_batches_of_many_images_are_trained_by_autograd() -> None:
    batches = settings(data={"source": "mnist", "n": 20_000}, training={"batch_size": 100})
    assert resolve(batches).training.engine == "autograd"
    assert resolve(settings(data={"source": "mnist", "n": 20_000})).training.engine == "gram"


def test_theory_does_not_speak_of_images() -> None:
    assert flip_radius(resolve(settings()), "sum").radius is None
