"""Faults planted in the attacks, the exact method and training, at the published setting: a check sees each of them
without another method beside it, and nothing is seen where there is no fault.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.results import Readout
from phaselab.domain.results.trust import FLAGS, ceiling, checks_of
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.attacks import attacks, climb, landscape, pgd, regions, span, trust
from phaselab.workers.attacks.attacks import Attacked, Attacks
from phaselab.workers.attacks.landscape import Objective, Way
from phaselab.workers.attacks.pgd import Broken
from phaselab.workers.attacks.span_victim import SpanVictim
from phaselab.workers.exact.exact import RobustRadii
from phaselab.workers.families.contract import Trained
from phaselab.workers.families.registry import family_of

Plant = Callable[[pytest.MonkeyPatch], None]


def published(labels: str | int, methods: Sequence[str], **changes: Any) -> Settings:
    groups: dict[str, dict[str, Any]] = {
        "data": {"k": 10, "d": 3072, "n": 1000, "snr": 1.0},
        "network": {"init_scale": 1e-5, "labels": labels},
        "training": {"learning_rate": 1e-3, "steps": 100},
        "attack": {"radii": {"start": 0, "stop": 60, "num": 16}, "test_points": 300, "methods": list(methods)},
    }
    for path, value in changes.items():
        group, name = path.split("__")
        groups[group][name] = value
    return resolve(Settings.model_validate(groups))


def trained_on(settings: Settings, runs: int = 1) -> Trained:
    with torch.no_grad():
        (trained,) = family_of(settings).train([Run.of(settings, seed) for seed in range(runs)], "cpu", None).trained
    return trained


@cache
def networks(labels: str) -> Trained:
    return trained_on(published(labels, ["pgd"]))


def raised(trained: Trained, settings: Settings, attacked: Attacked | None = None) -> set[str]:
    """The flags of the first run, attacked and judged by new objects; the checks are those that the settings say."""
    again = replace(trained)  # type: ignore[type-var]
    with torch.no_grad():
        found = attacked or Attacks(settings, again.victim, again.exact).all()
        flags = trust.checked(settings, again.victim, again.shown(), found, None)
    assert set(flags) == set(checks_of(settings))
    return {name for name, flag in flags.items() if bool(flag[0])}


# Faults of the loop, which the second look shares.


def ball_of(share: float) -> Plant:
    step = regions.Ball.step

    def smaller(self: regions.Ball, at: Tensor, slope: Tensor, length: Any, radius: Any, *rest: Tensor) -> Any:
        return step(self, at, slope, length, share * radius, *rest)

    return lambda patch: patch.setattr(regions.Ball, "step", smaller)


def path_of(share: float) -> Plant:
    return lambda patch: patch.setattr(landscape, "STEP", share)


def slope_by(change: Callable[[Tensor], Tensor]) -> Plant:
    slope = span.OnPoints.slope
    return lambda patch: patch.setattr(span.OnPoints, "slope", lambda self, one: change(slope(self, one)))


def first_iterate_kept(patch: pytest.MonkeyPatch) -> None:
    look = climb._Attempt.look

    def stale(self: climb._Attempt) -> Tensor:
        score, gradient = self.score.clone(), look(self)
        if bool(score.isfinite().all()):
            self.score, self.margins = score, score.unsqueeze(0)
        return gradient

    patch.setattr(climb._Attempt, "look", stale)


def ways_by(change: Callable[[Sequence[Way]], Sequence[Way]]) -> Plant:
    readout = SpanVictim.readout

    def changed(self: SpanVictim, name: Any) -> Objective:
        objective = readout(self, name)
        return Objective(objective.target, change(objective.ways))

    return lambda patch: patch.setattr(SpanVictim, "readout", changed)


def wrong_readout(patch: pytest.MonkeyPatch) -> None:
    readout, other = SpanVictim.readout, {"sum": "max", "max": "sum"}
    patch.setattr(SpanVictim, "readout", lambda self, name: readout(self, other[name]))  # type: ignore[arg-type]


def too_safe(patch: pytest.MonkeyPatch) -> None:
    safe = span.SpanPoints.safe_radius
    patch.setattr(span.SpanPoints, "safe_radius", lambda self, readout: 2 * safe(self, readout))


def seen_by(change: Callable[..., tuple[Tensor, Tensor, Tensor]]) -> Plant:
    of = span.SpanPoints.of.__func__  # type: ignore[attr-defined]

    def changed(cls: type, seen: Tensor, factor: Tensor, side: Tensor, network: Any) -> span.SpanPoints:
        points: span.SpanPoints = of(cls, *change(seen, factor, side), network)
        return points

    return lambda patch: patch.setattr(span.SpanPoints, "of", classmethod(changed))


# Faults of the way over the radii, which the second look does not share.


def loop(change: Callable[[Sequence[float]], Sequence[float]]) -> Plant:
    plain = pgd.break_points
    return lambda patch: patch.setattr(
        attacks, "break_points", lambda ways, radii, *rest: plain(ways, change(radii), *rest)
    )


def claims(change: Callable[[Tensor, int], Tensor]) -> Plant:
    plain = pgd.break_points

    def changed(ways: Sequence[Way], radii: Sequence[float], *rest: Any) -> Broken:
        broken = plain(ways, radii, *rest)
        return replace(broken, first=change(broken.first, len(radii)))

    return lambda patch: patch.setattr(attacks, "break_points", changed)


def every_other_point(patch: pytest.MonkeyPatch) -> None:
    batches = pgd.Breaking.batches

    def half(self: pgd.Breaking, radius: float) -> list[Tensor]:
        return [batch & (torch.arange(batch.shape[1]) % 2 == 0) for batch in batches(self, radius)]

    patch.setattr(pgd.Breaking, "batches", half)


PLANTED: dict[str, tuple[Plant, str, str]] = {
    "ball of .8": (ball_of(0.8), "ball_not_filled", "line_search_wins"),
    "ball of .97": (ball_of(0.97), "ball_not_filled", "ball_not_filled"),
    "ball of 1.01": (ball_of(1.01), "not_adversarial", "not_adversarial"),
    "ball of 1.2": (ball_of(1.2), "not_adversarial", "not_adversarial"),
    "path of .9": (path_of(0.9), "ball_not_filled", "line_search_wins"),
    "path of .5": (path_of(0.5), "ball_not_filled", "line_search_wins"),
    "readout's own gradient alone": (ways_by(lambda ways: ways[1:]), "line_search_wins", "line_search_wins"),
    "gradient the wrong way": (slope_by(lambda slope: -slope), "line_search_wins", "above_ceiling"),
    "noise in place of the gradient": (slope_by(torch.randn_like), "line_search_wins", "ball_not_filled"),
    "gradient that is no number": (slope_by(lambda slope: slope * torch.nan), "no_gradient", "no_gradient"),
    "first iterate kept": (first_iterate_kept, "line_search_wins", "above_ceiling"),
    "points left out as safe": (too_safe, "beats_certificate", "line_search_wins"),
    "factor of .8": (
        seen_by(lambda seen, factor, side: (seen, 0.8 * factor, side)),
        "line_search_wins",
        "above_ceiling",
    ),
    "factor of 1.2": (
        seen_by(lambda seen, factor, side: (seen, 1.2 * factor, side)),
        "not_adversarial",
        "not_adversarial",
    ),
    "classes swapped": (seen_by(lambda seen, factor, side: (seen, factor, -side)), "clean_mismatch", "clean_mismatch"),
    "radii in descending order": (loop(lambda radii: radii[::-1]), "not_adversarial", "clean_mismatch"),
    ".8 of the radii": (loop(lambda radii: [0.8 * one for one in radii]), "more_steps_win", "more_restarts_win"),
    "1.2 of the radii": (loop(lambda radii: [1.2 * one for one in radii]), "not_adversarial", "not_adversarial"),
    "radii squared": (loop(lambda radii: [one**2 / 60 for one in radii]), "line_search_wins", "more_steps_win"),
    "one radius late": (
        claims(lambda first, count: torch.where(first > 0, (first + 1).clamp_max(count), first)),
        "line_search_wins",
        "more_steps_win",
    ),
    "one radius early": (claims(lambda first, _: (first - 1).clamp_min(0)), "not_adversarial", "not_adversarial"),
    "claims that all fell": (claims(lambda first, _: first.clamp_max(2)), "not_adversarial", "not_adversarial"),
    "claims that none fell": (
        claims(lambda first, count: torch.where(first > 0, count, first)),
        "above_ceiling",
        "more_restarts_win",
    ),
    "every other point": (every_other_point, "line_search_wins", "more_steps_win"),
}
"""Every fault of `pgd`, and two flags that it raises."""


@pytest.mark.parametrize("labels", ["binary", "clusters"])
@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_seen(fault: str, labels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trained, (plant, *expected) = networks(labels), PLANTED[fault]
    plant(monkeypatch)
    flags = raised(trained, published(labels, ["pgd"]))
    known = set(expected) if labels == "clusters" else set(expected) - {"above_ceiling"}  # a binary one lies far below
    assert known
    assert known <= flags


@pytest.mark.parametrize(
    ("fault", "flag"),
    [
        (wrong_readout, "not_adversarial"),
        (ways_by(lambda ways: [Way(one.landscape, lambda steps: [1.0]) for one in ways]), "line_search_wins"),
    ],
)
def test_faults_that_show_with_many_groups_alone(fault: Plant, flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other readout in place of the one that is scored; a single step, which is all that a linear readout needs."""
    trained = networks("clusters")
    fault(monkeypatch)
    assert flag in raised(trained, published("clusters", ["pgd"]))


