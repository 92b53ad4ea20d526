"""What attacks find goes into open brackets, verified, and contradictions are seen."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from phaselab.domain.results.results import READOUTS, Readout, RunResult
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.attacks import brackets
from phaselab.workers.attacks.attacks import Attacked, Attacks, ExactMethod
from phaselab.workers.attacks.brackets import Fed, fed
from phaselab.workers.attacks.trust import judge
from phaselab.workers.exact import exact as solver
from phaselab.workers.exact.exact import RobustRadii
from phaselab.workers.families.two_layer import TwoLayers, train_networks
from phaselab.workers.networks.two_layer import network_of
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import small_run

CLUSTERS = {"network__labels": "clusters", "attack__radii": [0.0, 1.0, 2.0, 3.0, 4.0], "attack__test_points": 40}
BINARY = CLUSTERS | {"network__labels": "binary", "network__width": 6}


@dataclass
class Case:
    """Trained networks and what became of them, the exact bounds changed."""

    runs: list[Run]
    trained: TwoLayers
    attacked: Attacked
    tight: dict[Readout, RobustRadii]

    def fed(self) -> Fed:
        return fed(self.trained.victim, self.trained.exact, self.attacked)

    def flags(self, beside: Fed | None = None) -> list[tuple[str, ...]]:
        trained, contradicted = self.trained, beside and {"beats_certificate": beside.contradicted}
        settings = self.runs[0].settings
        found = judge(settings, trained.victim, trained.shown(), self.attacked, None, contradicted or None)
        return [trust.flags for trust in found]


def case(change: Callable[[RobustRadii], RobustRadii] = lambda one: one, **changes: object) -> Case:
    runs, networks = train_networks([small_run(seed, **changes) for seed in range(2)], "cpu", None)
    trained = TwoLayers(runs, networks, network_of(runs[0].settings))
    found = Attacks(runs[0].settings, trained.victim, trained.exact).all()
    tight = dict(found.exact)
    return Case(runs, trained, replace(found, exact={name: change(one) for name, one in tight.items()}), tight)


def opened(by: float) -> Callable[[RobustRadii], RobustRadii]:
    """Bounds that are loose by this share, upper ones with the perturbation that attains them."""

    def change(one: RobustRadii) -> RobustRadii:
        return RobustRadii(one.lower * (1 - by), one.upper * (1 + by), one.perturbation * (1 + by))

    return change


@pytest.mark.parametrize("methods", [["exact", "pgd"], ["exact", "pgd_native"], ["exact"]])
@pytest.mark.parametrize("changes", [CLUSTERS, BINARY])
def test_what_breaks_points_closes_brackets_from_above(methods: list[str], changes: dict[str, object]) -> None:
    found = case(opened(0.2), **changes | {"attack__methods": methods})
    after = found.fed()
    assert not after.contradicted.any()
    assert found.flags(after) == found.flags()
    for readout in READOUTS:
        before, bounds, radius = found.attacked.exact[readout], after.bounds[readout], found.tight[readout].upper
        right = radius > 0
        assert torch.equal(bounds.lower, before.lower), "an attack proves nothing right"
        assert (bounds.upper >= radius * (1 - 1e-9)).all(), "never below the radius"
        assert (bounds.upper <= before.upper).all()
        shorter = (bounds.upper < before.upper)[right].double().mean()
        assert shorter > (0.9 if "pgd" in methods else 0.5)


def test_an_upper_curve_is_nowhere_above_the_curve_of_an_attack() -> None:
    found = case(opened(0.5), **BINARY)
    bounds = found.fed().bounds
    after = replace(found.attacked, bounds=bounds)
    for readout in READOUTS:
        upper = after.accuracy_upper["exact", readout]
        assert (after.accuracy["exact", readout] <= upper).all()
        for method in ("pgd", "pgd_native"):
            assert (upper <= after.accuracy[method, readout] + 1e-12).all()
    before = found.attacked.accuracy_upper["exact", "sum"]
    assert (before > after.accuracy["pgd", "sum"]).any(), "without what the attack found it was above"


def test_closed_brackets_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brackets, "flips_again", lambda *_: pytest.fail("nothing is to be predicted again"))
    found = case(**CLUSTERS)
    after = found.fed()
    for readout, one in found.attacked.exact.items():
        assert torch.equal(after.bounds[readout].upper, one.upper)
        assert torch.equal(after.bounds[readout].lower, one.lower)


@dataclass
class Idle:
    """An exact method that finds nothing more."""

    exact: ExactMethod

    def __call__(self, readout: Readout) -> RobustRadii:
        return self.exact(readout)

    def descend(self, readout: Readout, points: Tensor, start: Tensor) -> Tensor:
        return torch.zeros_like(start)


def test_only_what_flips_when_predicted_again_counts_with_its_own_length(monkeypatch: pytest.MonkeyPatch) -> None:
    found = case(opened(0.5), **BINARY | {"attack__methods": ["exact", "pgd"]})
    monkeypatch.setattr(type(found.trained.victim), "lines", lambda *_: None)
    before, radius, broken = found.attacked.exact["sum"], found.tight["sum"].upper, found.attacked.broken["sum"]
    length = broken.witness.double().norm(dim=1)  # [S, N]
    inside = broken.witness * (0.9 * radius / length.clamp_min(1e-9)).unsqueeze(1)

    def upper(witness: Tensor) -> Tensor:
        attacked = replace(found.attacked, broken=dict.fromkeys(READOUTS, replace(broken, witness=witness)))
        return fed(found.trained.victim, Idle(found.trained.exact), attacked).bounds["sum"].upper

    assert torch.equal(upper(inside), before.upper), "shorter than the radius: it cannot flip, whatever was claimed"
    wanted = torch.minimum(before.upper, length.where(length > 0, torch.inf))
    torch.testing.assert_close(upper(broken.witness), wanted, rtol=1e-6, atol=0)
    assert (wanted < before.upper).any()


@pytest.mark.parametrize("methods", [["exact", "pgd"], ["exact", "pgd_native"]])
def test_a_certificate_above_a_verified_flip_is_flagged_and_stays(methods: list[str]) -> None:
    """The second run's certified radii are too high by a fifth, and no flip is known."""

    def wrong(one: RobustRadii) -> RobustRadii:
        factor = torch.tensor([[1.0], [1.2]], dtype=torch.float64)
        return RobustRadii(
            one.lower * factor,
            torch.full_like(one.upper, torch.inf).where(one.upper > 0, 0.0),
            torch.zeros_like(one.perturbation),
        )

    found = case(wrong, **BINARY | {"attack__methods": methods})
    after = found.fed()
    assert after.contradicted.tolist() == [False, True]
    bounds = after.bounds["sum"]
    assert (bounds.upper >= bounds.lower).all()
    assert ["beats_certificate" in flags for flags in found.flags(after)] == [False, True]


