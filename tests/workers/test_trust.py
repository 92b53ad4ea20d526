"""Each check of an attack is raised by the fault it is for, and by nothing in an honest one."""

import math
from dataclasses import replace

import pytest
import torch

from phaselab.domain.results.results import READOUTS
from phaselab.domain.settings.runs import Run
from phaselab.workers.attacks.attacks import Attacked, Attacks, radii_of
from phaselab.workers.attacks.trust import diverged, judge
from phaselab.workers.exact.exact import RobustRadii
from phaselab.workers.families.registry import family_of
from phaselab.workers.families.two_layer import TwoLayers, train_networks
from phaselab.workers.networks.trained import Networks
from phaselab.workers.networks.two_layer import network_of
from tests.workers.runs import small_run

STEADY = {"network__labels": "clusters", "attack__methods": ["pgd"], "attack__radii": [0.0, 1.0, 2.0, 3.0]}


def two_layers(runs: list[Run], networks: Networks) -> TwoLayers:
    return TwoLayers(runs, networks, network_of(runs[0].settings))


def judged(runs: list[Run], networks: Networks, attacked: Attacked) -> list[tuple[str, ...]]:
    trained = two_layers(runs, networks)
    return [trust.flags for trust in judge(runs[0].settings, trained.victim, trained.shown(), attacked, None)]


def attack(runs: list[Run], networks: Networks) -> Attacked:
    trained = two_layers(runs, networks)
    return Attacks(runs[0].settings, trained.victim, trained.exact).all()


def attacked(seeds: int = 2, **changes: object) -> tuple[list[Run], Networks, Attacked]:
    runs, networks = train_networks([small_run(seed, **(STEADY | changes)) for seed in range(seeds)], "cpu", None)
    return runs, networks, attack(runs, networks)


def test_an_attack_that_has_converged_is_trusted() -> None:
    """Neurons that are never off make the readout linear, and an attack on it exact."""
    runs, networks, _ = attacked(network__labels="binary", network__width=1, attack__methods=["pgd", "exact"])
    linear = replace(networks, preactivations=networks.preactivations + 100)
    found = attack(runs, linear)
    assert 0 < found.accuracy["pgd", "sum"][0, 2] < 1
    assert judged(runs, linear, found) == [(), ()]


def test_without_pgd_there_is_nothing_to_doubt() -> None:
    runs, networks, found = attacked(attack__methods=["exact"])
    assert judged(runs, networks, found) == [(), ()]


def tampered(found: Attacked, first: torch.Tensor) -> Attacked:
    """The attack with other numbers of the radii that broke the points."""
    return replace(found, broken={one: replace(found.broken[one], first=first.unsqueeze(0)) for one in READOUTS})


def test_clean_mismatch() -> None:
    runs, networks, found = attacked()
    first = found.broken["max"].first[0].clone()
    first[1, :5] = 0
    flags = judged(runs, networks, tampered(found, first))
    assert "clean_mismatch" not in flags[0]
    assert "clean_mismatch" in flags[1]


def test_more_steps_win_over_an_attack_that_claims_nothing_breaks() -> None:
    runs, networks, found = attacked()
    idle = torch.full_like(found.broken["max"].first[0], 4)
    for flags in judged(runs, networks, tampered(found, idle)):
        assert {"more_steps_win", "more_restarts_win"} <= set(flags)


def test_weaker_than_exact() -> None:
    runs, networks, found = attacked(attack__methods=["pgd", "exact"])
    assert all(
        "weaker_than_exact" in flags for flags in judged(runs, networks, tampered(found, torch.full((2, 60), 4)))
    )


def test_an_attack_is_not_blamed_for_the_gap_of_the_exact_method() -> None:
    runs, networks, found = attacked(attack__methods=["pgd", "exact"])
    idle = tampered(found, torch.full((2, 60), 4))
    unknown = {
        readout: RobustRadii(one.lower, torch.full_like(one.upper, torch.inf), one.perturbation)
        for readout, one in found.exact.items()
    }
    assert all("weaker_than_exact" not in flags for flags in judged(runs, networks, replace(idle, exact=unknown)))