@pytest.mark.parametrize("labels", ["binary", "clusters", 4])
@pytest.mark.parametrize("methods", [["pgd"], ["exact"], ["exact", "pgd", "pgd_native"]])
def test_no_false_alarm_at_the_published_setting(labels: str | int, methods: list[str]) -> None:
    settings = published(labels, methods)
    assert raised(trained_on(settings), settings) == set()


def exact_by(change: Callable[[RobustRadii], RobustRadii], labels: str) -> set[str]:
    """The flags of a run that only has `exact`, with other bounds."""
    settings, trained = published(labels, ["exact"]), networks(labels)
    with torch.no_grad():
        found = Attacks(settings, trained.victim, trained.exact).all()
    exact = {readout: change(one) for readout, one in found.exact.items()}
    return raised(trained, settings, replace(found, exact=exact))


@pytest.mark.parametrize("labels", ["binary", "clusters"])
def test_an_exact_method_alone_is_held_to_lines_and_to_its_perturbations(labels: str) -> None:
    assert exact_by(lambda one: one, labels) == set()
    assert "beats_certificate" in exact_by(lambda one: replace(one, lower=1.2 * one.lower), labels)
    assert "not_adversarial" in exact_by(lambda one: replace(one, upper=0.99 * one.upper), labels)
    assert "not_adversarial" in exact_by(lambda one: replace(one, perturbation=0.99 * one.perturbation), labels)


