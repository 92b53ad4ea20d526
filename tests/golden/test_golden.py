"""Golden numbers: the same settings give the same keys and results as when RECIPE was last raised."""

import json
from typing import Any

import numpy as np
import pytest

from phaselab.domain.settings.runs import RECIPE, Run
from phaselab.service.base.presets import presets
from phaselab.workers.data.image_sets import load_once
from tests.golden.samples import preset_keys, samples
from tests.golden.write import FILE, made_up_images, numbers

GOLDEN: dict[str, Any] = json.loads(FILE.read_text())
RELATIVE, ABSOLUTE = 1e-3, 1e-5
"""Up to which a measure or a cosine is the same: other processors round float32 otherwise."""
POINTS_APART = 1.5
"""Test points by which a curve may differ: one on the edge falls either way."""
REMEDY = "results changed: raise RECIPE, tell it in CHANGELOG.md, and run `python -m tests.golden.write`"
RUNS = dict(samples())


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHASELAB_DATA_DIR", "")
        patch.setenv("PHASELAB_CHECKPOINT_DIR", "")
        load_once.cache_clear()
        made_up_images(tmp_path_factory.mktemp("golden"))
        yield
        load_once.cache_clear()


def test_the_file_is_of_this_recipe_and_holds_every_sample() -> None:
    assert GOLDEN["recipe"] == RECIPE, REMEDY
    assert set(GOLDEN["runs"]) == set(RUNS), REMEDY
    assert set(GOLDEN["keys"]) == set(presets())


@pytest.mark.parametrize("name", presets())
def test_run_keys_of_presets_stay(name: str) -> None:
    assert preset_keys(name) == GOLDEN["keys"][name], REMEDY


@pytest.mark.parametrize("name", RUNS)
def test_results_stay(name: str, images: None) -> None:
    run: Run = RUNS[name]
    kept, found = GOLDEN["runs"][name], numbers(run)
    assert found["key"] == kept["key"], REMEDY
    assert found["flags"] == kept["flags"], REMEDY
    assert found["cosines"]["shape"] == kept["cosines"]["shape"], REMEDY
    _same(found["cosines"]["first"], kept["cosines"]["first"])
    for measure, value in kept["measures"].items():
        _same([found["measures"][measure]], [value])
    assert set(found["curves"]) == set(kept["curves"]), REMEDY
    for curve, accuracy in kept["curves"].items():
        apart = np.abs(np.subtract(found["curves"][curve], accuracy)).max() * run.settings.attack.test_points
        assert apart <= POINTS_APART, f"{curve}: {REMEDY}"


def _same(found: list[float | None], kept: list[float | None]) -> None:
    assert [value is None for value in found] == [value is None for value in kept], REMEDY
    pairs = np.array([pair for pair in zip(found, kept, strict=True) if None not in pair], dtype=float).reshape(-1, 2)
    np.testing.assert_allclose(pairs[:, 0], pairs[:, 1], rtol=RELATIVE, atol=ABSOLUTE, err_msg=REMEDY)