def test_the_own_loss_beside_a_wrong_certificate_is_enough_to_see_it() -> None:
    """Lines are taken away: only the measured length of what `pgd_native` found tells."""
    found = case(
        lambda one: replace(one, lower=one.lower * 2, upper=one.upper * 2),
        **BINARY | {"attack__methods": ["exact", "pgd_native"]},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(found.trained.victim), "lines", lambda *_: None)
        assert all("beats_certificate" in flags for flags in found.flags())
        honest = replace(found, attacked=replace(found.attacked, exact=found.tight))
        assert all("beats_certificate" not in flags for flags in honest.flags())


def test_a_run_whose_search_is_cut_short_tells_a_bracket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wide networks that still are at their start, a single node a point."""
    for name in ("NODES", "WORK", "PATTERNS"):
        monkeypatch.setattr(solver, name, 1)
    changes = {"network__width": 20, "network__init_scale": 0.03, "attack__test_points": 30}
    radii = np.linspace(0, 4, 33).tolist()
    runs = tuple(small_run(seed, attack__radii=radii, **changes) for seed in range(2))
    for result in run_stack(Stack(runs)):
        assert isinstance(result, RunResult), result
        assert result.trust.verdict == "ok"
        curves = {(one.method, one.readout): one for one in result.curves}
        assert all((one.accuracy_upper is None) == (one.method != "exact") for one in result.curves)
        exact, upper = curves["exact", "sum"], curves["exact", "sum"].accuracy_upper
        assert upper is not None
        assert (np.diff(upper) <= 0).all()
        assert (upper >= exact.accuracy).all()
        assert (upper > exact.accuracy).any(), "open"
        assert (upper <= curves["pgd", "sum"].accuracy).all()
        assert (result.measures["robust_radius_gap_sum"] or 0) > 1e-3
