"""The estimate of a run's time counts what the attacks really do."""

import itertools
from typing import Any

import pytest

from phaselab.domain.families.cost import estimate_seconds
from phaselab.domain.families.in_span import attempts
from phaselab.domain.families.mlp import attempts_at_any_depth
from phaselab.domain.families.registry import family_of
from phaselab.domain.settings.settings import Settings
from phaselab.workers.attacks import pgd
from phaselab.workers.attacks.climb import Climbed, Toward, climb
from phaselab.workers.networks.resnet import draw_resnet
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack

METHODS = [list(some) for count in (1, 2) for some in itertools.combinations(("pgd", "pgd_native", "exact"), count)]


CASES = [
    (kind, some) for kind in ("two_layer", "mlp") for some in METHODS if kind == "two_layer" or "exact" not in some
]


@pytest.mark.parametrize("labels", ["binary", "clusters"])
@pytest.mark.parametrize(("kind", "methods"), CASES)
def test_attempts_are_those_that_the_attacks_make(
    kind: str, labels: str, methods: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: set[tuple[object, ...]] = set()

    def noted(*arguments: Any) -> Climbed:
        landscape, starts = arguments[0].landscape, arguments[3]
        restart = starts.random.restart if isinstance(starts, Toward) else starts.restart
        made.add((type(landscape), getattr(landscape, "readout", None), type(starts), restart))
        return climb(*arguments)

    monkeypatch.setattr(pgd, "climb", noted)
    run = small_run(network__kind=kind, network__labels=labels, attack__methods=methods, attack__restarts=2)
    run_stack(stack(run))
    expected = (attempts if kind == "two_layer" else attempts_at_any_depth)(run.settings)
    assert len(made) == 2 * expected, "from two starts, each along a landscape of its own"


def test_what_costs_more_is_estimated_dearer() -> None:
    cheap = estimate_seconds(small_run(data__d=5000, data__n=100).settings)
    assert estimate_seconds(small_run(data__d=50_000, data__n=10_000).settings) > 1000 * cheap
    assert estimate_seconds(small_run(data__d=5000, data__n=100, attack__restarts=100).settings) > 5 * cheap


def test_training_a_wide_network_in_few_dimensions_is_no_bargain() -> None:
    """No core takes 5e8 pre-activations a second through a step, however few coordinates there are."""
    wide = small_run(data__d=14, data__n=256, data__draw="literal", network__width=300, training__steps=2000)
    assert estimate_seconds(wide.settings) > 256 * 600 * 2000 / 5e8


@pytest.mark.parametrize("labels", ["binary", 3])
def test_a_two_layer_network_has_as_many_neurons_as_its_cosine_matrix_columns(labels: str | int) -> None:
    run = small_run(network__labels=labels, attack__methods=["pgd"])
    (result,) = results(run_stack(stack(run)))
    assert result.cosines.shape == (4, family_of(run.settings).neurons(run.settings))


def test_a_resnet_has_as_many_neurons_as_its_last_layer_sees() -> None:
    settings = Settings.model_validate({"data": {"source": "digits"}, "network": {"kind": "resnet18", "width": 3}})
    assert draw_resnet(0, 1, 3, 2).head.in_features == family_of(settings).neurons(settings)
