"""A family gives a run the measures that the catalogue defines for it: no more, no fewer, and null for no number."""

import math

import pytest

from phaselab.domain.families.resolve import resolve
from phaselab.domain.families.sources import SOURCES
from phaselab.domain.results import measures
from phaselab.domain.results.measures import MEASURES, Measure, measured, measures_of
from phaselab.domain.settings.names import FAMILY_NAMES
from phaselab.domain.settings.settings import Settings

DIGITS = {"data": {"source": "digits", "n": 50}, "attack": {"test_points": 50, "methods": ["pgd"]}}
CLUSTERS = resolve(Settings())
IMAGES = resolve(Settings.model_validate(DIGITS))
RESNET = resolve(Settings.model_validate(DIGITS | {"network": {"kind": "resnet18"}}))
OF_LAYERS_OR_TRAINED = {"compression_fit", "readout_participation"}
OF_REGRESSION = {"regression_error", "beta_l1_ratio", "q_gap"}
OF_ANY_DEPTH = {"steps_taken"} | {
    f"{how}_radius_{readout}{end}"
    for how in ("attacked", "certified")
    for readout in ("sum", "max")
    for end in ("", "_relative")
}


def test_entries_name_families_and_sources_that_there_are() -> None:
    for entry in MEASURES.values():
        assert set(entry.families) <= set(FAMILY_NAMES)
        assert set(entry.sources) <= SOURCES.keys()


def test_a_measure_is_of_its_families_and_sources_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(MEASURES) - set(measures_of(CLUSTERS)) == OF_ANY_DEPTH | OF_LAYERS_OR_TRAINED | OF_REGRESSION
    of_radii = {name for name in MEASURES if name.startswith("robust_radius_")}
    ends = ("", "_q10", "_q90", "_relative")
    assert of_radii == {f"robust_radius_{readout}{end}" for readout in ("sum", "max") for end in ends} | {
        f"robust_radius_{name}" for name in ("gap_sum", "gap_max", "gap_label", "label")
    }
    of_weights = {"start_share", "noise_share", "dead_outputs", "pattern_flips", "normalized_margin"} | OF_ANY_DEPTH
    of_weights |= {"stable_rank_weights"}
    of_weights |= {name for name in MEASURES if name.startswith(("averaged_", "averaging_optimality", "offspan_"))}
    assert set(MEASURES) - set(measures_of(RESNET)) == of_radii | of_weights | OF_REGRESSION
    law = Measure("law", "l", 0, 1, "", "Of two-layer networks on clusters.", "", ("two_layer",), ("clusters",))
    monkeypatch.setattr(measures, "MEASURES", {"law": law})
    assert measures_of(CLUSTERS) == ("law",)
    assert measures_of(IMAGES) == measures_of(RESNET) == ()


def test_what_is_forgotten_or_unknown_is_told() -> None:
    values = dict.fromkeys(measures_of(CLUSTERS), 0.5) | {"train_loss": math.inf, "averaging_index": math.nan}
    assert measured(CLUSTERS, values) == values | {"train_loss": None, "averaging_index": None}
    with pytest.raises(ValueError, match=r"resnet18 .*not of it: averaged_radius_max, .*dead_outputs, noise_share, "):
        measured(RESNET, values)
    del values["test_accuracy"]
    with pytest.raises(ValueError, match=r"two_layer .*; forgotten: test_accuracy; not of it: loss$"):
        measured(CLUSTERS, values | {"loss": 1.0})
