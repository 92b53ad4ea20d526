"""Families: each keeps the contract on every source that it takes, and a new one needs nothing but its file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from phaselab.domain.families.contract import Family as DomainFamily
from phaselab.domain.families.registry import FAMILIES as DOMAIN_FAMILIES
from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.measures import measures_of
from phaselab.domain.results.parcels import Progress
from phaselab.domain.results.results import READOUTS, Decision, Outcome, RunFailure, RunResult
from phaselab.domain.results.states import Stage
from phaselab.domain.settings import names
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.parameters import parameters
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.attacks.attacks import Attacks
from phaselab.workers.attacks.inputs import InputPoints, InputVictim
from phaselab.workers.attacks.landscape import TARGETS, choose
from phaselab.workers.base import progress
from phaselab.workers.base.checkpoint import Checkpoint
from phaselab.workers.base.recent import RECENT
from phaselab.workers.base.stop import Stop
from phaselab.workers.data import image_data
from phaselab.workers.data.training_set import Centers, centred_means
from phaselab.workers.families.contract import Extractor, Trained, TrainedStack
from phaselab.workers.families.extraction import without_features
from phaselab.workers.families.registry import EXTRACTORS, FAMILIES, bytes_needed, family_of
from phaselab.workers.measures.shown import Shown, feature_fraction, features_held, own_side
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.trained import geometry
from phaselab.workers.trial.run_stack import Stopped, run_stack

POINTS = 40
ON: Mapping[str, Mapping[str, Any]] = {
    "clusters": {"data": {"k": 4, "d": 30, "n": 25}},
    "orthogonal": {"data": {"source": "orthogonal", "k": 4, "d": 30, "n": 25, "perturbation": 1.0}},
    "sparse_regression": {"data": {"source": "sparse_regression", "d": 30, "n": 25}},
    "grid": {"data": {"source": "grid", "k": 9, "d": 30, "n": 36}},
    "images": {"data": {"source": "digits", "n": 60}},
    "features": {
        "data": {"source": "digits", "n": 60, "seed": 0},
        "features": {"kind": names.EXTRACTOR_NAMES[0], "width": 2, "steps": 5, "batch_size": 30},
    },
}
"""Small settings on every source."""
SMALL: Mapping[str, Mapping[str, Any]] = {
    "network": {"width": 2, "labels": "clusters"},
    "training": {"learning_rate": 0.05, "steps": 12, "precision": "float64"},
    "attack": {"test_points": POINTS, "radii": [0.0, 0.5, 2.0], "steps": 5},
}

OF: Mapping[str, Mapping[str, Mapping[str, Any]]] = {"diagonal": {"network": {"width": "auto", "init_scale": 0.1}}}
"""What is small of a family in another way."""
LARGER: Mapping[str, Mapping[str, Mapping[str, Any]]] = {"diagonal": {"data": {"d": 300}}}
"""What makes a family's runs larger, where it is not the width."""

_ONE_A_SIDE = {f"gradient_averaging_{readout}" for readout in READOUTS} | {"averaging_index", "subclass_variance"}
WITHOUT: Mapping[str, frozenset[str]] = {
    "diagonal": frozenset(_ONE_A_SIDE | {"subclass_selectivity", "silent_fraction"})
}
"""Measures that are null for a family: its sides have one cluster each, and its neurons are linear."""


def run_of(family: str, source: str, seed: int = 0, **groups: Mapping[str, Any]) -> Run:
    """A small run; groups hold what is changed."""
    own = OF.get(family, {})
    base = dict(ON[source]) | {name: values | own.get(name, {}) for name, values in SMALL.items()}
    merged = {name: dict(base.get(name, {})) | groups.get(name, {}) for name in base | groups}
    merged["network"]["kind"] = family
    return Run.of(resolve(Settings.model_validate(merged)), seed)


def trained_by(runs: Sequence[Run]) -> list[Trained]:
    """The networks of runs, batch after batch."""
    family = family_of(runs[0].settings)
    with torch.no_grad():
        without_features(runs, "cpu", None)
        parts = [runs] if family.together else [[run] for run in runs]
        trainings = [family.train(part, "cpu", None) for part in parts]
        trained = [trained for training in trainings for trained in training.trained]
    assert not [failure for training in trainings for failure in training.failures]
    return trained


