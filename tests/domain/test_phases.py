"""The rule of phases, and thresholds as texts."""

import pytest

from phaselab.domain.results.phases import Phase, Thresholds, phase
from phaselab.domain.settings.faults import InvalidInput


@pytest.mark.parametrize(
    ("train", "test", "start", "noise", "index", "expected"),
    [
        (0.89, 0.5, 0, 0, 1, Phase.UNTRAINED),
        (0.9, 0.5, 0, 0, 1, Phase.FEATURE_AVERAGING),  # what it was trained on it knows
        (0.7, 1.0, 0, 0, 1, Phase.FEATURE_AVERAGING),  # noisy labels that it does not believe
        (0.89, None, 0, 0, 1, Phase.UNTRAINED),
        (1, 1, 0.5, 0.5, 1, Phase.LAZY),
        (1, 1, 0.49, 0.5, 1, Phase.MEMORISING),
        (1, 0.5, 0.0, 0.9, 1, Phase.MEMORISING),
        (1, 1, 0.49, 0.49, 0.8, Phase.FEATURE_AVERAGING),
        (1, 1, 0, 0, 0.79, Phase.MIXED),
        (1, 1, 0, 0, 0.2, Phase.FEATURE_LEARNING),
        (1, 1, 0, 0, None, None),
        (None, None, 0, 0, 1, None),
    ],
)
def test_the_rule_of_phases(
    train: float | None, test: float | None, start: float, noise: float, index: float | None, expected: Phase | None
) -> None:
    measures = {
        "train_accuracy": train,
        "test_accuracy": test,
        "start_share": start,
        "noise_share": noise,
        "averaging_index": index,
    }
    assert phase(measures, Thresholds()) == expected


@pytest.mark.parametrize(
    ("known", "fraction", "expected"),
    [
        (
            {},
            0.51,
            Phase.FEATURE_AVERAGING,
        ),  # of features there is so much that nothing else can be half of the weights
        ({}, 0.5, None),
        ({}, None, None),
        ({"start_share": 0.1}, 0.5, None),
        ({"start_share": 0.1}, 0.6, Phase.FEATURE_AVERAGING),
        ({"start_share": 0.6}, 0.1, Phase.LAZY),
        ({"noise_share": 0.6}, 0.1, Phase.MEMORISING),
    ],
)
def test_what_lacks_a_share_has_a_phase_where_features_are_enough(
    known: dict[str, float], fraction: float | None, expected: Phase | None
) -> None:
    measures = {"train_accuracy": 1.0, "feature_fraction": fraction, "averaging_index": 0.9} | known
    assert phase(measures, Thresholds()) == expected


def test_thresholds_are_read_from_texts_and_the_others_are_defaults() -> None:
    assert Thresholds.parse([]) == Thresholds()
    found = Thresholds.parse(["trained_accuracy:0.8", " lazy_share : 0.3 "])
    assert found == Thresholds(trained_accuracy=0.8, lazy_share=0.3)
    assert found.changed == {"trained_accuracy": 0.8, "lazy_share": 0.3}


@pytest.mark.parametrize(
    ("texts", "pointers", "detail"),
    [
        (["lazy_fraction:0.5"], ["/threshold/0"], "lazy_share"),
        (["memory_share:0.5", "lazy_share"], ["/threshold/1"], "number from 0 to 1"),
        (
            ["lazy_share:1.5", "memory_share:nan", "memory_share:-1"],
            [f"/threshold/{i}" for i in range(3)],
            "from 0 to 1",
        ),
        (["lazy_share:0.5", "lazy_share:0.6"], ["/threshold/1"], "once"),
        (["averaging_from:0.1"], ["/threshold"], "below"),
        (["lazy_share:0_5"], ["/threshold/0"], "number from 0 to 1"),
        (["lazy_share:０.５"], ["/threshold/0"], "number from 0 to 1"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(texts: list[str], pointers: list[str], detail: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Thresholds.parse(texts)
    assert [fault.pointer for fault in caught.value.faults] == pointers
    assert all(detail in fault.detail for fault in caught.value.faults)
