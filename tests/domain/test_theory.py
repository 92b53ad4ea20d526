"""Theory: closed forms in their limit, the course of training, where it is silent. What is measured: tests/workers."""

import math
from dataclasses import replace
from typing import Any

import pytest

from phaselab.domain.answers.axes import PictureAxis
from phaselab.domain.answers.course import EXACT_STEPS, course
from phaselab.domain.answers.idealised import Silence
from phaselab.domain.answers.theory import TheoryRadius, flip_radius
from phaselab.domain.answers.theory_curves import averaging_index, draw, lazy_scale
from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.phases import Thresholds
from phaselab.domain.results.results import Readout
from phaselab.domain.settings.settings import Settings


def settings(**changes: Any) -> Settings:
    """The published settings with changes: `settings(data__k=4)`."""
    return resolve(Settings().with_values({path.replace("__", "."): value for path, value in changes.items()}))


FAR = {"data__d": 300_000_000, "data__n": 50_000, "training__learning_rate": 1e-8, "network__init_scale": 1e-12}
"""R = 17,320, so that noise does not count; published margins, and the published first step."""


@pytest.mark.parametrize(
    ("changes", "readout", "square", "formula"),
    [
        ({"network__labels": "binary"}, "sum", 10, "R/√k"),
        ({"network__labels": "binary"}, "max", 10, "R/√k"),
        ({"network__labels": "clusters"}, "max", 2, "R/√2"),
        ({"network__labels": "clusters"}, "sum", 6, "R/√(1+k/2)"),
        ({"data__k": 8, "network__labels": 4}, "max", 4, "R/√(2k/4)"),
        ({"data__k": 4, "network__labels": 3}, "max", 3, "R/√3"),
        ({"data__k": 8, "network__labels": 4}, "sum", 6, "R/√(k/4+k/2)"),
        ({"data__k": 6, "data__positive_clusters": 2, "network__labels": "binary"}, "sum", 6, "R/√k"),
    ],
)
def test_radii_tend_to_their_closed_forms(changes: dict[str, Any], readout: Readout, square: int, formula: str) -> None:
    found = flip_radius(settings(**FAR | changes), readout)
    ideal = math.sqrt(300_000_000 / square)
    assert (found.formula, found.reason) == (formula, None)
    assert found.ideal == pytest.approx(ideal)
    assert found.radius == pytest.approx(ideal, rel=0.02)


def test_clusters_of_two_kinds_have_no_common_closed_form() -> None:
    """Of 7 clusters 3 see four opposing ones and 4 see three; the median lies with the 4, at R / sqrt(1 + 3)."""
    found = flip_radius(settings(**FAR, data__k=7, network__labels="clusters"), "sum")
    assert (found.formula, found.ideal) == ("R/√(1+k′)", None)
    assert found.radius == pytest.approx(math.sqrt(300_000_000 / 4), rel=0.02)
    groups = flip_radius(settings(**FAR, network__labels=3), "max")  # of 5 | 2 and 3
    assert (groups.formula, groups.ideal) == ("R/√(g+g′)", None)
    assert groups.radius == pytest.approx(math.sqrt(300_000_000 / 8), rel=0.02)


def test_noise_counts_at_the_published_setting() -> None:
    """Measured over the seeds of preset fig3: 17.40 for binary labels, 25.23 and 38.07 for one label a cluster."""
    binary, clusters = settings(), settings(network__labels="clusters")
    assert flip_radius(binary, "max").radius == pytest.approx(17.40, rel=0.01)
    assert flip_radius(clusters, "sum").radius == pytest.approx(25.23, rel=0.01)
    assert flip_radius(clusters, "max").radius == pytest.approx(38.07, rel=0.01)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data__center_cosine": 0.1}, "orthogonal"),
        ({"data__d": 500, "data__n": 300, "training__optimizer": "adam"}, "Adam"),
        ({"data__d": 64}, "noise is not small"),
        ({"data__n": 100}, "too few"),
        ({"data__snr": 4.0}, "never learn"),
        ({"network__init_scale": 0.0}, "no neuron"),
        ({"training__learning_rate": 0.1, "network__labels": "clusters"}, "first step"),
        ({"training__batch_size": 1, "training__learning_rate": 1e-2}, "mini-batch"),
        ({"training__steps": 0}, "nothing is learned"),
        ({"data__snr": 0.15, "data__d": 100_000}, "memory"),
        ({"training__optimizer": "momentum", "training__momentum": 0.9999}, "momentum"),
        ({"network__init_scale": 0.01}, "random start"),
        ({"network__labels": 5, "data__label_noise": 0.1}, "label noise"),
    ],
)
def test_theory_is_silent_where_it_does_not_hold_and_says_why(changes: dict[str, Any], reason: str) -> None:
    found = flip_radius(settings(**changes), "max")
    assert found == TheoryRadius("max", reason=found.reason)
    assert reason in str(found.reason)


def test_the_sum_readout_is_silent_where_noise_keeps_outputs_off() -> None:
    small = {"data__d": 497, "data__n": 693, "data__snr": 0.46, "data__k": 14, "training__steps": 300}
    rate = {"training__learning_rate": 0.02, "network__labels": "clusters", "network__init_scale": 1e-7}
    assert flip_radius(settings(**small, **rate), "max").radius is not None
    assert "off" in str(flip_radius(settings(**small, **rate), "sum").reason)


