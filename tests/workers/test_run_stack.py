"""The edge of the workers: outcomes, their independence of the stack, failures, memory, and the published setting."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.measures import MEASURES, measures_of
from phaselab.domain.results.plausible import implausible
from phaselab.domain.results.results import READOUTS, Outcome, RunFailure, RunResult
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.attacks.span import runs_at_once
from phaselab.workers.families.registry import bytes_needed
from phaselab.workers.training.in_span import data_sets_at_once
from phaselab.workers.trial import run_stack as edge
from phaselab.workers.trial.run_stack import Stopped, run_stack
from tests.workers.runs import results, small_run, stack


def published(labels: str, seeds: int, **attack: object) -> list[RunResult]:
    settings = resolve(Settings.model_validate({"network": {"labels": labels}, "attack": attack}))
    return results(run_stack(Stack(tuple(Run.of(settings, seed) for seed in range(seeds)))))


def test_published_binary_network_averages_its_features() -> None:
    for result in published("binary", 5, methods=["exact"]):
        assert result.measures["averaging_index"] > 0.95  # type: ignore[operator]
        assert result.measures["robust_radius_sum"] == pytest.approx(math.sqrt(3072 / 10), rel=0.03)
        assert result.measures["robust_radius_max"] == result.measures["robust_radius_sum"]
        assert result.measures["robust_radius_label"] == result.measures["robust_radius_sum"]
        assert result.measures["test_accuracy_label"] == result.measures["test_accuracy"]
        own = np.kron(np.eye(2), np.ones((5, 5))) == 1  # [k, M]
        assert result.cosines[own].mean() == pytest.approx(0.44, abs=0.02)
        assert result.cosines[~own].max() < 0.1


def test_published_clusters_network_learns_its_features_one_by_one() -> None:
    for result in published("clusters", 5, methods=["pgd", "pgd_native", "exact"], radii=[20.0, 25.0, 30.0, 35.0]):
        assert result.measures["averaging_index"] < 0.05  # type: ignore[operator]
        assert np.diag(result.cosines).mean() == pytest.approx(0.99, abs=0.01)
        assert 0.94 * 39.2 < result.measures["robust_radius_max"] < 39.2  # type: ignore[operator]
        found = [result.measures[f"robust_radius_{name}"] for name in ("label", "max", "max_q10", "max_q90")]
        label, middle, first, last = found
        assert 37.5 < label < middle  # type: ignore[operator]  # another label's output may be of the own side
        assert first < middle < last  # type: ignore[operator]
        curves = {(curve.method, curve.readout): curve.accuracy for curve in result.curves}
        assert curves["pgd_native", "sum"][2] > 0.95  # what an attack on the own loss leaves at radius 30
        assert curves["exact", "sum"][2] < 0.01  # what there is
        assert curves["pgd", "sum"][2] < 0.01  # what an attack on the readout that sees through relus leaves
        assert result.trust.verdict == "ok"


@pytest.mark.parametrize("engine", ["gram", "autograd"])
@pytest.mark.parametrize("labels", ["binary", 3, "clusters"])
def test_every_run_gets_every_measure_and_curve(labels: str | int, engine: str) -> None:
    runs = [small_run(seed, network__labels=labels, training__engine=engine) for seed in (3, 1)]
    outcomes = results(run_stack(stack(*runs)))
    assert [outcome.key for outcome in outcomes] == [run.key for run in runs]
    for run, outcome in zip(runs, outcomes, strict=True):
        assert implausible(run.settings, outcome) == []
        assert tuple(outcome.measures) == measures_of(runs[0].settings)
        for name, value in outcome.measures.items():
            low, high = MEASURES[name].low, MEASURES[name].high
            assert value is None or ((low is None or value >= low) and (high is None or value <= high)), name
        assert {(curve.method, curve.readout) for curve in outcome.curves} == {
            (method, readout) for method in run.settings.attack.methods for readout in READOUTS
        }
        for curve in outcome.curves:
            assert curve.accuracy.shape == (6,)
            assert (
                curve.accuracy[0]
                == outcome.measures["test_accuracy_sum" if curve.readout == "sum" else "test_accuracy"]
            )
            assert (np.diff(curve.accuracy) <= 0).all()
        assert outcome.cosines.shape == (4, 4 if labels != 3 else 3)
        assert outcome.cosines.dtype == np.float32
        assert outcome.seconds > 0
        assert outcome.provenance["engine"] == engine
        assert set(outcome.provenance) >= {"draw", "device", "phaselab", "torch", "numpy"}


@pytest.mark.parametrize(
    "network", [{"labels": "binary"}, {"labels": "clusters"}, {"kind": "mlp", "depth": 3}], ids=str
)
def test_without_any_method_there_are_measures_alone(network: dict[str, Any]) -> None:
    changes = {f"network__{name}": value for name, value in network.items()}
    with_methods, without = small_run(**changes), small_run(**changes, attack__methods=[])
    (full,), (alone,) = results(run_stack(stack(with_methods))), results(run_stack(stack(without)))
    assert (alone.curves, alone.trust.flags) == ((), ())
    by_methods = ("attacked_radius", "robust_radius", "certified_radius", "averaging_optimality")
    for name, value in alone.measures.items():
        if name.startswith(by_methods):
            assert value is None, name
        else:
            assert value == pytest.approx(full.measures[name], nan_ok=True), name
    assert alone.key != full.key


def test_without_exact_there_is_no_robust_radius() -> None:
    (result,) = results(run_stack(stack(small_run(attack__methods=["pgd"]))))
    assert {name for name, value in result.measures.items() if value is None} >= {
        "robust_radius_sum",
        "robust_radius_max_relative",
        "robust_radius_max_q10",
        "robust_radius_label",
    }
    assert {curve.method for curve in result.curves} == {"pgd"}


def assert_same(one: Outcome, other: Outcome) -> None:
    """Equal up to the rounding of float32: measures to 1e-4 relative, curves to one point of 60."""
    assert isinstance(one, RunResult)
    assert isinstance(other, RunResult)
    assert one.key == other.key
    for name, value in one.measures.items():
        assert other.measures[name] == (None if value is None else pytest.approx(value, rel=1e-4, abs=1e-6)), name
    for curve, twin in zip(one.curves, other.curves, strict=True):
        assert (curve.method, curve.readout) == (twin.method, twin.readout)
        assert curve.accuracy == pytest.approx(twin.accuracy, abs=1.01 / 60)
    assert one.cosines == pytest.approx(other.cosines, abs=1e-4)


MIXED = [
    {"network__init_scale": 0.1},
    {"network__init_scale": 0.001, "training__learning_rate": 0.02},
    {"training__weight_decay": 0.2, "data__seed": 7},
    {"data__seed": 7, "data__label_noise": 0.1},
    {"data__snr": 2.0, "data__center_cosine": -0.1},
]


@pytest.mark.parametrize(
    ("labels", "batch_size", "draw"),
    [("binary", None, "law"), ("clusters", None, "literal"), ("binary", 8, "literal"), (3, 8, "law")],
)
def test_a_run_does_not_depend_on_its_stack(labels: str | int, batch_size: int | None, draw: str) -> None:
    shared = {
        "network__labels": labels,
        "training__batch_size": batch_size,
        "data__draw": draw,
        "attack__restarts": 2,
        "attack__steps": 15,
    }
    runs = [small_run(seed, **shared, **changes) for changes in MIXED for seed in (0, 1)]
    together = run_stack(stack(*runs))
    for run, outcome in list(zip(runs, together, strict=True))[::3]:
        assert_same(outcome, run_stack(stack(run))[0])
    backwards = run_stack(stack(*reversed(runs)))
    for outcome, again in zip(together, reversed(backwards), strict=True):
        assert_same(outcome, again)


def test_a_diverging_run_fails_alone() -> None:
    runs = [small_run(0), small_run(0, training__weight_decay=1e3, training__learning_rate=1.0), small_run(1)]
    good, bad, other = run_stack(stack(*runs))
    assert isinstance(bad, RunFailure)
    assert bad.key == runs[1].key
    assert "diverged" in bad.reason
    assert_same(good, run_stack(stack(runs[0]))[0])
    assert_same(other, run_stack(stack(runs[2]))[0])


def test_a_stack_that_diverges_altogether_fails_run_by_run() -> None:
    runs = [small_run(seed, training__weight_decay=1e3, training__learning_rate=1.0) for seed in range(2)]
    assert [type(outcome) for outcome in run_stack(stack(*runs))] == [RunFailure, RunFailure]


@pytest.mark.parametrize("answers", [1, 20, 60])
def test_stop_ends_the_stack(answers: int) -> None:
    asked = iter([False] * answers)
    with pytest.raises(Stopped):
        run_stack(stack(small_run()), stop=lambda: next(asked, True))


def test_a_stack_too_large_for_memory_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [small_run(seed) for seed in range(5)]
    expected = run_stack(stack(*runs))
    tried, compute = [], edge._compute

    def short_of_memory(runs: tuple[Run, ...], *rest: object) -> list[Outcome]:
        tried.append(len(runs))
        if len(runs) > 2:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return compute(runs, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(edge, "_compute", short_of_memory)
    for outcome, again in zip(expected, run_stack(stack(*runs)), strict=True):
        assert_same(outcome, again)
    assert tried == [5, 2, 3, 1, 2]


def test_a_run_too_large_for_memory_alone_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> list[Outcome]:
        raise MemoryError("Unable to allocate 8 GiB")

    monkeypatch.setattr(edge, "_compute", no_memory)
    (outcome,) = run_stack(stack(small_run()))
    assert isinstance(outcome, RunFailure)
    assert "memory" in outcome.reason


def test_other_errors_are_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> list[Outcome]:
        raise RuntimeError("a bug")

    monkeypatch.setattr(edge, "_compute", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        run_stack(stack(small_run()))


def test_memory_grows_with_what_needs_it() -> None:
    base = bytes_needed(small_run().settings)
    for changes in (
        {"data__n": 100},
        {"network__width": 50},
        {"attack__test_points": 1000},
        {"training__precision": "float64"},
        {"data__draw": "literal", "data__d": 10_000},
    ):
        assert bytes_needed(small_run(**changes).settings) > base
    assert bytes_needed(small_run(data__d=10**6).settings) == base
    big = small_run(data__n=1000, attack__test_points=1000).settings
    assert runs_at_once(10, 1000, "cpu") < runs_at_once(10, 1000, "cuda")
    assert data_sets_at_once(big, "cpu") == 1 < data_sets_at_once(big, "cuda")


def test_the_same_run_gives_the_same_numbers_again() -> None:
    one, other = (results(run_stack(stack(small_run(4))))[0] for _ in range(2))
    assert one.measures == other.measures