def test_an_attack_may_miss_as_many_points_as_chance_allows() -> None:
    """Of 60 points, if 2 % are missed, more than 4 are in less than one of a hundred runs."""

    def more_than(most: int) -> float:
        return 1 - sum(math.comb(60, i) * 0.02**i * 0.98 ** (60 - i) for i in range(most + 1))

    assert more_than(4) < 0.01 < more_than(3)
    runs, networks, found = attacked(attack__methods=["pgd", "exact"], network__labels="binary")
    radii = torch.tensor(radii_of(runs[0].settings), dtype=torch.float64)
    perfect = torch.searchsorted(radii, found.exact["sum"].upper)  # number of the first radius that flips a point
    can_miss = (perfect > 0) & (perfect < len(radii))  # [2, 60]
    for missed, weak in ((4, False), (5, True)):
        first = perfect.where(~can_miss | (can_miss.cumsum(dim=1) > missed), len(radii))
        flags = judged(runs, networks, tampered(found, first))
        assert ["weaker_than_exact" in one for one in flags] == [weak, weak]


def test_beats_certificate() -> None:
    runs, networks, found = attacked(attack__methods=["pgd", "exact"])
    exact = {
        readout: RobustRadii(one.lower + 1, one.upper + 1, one.perturbation) for readout, one in found.exact.items()
    }
    assert all("beats_certificate" in flags for flags in judged(runs, networks, replace(found, exact=exact)))
    assert all("beats_certificate" not in flags for flags in judged(runs, networks, found))


def test_not_adversarial_when_the_factor_does_not_belong_to_the_weights() -> None:
    runs, networks, found = attacked()
    wrong = replace(networks, weights=networks.weights * 0.5)
    assert all("not_adversarial" in flags for flags in judged(runs, wrong, found))
    assert all("not_adversarial" not in flags for flags in judged(runs, networks, found))


def test_an_attack_that_breaks_a_safe_point_is_seen_though_pgd_left_it_out() -> None:
    """Had the bound of the slope been too small by half, `pgd` would have left out points that do break."""
    runs, networks, found = attacked(attack__methods=["pgd", "exact"], attack__test_points=200)
    exact = {
        readout: RobustRadii(one.lower * 2, one.upper * 2, one.perturbation) for readout, one in found.exact.items()
    }
    standing = tampered(found, (found.broken["max"].first[0] + 1).clamp_max(4))
    flags = judged(runs, networks, replace(standing, exact=exact))
    assert all("beats_certificate" in one for one in flags)


@pytest.mark.parametrize("restarts", [1, 2])
def test_no_gradient_at_points_that_count_as_robust(restarts: int) -> None:
    """A network whose one neuron that sees its input is off far beyond the radii: nothing breaks a point, and no
    gradient ever said so.
    """
    runs, networks = train_networks([small_run(**STEADY, attack__restarts=restarts)], "cpu", None)
    seen = torch.tensor([1.0, -1e6, -1, -1]).view(1, 4, 1).expand_as(networks.preactivations)
    weights = torch.zeros_like(networks.weights)
    weights[0, 1, 0] = 1.0
    blank = replace(
        networks,
        side=torch.ones_like(networks.side),
        factor=torch.diag(torch.tensor([0.0, 1, 0, 0])).double().unsqueeze(0),
        preactivations=seen,
        weights=weights,
    )
    found = attack(runs, blank)
    assert found.accuracy["pgd", "sum"].min() == 1
    (flags,) = judged(runs, blank, found)
    assert "no_gradient" in flags


def test_points_that_nothing_can_break_need_no_gradient() -> None:
    runs, networks = train_networks([small_run(**STEADY)], "cpu", None)
    constant = networks.side.unsqueeze(1) * torch.tensor([1.0, 1, -1, -1]).view(1, 4, 1)
    nothing = {
        name: getattr(networks, name) * 0 for name in ("weights", "weight_products", "center_products", "factor")
    }
    blank = replace(networks, preactivations=constant, **nothing)
    found = attack(runs, blank)
    assert found.accuracy["pgd", "sum"].min() == 1
    assert judged(runs, blank, found) == [()]


@pytest.mark.parametrize(("loss", "start"), [("exponential", 39.0), ("square", 0.5), ("cross_entropy", math.log(40))])
def test_a_loss_at_its_start_is_no_divergence(loss: str, start: float) -> None:
    """Whatever the loss is of outputs of 0: ten times that, with grown weights, is."""
    run = small_run(data__k=40, data__d=60, network__kind="mlp", network__labels="clusters", training__loss=loss)
    (trained,) = family_of(run.settings).train([run], "cpu", None).trained
    shown = trained.shown()
    shown.neurons.weight_products.mul_(1e6)
    for times, expected in ((2.0, False), (11.0, True)):
        planted = replace(shown, loss=torch.full_like(shown.loss, times * start))
        assert diverged(run.settings, planted).tolist() == [expected]
