"""Theory against what is measured: every curve that is drawn, at settings where it is drawn."""

from statistics import mean
from typing import Any

import pytest

from phaselab.domain.answers.theory import flip_radius
from phaselab.domain.answers.theory_curves import averaging_index, lazy_scale
from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.measures import Measures
from phaselab.domain.results.results import READOUTS
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results

MOMENTUM = {"training__optimizer": "momentum", "training__learning_rate": 2e-4}
NESTEROV = {"training__optimizer": "nesterov", "data__d": 800, "data__n": 500}
UNEVEN = {"data__positive_clusters": 3, "data__k": 8}
FAR = {"data__d": 1_000_000, "data__snr": 0.3, "training__learning_rate": 3e-5, "network__init_scale": 1e-7}
MINI_BATCHES = {"training__batch_size": 50, "training__learning_rate": 5e-4}


def settings(**changes: Any) -> Settings:
    """The published settings, with `exact` alone and few test points, with changes: `settings(data__k=4)`."""
    alone = {"attack.methods": ("exact",), "attack.radii": (0.0,), "attack.test_points": 300}
    changed = {path.replace("__", "."): value for path, value in changes.items()}
    return resolve(Settings().with_values(alone | changed))


def measured(canonical: Settings, seeds: int = 3) -> list[Measures]:
    """The measures of a run a seed."""
    runs = tuple(Run.of(canonical, seed) for seed in range(seeds))
    return [result.measures for result in results(run_stack(Stack(runs)))]


def average(name: str, found: list[Measures]) -> float:
    """The mean of a measure over runs that all define it."""
    values = [one[name] for one in found]
    assert None not in values
    return mean(value for value in values if value is not None)


@pytest.mark.parametrize("labels", ["binary", 3, 4, 5, "clusters"])
@pytest.mark.parametrize("k", [4, 7, 10, 20])
def test_radii_of_preset_granularity(k: int, labels: str | int) -> None:
    if isinstance(labels, int) and labels > k:
        pytest.skip("no more labels than clusters")
    _check_radii(settings(data__k=k, network__labels=labels))


@pytest.mark.parametrize(
    "changes",
    [
        MOMENTUM,
        NESTEROV,
        {"training__weight_decay": 5.0},
        {"data__label_noise": 0.1, "network__labels": "binary"},
        MINI_BATCHES,
        UNEVEN,
        FAR,
        {"training__steps": 1500, "data__n": 400},
        {"network__width": 2},
        {"data__snr": 0.5},
        {"network__init_scale": 3e-4},
        {"data__n": 300},
        {"data__n": 305, "data__balance": "exact"},
    ],
    ids=str,
)
@pytest.mark.parametrize("labels", ["binary", "clusters"])
def test_radii_of_other_settings(labels: str, changes: dict[str, Any]) -> None:
    _check_radii(settings(**{"network__labels": labels} | changes))


def _check_radii(canonical: Settings) -> None:
    found = measured(canonical)
    for readout in READOUTS:
        theory = flip_radius(canonical, readout)
        assert theory.reason is None
        assert average(f"robust_radius_{readout}", found) == pytest.approx(theory.radius, rel=0.04), readout


@pytest.mark.parametrize(
    "changes",
    [
        {},
        MOMENTUM,
        NESTEROV,
        {"training__weight_decay": 10.0},
        {"data__label_noise": 0.1},
        {"data__label_noise": 0.3},
        MINI_BATCHES,
        UNEVEN,
        FAR,
        {"data__k": 20},
        {"training__steps": 10},
        {"training__learning_rate": 1e-2},
        {"network__width": 20, "attack__test_points": 10},
    ],
    ids=str,
)
@pytest.mark.parametrize("labels", ["binary", 3, "clusters"])
def test_the_lazy_boundary(labels: str | int, changes: dict[str, Any]) -> None:
    """start_share rises through 1/2 within 12 % of the scale that theory gives."""
    cheap = {"attack__methods": ("pgd",), "attack__steps": 1, "network__labels": labels} | changes
    scale = lazy_scale(settings(**cheap), 0.5)
    scales = ({"network__init_scale": scale * by} for by in (1 / 1.12, 1.12))
    below, above = (measured(settings(**cheap | drawn), 1) for drawn in scales)
    assert average("start_share", below) < 0.5 < average("start_share", above)


@pytest.mark.parametrize("labels", ["binary", 3, 4, 5, 7])
@pytest.mark.parametrize(
    "changes",
    [{}, {"data__k": 20}, {"data__n": 400}, MOMENTUM, UNEVEN, {"data__balance": "exact", "data__n": 305}],
    ids=str,
)
def test_the_averaging_index(labels: str | int, changes: dict[str, Any]) -> None:
    canonical = settings(**{"network__labels": labels} | changes)
    assert average("averaging_index", measured(canonical)) == pytest.approx(averaging_index(canonical), abs=0.04)


def test_with_equal_clusters_an_averaging_network_has_the_index_of_one() -> None:
    """With six training points a cluster on average, counts that are drawn make the same network look mixed."""
    index = {
        balance: average("averaging_index", measured(settings(data__k=100, data__n=600, data__balance=balance), 2))
        for balance in ("random", "exact")
    }
    assert index["random"] < 0.8
    assert index["exact"] > 0.93
