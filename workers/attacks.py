"""Which attacks a run gets, and what they and the exact method say: one curve per method and readout."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from domain.results import READOUTS, Readout
from domain.runs import Run
from domain.settings import Method, RadiusRange, Settings
from workers.exact import RobustRadii, robust_radii
from workers.networks import Networks
from workers.pgd import Broken, Landscape, Noise, break_points
from workers.span import MaxMargin, OwnLoss, SpanPoints, SumMargin
from workers.streams import Stream, generator, normal
from workers.training import Stop, check
from workers.two_layer import TwoLayer

Value = TypeVar("Value")

TARGETS = ("sum", "max", "own loss")
"""What `pgd` and `pgd_native` lower; the position of a target is part of the recipe, for it keys the random starts."""


Accuracies = dict[tuple[Method, Readout], Tensor]
"""[S, radii] per method and readout."""


@dataclass(frozen=True, eq=False)
class Attacked:
    """What became of the test points of S runs."""

    accuracy: Accuracies
    broken: dict[Readout, Broken]
    """What `pgd` did, per readout"""
    exact: dict[Readout, RobustRadii]
    """[S, N] bounds of the robust radii, per readout"""


def radii_of(settings: Settings) -> tuple[float, ...]:
    """The radii of canonical settings, ascending. Raises ValueError where they are still a range."""
    radii = settings.attack.radii
    if isinstance(radii, RadiusRange):
        raise ValueError("the settings are not canonical: attack.radii is a range")
    return radii


def distinct_readouts(network: TwoLayer) -> tuple[Readout, ...]:
    """With two groups the readouts are the same function, f_0 - f_1, and `sum` stands for both."""
    return READOUTS if network.layout.outputs > 2 else ("sum",)


def attack(runs: Sequence[Run], networks: Networks, network: TwoLayer, stop: Stop | None) -> Attacked:
    """Every method of the runs' settings, on both readouts. Raises Stopped."""
    methods, radii = runs[0].settings.attack.methods, radii_of(runs[0].settings)
    points = span_points(networks, network)
    broken: dict[Readout, Broken] = {}
    native: dict[Readout, Tensor] = {}
    if "pgd" in methods or ("pgd_native" in methods and len(distinct_readouts(network)) == 1):
        broken = _attack_readouts(runs, points, stop)
    if "pgd_native" in methods:
        native = _attack_own_loss(runs, points, networks.label, broken, stop)
    check(stop)
    exact = solve(networks, network) if "exact" in methods else {}
    accuracy: Accuracies = {("pgd_native", readout): native[readout] for readout in native}
    if "pgd" in methods:
        accuracy |= {("pgd", readout): broken[readout].accuracy(len(radii))[0] for readout in READOUTS}
    accuracy |= {("exact", readout): certified(exact[readout], radii) for readout in exact}
    return Attacked(accuracy, broken if "pgd" in methods else {}, exact)


def span_points(networks: Networks, network: TwoLayer) -> SpanPoints:
    """The test points as the attacks in the span take them."""
    return SpanPoints.of(networks.preactivations, networks.factor, networks.side, network)


def readout_landscape(points: SpanPoints, readout: Readout) -> Landscape:
    """What `pgd` attacks."""
    return SumMargin(points) if readout == "sum" else MaxMargin(points)


def random_starts(runs: Sequence[Run], points: SpanPoints, target: int) -> Noise:
    """Normals [S, M + 2, N] keyed by each run's seed, the target, the radius's number and the restart."""
    _, neurons, count = points.preactivations.shape

    def noise(radius_number: int, restart: int) -> Tensor:
        drawn = [
            normal(
                generator(run.seed, Stream.ATTACK, target, radius_number, restart),
                (neurons + 2, count),
                points.preactivations.dtype,
            )
            for run in runs
        ]
        return torch.stack(drawn).to(points.preactivations.device)

    return noise


def _attack_readouts(runs: Sequence[Run], points: SpanPoints, stop: Stop | None) -> dict[Readout, Broken]:
    return _for_all(
        points.network,
        lambda readout: _break(runs, readout_landscape(points, readout), points, TARGETS.index(readout), stop),
    )


def _attack_own_loss(
    runs: Sequence[Run], points: SpanPoints, label: Tensor, broken: dict[Readout, Broken], stop: Stop | None
) -> dict[Readout, Tensor]:
    """[S, radii] accuracy per readout. With two groups the own loss moves with the readout: the attack is the same."""
    radii = len(radii_of(runs[0].settings))
    if len(distinct_readouts(points.network)) == 1:
        return {readout: broken[readout].accuracy(radii)[0] for readout in READOUTS}
    ended = _break(runs, OwnLoss.of(points, label), points, TARGETS.index("own loss"), stop)
    return dict(zip(READOUTS, ended.accuracy(radii), strict=True))


def _break(runs: Sequence[Run], landscape: Landscape, points: SpanPoints, target: int, stop: Stop | None) -> Broken:
    settings = runs[0].settings
    noise = random_starts(runs, points, target)
    return break_points(landscape, radii_of(settings), settings.attack.steps, settings.attack.restarts, noise, stop)


def solve(networks: Networks, network: TwoLayer) -> dict[Readout, RobustRadii]:
    preactivations = networks.preactivations.mT  # [S, N, M]
    return _for_all(
        network,
        lambda readout: robust_radii(preactivations, networks.factor, network.layout, networks.side, readout),
    )


def certified(radii_bounds: RobustRadii, radii: Sequence[float]) -> Tensor:
    """[S, radii]: share of points that are certified at each radius."""
    lower = radii_bounds.lower.unsqueeze(-1)  # [S, N, 1]
    return (lower > lower.new_tensor(radii)).double().mean(dim=1)


def _for_all(network: TwoLayer, compute: Callable[[Readout], Value]) -> dict[Readout, Value]:
    """A value per readout, computed once where the readouts are the same function."""
    distinct = {readout: compute(readout) for readout in distinct_readouts(network)}
    return {readout: distinct.get(readout, distinct["sum"]) for readout in READOUTS}