def test_a_certificate_for_wrong_points_is_seen() -> None:
    settings = published("binary", ["exact"], data__snr=0.05)
    trained = trained_on(settings)
    with torch.no_grad():
        found = Attacks(settings, trained.victim, trained.exact).all()
    assert float(found.accuracy["exact", "sum"][0, 0]) < 0.97
    assert raised(trained, settings, found) == set()
    exact = {readout: replace(one, lower=one.lower.clamp_min(1e-9)) for readout, one in found.exact.items()}
    assert "clean_mismatch" in raised(trained, settings, replace(found, exact=exact))


def test_the_own_loss_alone_is_held_to_lines() -> None:
    """The paper's attack on its own loss leaves all standing where the `sum` readout falls early."""
    settings = published("clusters", ["pgd_native"])
    assert "line_search_wins" in raised(networks("clusters"), settings)


@pytest.mark.parametrize(
    ("labels", "readout", "share"),
    [("binary", "sum", 1 / 10**0.5), ("clusters", "max", 1 / 2**0.5), ("clusters", "sum", 25.2 / 3072**0.5)],
)
def test_lines_come_close_to_the_exact_radii_and_to_theory_and_never_below_a_certified_one(
    labels: str, readout: Readout, share: float
) -> None:
    trained = networks(labels)
    lines = trained.victim.lines(trust.LINED)
    assert lines is not None
    assert trained.exact is not None
    flips, exact = lines.flips(readout, 60.0), trained.exact(readout)
    assert bool((flips >= exact.lower[:, : trust.LINED] * (1 - 1e-9)).all())
    assert float(flips.median()) == pytest.approx(share * 3072**0.5, rel=0.06)
    assert float(flips.median()) < 1.02 * float(exact.upper.median())


@pytest.mark.parametrize("labels", ["binary", "clusters"])
@pytest.mark.parametrize("cosine", [0.0, 0.3])
def test_no_network_is_above_the_ceiling_that_certain_radii_reach(labels: str, cosine: float) -> None:
    """The certified radii of the `max` readout of decoupled networks come close to it."""
    settings = published(labels, ["exact"], data__center_cosine=cosine)
    trained, height = trained_on(settings), ceiling(settings)
    assert height == pytest.approx((3072 * (1 - cosine) / 2) ** 0.5)
    assert height is not None
    assert trained.exact is not None
    assert float((trained.exact("max").lower > 1.02 * height).double().mean()) < 0.5


@pytest.mark.parametrize("labels", ["binary", "clusters"])
def test_training_that_diverged_to_finite_numbers_is_seen(labels: str) -> None:
    settings = published(labels, ["exact"], training__learning_rate=1e3, training__weight_decay=2.5e-3)
    trained = trained_on(settings)
    loss = float(trained.shown().loss[0])
    assert 1e20 < loss < math.inf
    assert bool(trust.diverged(settings, trained.shown())[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"network__init_scale": 10.0, "training__steps": 1},
        {"network__init_scale": 1.0},
        {"data__label_noise": 0.3},
        {"data__snr": 0.05},
        {"training__learning_rate": 0.1},
        {"training__optimizer": "adam", "training__learning_rate": 0.01},
    ],
)
@pytest.mark.parametrize("labels", ["binary", "clusters"])
def test_what_is_not_trained_well_has_not_diverged(labels: str, changes: dict[str, Any]) -> None:
    settings = published(labels, ["exact"], data__d=300, data__n=100, **changes)
    assert not bool(trust.diverged(settings, trained_on(settings).shown())[0])


def test_every_flag_has_a_fault_here_or_in_test_trust() -> None:
    here = {flag for _, *flags in PLANTED.values() for flag in flags} | {"diverged"}
    assert set(FLAGS) - here == {"weaker_than_exact"}