def several(trained: Trained) -> bool:
    """Whether its readouts are different functions, which those of two label groups are not."""
    return len(label_groups(trained.runs[0].settings).side_of_group) > 2


def results(outcomes: Sequence[Outcome]) -> list[RunResult]:
    assert all(isinstance(outcome, RunResult) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, RunResult)]


def same(one: RunResult, other: RunResult) -> bool:
    curves = zip(one.curves, other.curves, strict=True)
    return one.measures == other.measures and all(np.array_equal(a.accuracy, b.accuracy) for a, b in curves)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for checkpoints and features, and nothing remembered."""
    monkeypatch.setenv("PHASELAB_CHECKPOINT_DIR", str(tmp_path))
    RECENT.clear()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "source"), [(name, source) for name in FAMILIES for source in DOMAIN_FAMILIES[name].sources]
)
class TestContract:
    """What holds for every family on every source that it takes."""

    def test_it_trains_every_run_and_shows_it_to_measures(self, name: str, source: str) -> None:
        runs = [run_of(name, source, seed) for seed in range(3)]
        batches = trained_by(runs)
        assert {run.key for trained in batches for run in trained.runs} == {run.key for run in runs}
        for trained in batches:
            shown, count, k = trained.shown(), len(trained.runs), trained.runs[0].settings.data.k
            neurons = shown.own.shape[-2]
            assert shown.own.shape in ((neurons, k), (count, neurons, k))
            assert shown.neurons.center_products.shape == (count, neurons, k)
            assert shown.neurons.weight_products.shape == (count, neurons, neurons)
            assert shown.center_norms.shape == (count, k)
            for values in (shown.loss, shown.accuracy, shown.feature_fraction, *shown.clean.values()):
                assert values.shape == (count,)
                assert bool(values.isfinite().all())
            assert set(shown.clean) == {*READOUTS, "label"}
            assert shown.radii == {}

    def test_a_label_that_is_right_has_the_class_right(self, name: str, source: str) -> None:
        """By the max readout; with two groups they are one."""
        for labels in ("binary", "clusters"):
            for trained in trained_by([run_of(name, source, seed, network={"labels": labels}) for seed in range(2)]):
                assert bool((trained.clean["label"] <= trained.clean["max"]).all())
                assert labels == "clusters" or torch.equal(trained.clean["label"], trained.clean["max"])
                if trained.exact is not None and trained.exact_label is not None:
                    label, by_max = trained.exact_label(), trained.exact("max")
                    assert bool((label.lower <= by_max.upper * (1 + 1e-9)).all())
                    assert bool(((label.lower > 0).double().mean(dim=1) - trained.clean["label"] <= 1e-9).all())

    def test_its_landscapes_show_the_test_points_and_a_way_down(self, name: str, source: str) -> None:
        for trained in trained_by([run_of(name, source, seed) for seed in range(2)]):
            victim = trained.victim
            assert set(victim.readouts) == set(READOUTS if several(trained) else READOUTS[:1])
            for readout in READOUTS:
                for way in victim.readout(readout).ways:
                    landscape = way.landscape
                    start, clean = landscape.zeros(), landscape.clean()
                    assert (start.shape[0], start.shape[2]) == (len(trained.runs), POINTS)
                    assert clean.shape == (landscape.verdicts, len(trained.runs), POINTS)
                    right = (clean[0] > 0).double().mean(dim=1)
                    assert bool(((right - trained.clean[readout]).abs() < 1.5 / POINTS).all())
                    look = landscape.look(start.clone())
                    torch.testing.assert_close(look.verdicts, clean)
                    assert look.gradient.shape == start.shape
                    safe = landscape.safe_radius().clamp_min(0) * 0.999  # [S, N]
                    length = look.gradient.norm(dim=1)  # [S, N]
                    moved = -look.gradient * (safe / length.where(length > 0, 1.0)).unsqueeze(1)
                    assert bool((landscape.look(moved).verdicts[0] > 0)[safe > 0].all())

    def test_a_step_against_the_gradient_of_a_readout_lowers_it(self, name: str, source: str) -> None:
        for trained in trained_by([run_of(name, source)]):
            for readout in READOUTS:
                landscape = trained.victim.readout(readout).ways[-1].landscape
                start = landscape.zeros()
                before = landscape.look(start.clone())
                still = torch.zeros_like(before.score, dtype=torch.bool)
                step = landscape.region.step(
                    start.clone(), before.gradient.clone(), 1e-4, 1.0, still, torch.empty_like(start)
                )
                assert float(step.perturbation.norm(dim=1).max()) <= 1e-4 * (1 + 1e-6)
                lower = landscape.look(step.perturbation.clone()).score < before.score
                assert float(lower.double().mean()) > 0.9

    def test_its_ways_and_starts_are_the_same_whenever_asked(self, name: str, source: str) -> None:
        for trained in trained_by([run_of(name, source, seed) for seed in range(2)]):
            victim = trained.victim
            assert trained.victim is victim
            own = victim.own_loss()
            for readout in victim.readouts:
                assert victim.readout(readout) is victim.readout(readout)
                assert (victim.readout(readout).target != own.target) == several(trained)
            numbers, again = victim.noise(own.target), victim.noise(own.target)
            d = own.ways[0].landscape.zeros().shape[1]
            assert numbers(1, 0).shape == (len(trained.runs), d + 2, POINTS)
            assert torch.equal(numbers(1, 0), again(1, 0))
            assert not torch.equal(numbers(1, 0), numbers(1, 1))
            assert not torch.equal(numbers(1, 0), victim.noise((own.target + 1) % len(TARGETS))(1, 0))

    def test_with_two_groups_the_own_loss_moves_with_the_readout(self, name: str, source: str) -> None:
        for trained in trained_by([run_of(name, source, network={"labels": "binary"})]):
            victim = trained.victim
            assert victim.readouts == ("sum",)
            own, readout = victim.own_loss(), victim.readout("sum")
            assert own.target == readout.target
            assert all(way in readout.ways for way in own.ways)

    def test_a_second_prediction_agrees_with_the_landscape(self, name: str, source: str) -> None:
        """Up to a factor that changes no sign."""
        for trained in trained_by([run_of(name, source, seed) for seed in range(2)]):
            victim = trained.victim
            everything = choose(torch.ones(len(trained.runs), POINTS, dtype=torch.bool))
            assert everything is not None
            for readout in victim.readouts:
                landscape = victim.readout(readout).ways[-1].landscape
                down = -landscape.look(landscape.zeros()).gradient
                moved = landscape.region.inside(0.3 * down / down.norm(dim=1, keepdim=True), 0.3)
                again = victim.again(readout, everything, moved)
                scale = landscape.clean()[0] / again.before
                torch.testing.assert_close(landscape.look(moved).score, again.after * scale, rtol=1e-4, atol=1e-6)
                torch.testing.assert_close(again.length.to(moved), moved.norm(dim=1), rtol=1e-4, atol=1e-6)

    def test_it_has_an_exact_method_where_its_settings_offer_one_and_no_attack_goes_below(
        self, name: str, source: str
    ) -> None:
        for trained in trained_by([run_of(name, source, seed) for seed in range(2)]):
            settings = trained.runs[0].settings
            assert (trained.exact is not None) == ("exact" in settings.attack.methods)
            attacked = Attacks(settings, trained.victim, trained.exact).all()
            assert set(attacked.accuracy) == {(way, one) for way in settings.attack.methods for one in READOUTS}
            radii = torch.tensor([0.0, 0.5, 2.0, torch.inf], dtype=torch.float64)
            for readout, bounds in attacked.exact.items():
                assert bool((bounds.lower <= bounds.upper).all())
                assert bool((bounds.lower <= radii[attacked.broken[readout].first[0]] * (1 + 1e-6)).all())

    def test_a_run_that_diverges_fails_alone(self, name: str, source: str) -> None:
        diverging = {"learning_rate": 1e6, "weight_decay": 1e3, "steps": 80}
        good = run_of(name, source, training={"steps": 80})
        bad = run_of(name, source, training=diverging)
        alone, failed = run_stack(Stack((good, bad)))
        assert isinstance(alone, RunResult), alone
        assert isinstance(failed, RunFailure)
        assert (failed.key, failed.reason[:17]) == (bad.key, "training diverged")

    def test_runs_that_differ_only_in_their_steps_are_one_training_and_each_as_alone(
        self, name: str, source: str
    ) -> None:
        measured: Mapping[str, Any] = {"methods": [], "radii": [0.0]}
        runs = [run_of(name, source, training={"steps": steps}, attack=measured) for steps in (4, 0, 12)]
        told: list[Progress] = []
        with progress.heard(told.append):
            together = results(run_stack(Stack(tuple(runs))))
        assert sum(one.stage is Stage.TRAINING for one in told) == 12 + (5 if source == "features" else 0)
        for run, one in zip(runs, together, strict=True):
            (other,) = results(run_stack(Stack((run,))))
            assert one.key == other.key == run.key
            values = [[-1.0 if value is None else value for value in each.measures.values()] for each in (one, other)]
            np.testing.assert_allclose(*values, rtol=1e-6, atol=1e-9)
            np.testing.assert_allclose(one.cosines, other.cosines, atol=1e-6)

    def test_what_is_broken_off_goes_on_to_the_same_result_and_leaves_nothing(
        self, name: str, source: str, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = run_of(name, source)
        (whole,) = results(run_stack(Stack((run,))))
        kept = set(folder.iterdir())  # features
        monkeypatch.setattr(Checkpoint, "due", True)
        for answers in (8, 25):
            asked = iter([False] * answers)
            with pytest.raises(Stopped):
                run_stack(Stack((run,)), stop=lambda asked=asked: next(asked, True))  # type: ignore[misc]
            left = set(folder.iterdir()) - kept
            assert bool(left) == family_of(run.settings).resumes
            assert all(path.name.startswith(run.key) for path in left)
        (again,) = results(run_stack(Stack((run,))))
        assert same(whole, again)
        assert set(folder.iterdir()) == kept

    def test_what_is_trained_together_does_not_go_on_from_checkpoints(self, name: str, source: str) -> None:
        assert not (FAMILIES[name].together and FAMILIES[name].resumes)

    def test_it_says_what_memory_a_run_takes(self, name: str, source: str) -> None:
        larger = LARGER.get(name, {"network": {"width": 64}})
        narrow, wide = (run_of(name, source, **groups).settings for groups in ({}, larger))
        family = family_of(narrow)
        assert 0 < family.bytes_per_run(narrow) < family.bytes_per_run(wide)
        assert bytes_needed(narrow) >= family.bytes_per_run(narrow)

    def test_every_measure_that_is_defined_for_it_is_a_number_and_no_other_is_given(
        self, name: str, source: str
    ) -> None:
        run = run_of(name, source, network={"labels": "binary"}, training={"steps": 40})
        (result,) = results(run_stack(Stack((run,))))
        assert tuple(result.measures) == measures_of(run.settings)
        without = {measure for measure, value in result.measures.items() if value is None}
        nulls = {"coefficient_ratio"}  # null where the median neuron has a coefficient that is not positive
        nulls |= {"compression_fit", "readout_participation"}  # of one hidden layer, and of a fixed output
        if result.measures.get("averaged_radius_sum") == 0:
            nulls |= {"averaging_optimality_sum", "averaging_optimality_max"}  # 0 over 0
        nulls |= WITHOUT.get(name, frozenset())
        if any(curve.method == "pgd" and curve.accuracy[-1] >= 0.5 for curve in result.curves):
            nulls |= {name for name in without if name.startswith("attacked_radius")}  # half withstand all radii
        assert without <= nulls

    def test_results_say_what_computed_them(self, name: str, source: str) -> None:
        (result,) = results(run_stack(Stack((run_of(name, source, attack={"methods": ["pgd"]}),))))
        assert {"engine", "device", "phaselab", "torch", "numpy"} < set(result.provenance)
        assert ("box" in result.provenance) == (source == "images")
        assert ("extractor" in result.provenance) == (source == "features")


@pytest.mark.parametrize("name", EXTRACTORS)
def test_an_extractor_sees_as_many_numbers_as_it_says(name: str) -> None:
    run = run_of(name, "images")
    family = FAMILIES[name]
    assert isinstance(family, Extractor)
    with torch.no_grad():
        features = family.extract(run, "cpu", None)
    assert features.train.shape == (60, DOMAIN_FAMILIES[name].neurons(run.settings))
    assert features.test.shape == (500, features.train.shape[1])
    assert features.finite


@dataclass(frozen=True, eq=False)
class Nearest:
    """An output for every class: the inner product with its mean, less half the mean's square."""

    run: Run
    means: Tensor
    """[10, d] centred"""
    exact = None
    exact_label = None

    @property
    def runs(self) -> Sequence[Run]:
        return [self.run]

    @cached_property
    def victim(self) -> InputVictim:
        cluster, inputs = image_data.test_images(self.run)
        dealt = label_groups(self.run.settings)
        side = torch.tensor(dealt.side_of_cluster)[cluster].to(inputs)
        limits = image_data.box(self.run.settings.data, inputs)
        points = InputPoints(self.outputs, 10, dealt.side_of_group.count(1), inputs, side, cluster, limits, len(inputs))
        return InputVictim(points, self.run.seed)

    def outputs(self, inputs: Tensor) -> Tensor:
        return self.means @ inputs.T - self.means.square().sum(dim=1, keepdim=True) / 2

    @property
    def clean(self) -> Mapping[Decision, Tensor]:
        return self.victim.points.accuracy

    def shown(self) -> Shown:
        centers = Centers.means(self.means)
        neurons = geometry(self.means.unsqueeze(0), self.means)
        own = own_side(self.run.settings, GroupLayout.build(label_groups(self.run.settings).side_of_group, 1))
        nothing = torch.zeros(1)
        fraction = feature_fraction(neurons, centers)
        parts = features_held(neurons, centers)
        return Shown(nothing, nothing, self.clean, neurons, parts, own, centers.norms.unsqueeze(0), fraction)