@pytest.mark.parametrize("labels", ["binary", 5, "clusters"])
def test_the_course_is_that_of_gradient_flow(labels: int | str) -> None:
    """Small steps: z + (e^z - 1) / (c - 1) = R^2 t / (h k) for the output z at a centre; memory alone is left out."""
    canonical = settings(network__labels=labels, training__steps=5000, training__learning_rate=2e-5, data__n=60_000)
    groups, width = {"binary": 2, "clusters": 10}.get(str(labels), 5), canonical.network.width
    assert isinstance(width, int)
    z = course(canonical).own
    assert z + (math.exp(z) - 1) / (groups - 1) == pytest.approx(3072 * 0.1 / (width * 10), rel=2e-3)


@pytest.mark.parametrize("changes", [{}, {"training__optimizer": "momentum"}, {"training__weight_decay": 0.5}])
def test_the_flow_after_the_first_steps_continues_them(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = settings(training__steps=4 * EXACT_STEPS, data__label_noise=0.1, **changes)
    flowing = course.__wrapped__(long)
    monkeypatch.setattr("phaselab.domain.answers.course.EXACT_STEPS", 10 * EXACT_STEPS)
    stepped = course.__wrapped__(long)
    for name, value in vars(stepped).items():
        assert getattr(flowing, name) == pytest.approx(value, rel=0.01), name


def test_a_million_steps_are_followed() -> None:
    long, longer = (course(settings(training__steps=steps)) for steps in (900_000, 1_000_000))
    assert 0 < long.own < longer.own < 20


def test_weight_decay_and_momentum_move_the_lazy_boundary() -> None:
    """Momentum of 0.9 comes to ten times the step, and carries on where the loss is flat; weight decay takes the start
    away, and leaves (1 - 0.001)^100 of it."""
    plain = lazy_scale(settings(), 0.5)
    fast = lazy_scale(settings(training__optimizer="momentum"), 0.5)
    tenfold = lazy_scale(settings(training__learning_rate=1e-2), 0.5)
    assert 1.5 * plain < tenfold < fast < 1.15 * tenfold
    decayed = lazy_scale(settings(training__weight_decay=1.0), 0.5)
    own = course(settings(training__weight_decay=1.0)).own / course(settings()).own
    assert decayed == pytest.approx(plain * own / 0.999**100, rel=0.01)


def test_the_lazy_boundary_goes_with_the_root_of_the_odds() -> None:
    """Shares of 1/2 and 4/5 have odds of 1 and 4; no scale gives a share of 1."""
    assert lazy_scale(settings(), 0.8) == pytest.approx(2 * lazy_scale(settings(), 0.5), rel=1e-2)
    with pytest.raises(Silence, match="whatever"):
        lazy_scale(settings(), 1.0)


def test_the_index_follows_the_sizes_of_groups() -> None:
    """Ten clusters on three groups are 5 | 2 and 3: (5 * 1 + 2 * 1/4 + 3 * 2/4) / 10."""
    many = {"data__n": 50_000}
    assert averaging_index(settings(**many)) == pytest.approx(1, abs=0.01)
    assert averaging_index(settings(**many, network__labels=3)) == pytest.approx(0.7, abs=0.01)
    assert averaging_index(settings(**many, network__labels="clusters")) == pytest.approx(0)
    with pytest.raises(Silence, match="one cluster"):
        averaging_index(settings(**many, data__k=2))
    assert averaging_index(settings(**many, data__k=3)) == pytest.approx(1, abs=0.01)


LABELS = PictureAxis("network.labels", ("binary", 3, 5, "clusters"))
CLUSTERS = PictureAxis("data.k", (8, 10, 20))


def cells(**changes: Any) -> list[list[Settings | None]]:
    """Cells [labels][k]."""
    return [[settings(data__k=k, network__labels=y, **changes) for k in (8, 10, 20)] for y in LABELS.values]


def test_a_boundary_runs_between_the_cells_that_it_parts() -> None:
    curves, gaps = draw(CLUSTERS, LABELS, cells(), Thresholds())
    assert gaps == ()
    averaging, learning = (dict(curve.points) for curve in curves)
    for k in (8, 10, 20):
        found = [averaging_index(row) for line in cells() for row in line if row is not None and row.data.k == k]
        below = next(i for i, index in enumerate(found) if index < 0.8)
        assert below - 1 < averaging[k] < below
        below = next(i for i, index in enumerate(found) if index <= 0.2)
        assert below - 1 < learning[k] < below
    turned = draw(LABELS, CLUSTERS, list(zip(*cells(), strict=True)), Thresholds())[0]
    assert turned == tuple(replace(one, points=tuple((y, x) for x, y in one.points)) for one in curves)


def test_a_curve_is_broken_where_theory_is_silent() -> None:
    wide = PictureAxis("data.k", (4, 6, 8, 10, 12))
    scales = PictureAxis("network.init_scale", (1e-6, 1e-1))
    few = {8: {"data__n": 100}}
    plane = [[settings(data__k=k, network__init_scale=y, **few.get(k, {})) for k in wide.values] for y in scales.values]
    curves, (gap,) = draw(wide, scales, plane, Thresholds())
    assert [tuple(x for x, _ in curve.points) for curve in curves] == [(4, 6), (10, 12)]
    assert {curve.name for curve in curves} == {gap.name} == {"lazy boundary"}
    assert gap.at == (8,)
    assert "too few" in gap.reason