class MadeUp:
    """What the file of a third family would hold."""

    together = False
    resumes = False

    def train(self, runs: Sequence[Run], device: str, stop: Stop | None) -> TrainedStack:
        (run,) = runs
        cluster, inputs = image_data.training_images(run)
        return TrainedStack([Nearest(run, centred_means(inputs, cluster, 10))], [])

    def bytes_per_run(self, settings: Settings) -> int:
        return 8 * settings.data.n * settings.data.d


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A third family: its files, and its name in the list."""
    of_domain = DomainFamily(
        name="made_up",
        chosen_by="network.kind: made_up",
        sources=("images",),
        choices={"training.engine": ("auto", "autograd"), "attack.methods": ("pgd", "pgd_native")},
        notes={"network.kind": "a family that this test made up"},
        follow=lambda settings: settings.with_values({"network.width": 1, "training.engine": "autograd"}),
        neurons=lambda settings: 10,
        seconds=lambda settings: 0.1,
    )
    monkeypatch.setattr(names, "FAMILY_NAMES", (*names.FAMILY_NAMES, "made_up"))
    monkeypatch.setitem(DOMAIN_FAMILIES, "made_up", of_domain)
    monkeypatch.setitem(FAMILIES, "made_up", MadeUp())
    parameters.cache_clear()
    yield
    monkeypatch.undo()
    parameters.cache_clear()


def test_a_made_up_family_goes_the_whole_way(made_up: None) -> None:
    runs = [run_of("made_up", "images", seed, data={"n": 400}) for seed in range(2)]
    for run, result in zip(runs, results(run_stack(Stack(tuple(runs)))), strict=True):
        assert result.key == run.key
        assert result.measures["test_accuracy"] > 0.7
        assert result.measures["feature_fraction"] == pytest.approx(1.0)
        assert result.measures.get("robust_radius_max") is None
        assert {curve.method for curve in result.curves} == {"pgd", "pgd_native"}
        assert result.cosines.shape == (10, 10)
        assert set(result.trust.flags) <= {"more_steps_win", "more_restarts_win"}
        assert result.provenance["images"] == "original"
    assert bytes_needed(runs[0].settings) == 8 * 400 * 64
