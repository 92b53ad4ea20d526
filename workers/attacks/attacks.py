"""Which attacks a run gets, and what they and the exact method say: one curve per method and readout."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from phaselab.domain.results.results import READOUTS, Readout
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Method, RadiusRange, Settings
from phaselab.workers.attacks.majorant import MaxMajorant, SumMajorant
from phaselab.workers.attacks.pgd import Broken, Landscape, Noise, break_points
from phaselab.workers.attacks.span import MaxMargin, OwnLoss, SpanPoints, SumMargin
from phaselab.workers.base.progress import each, part
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.base.streams import Stream, generator, normal
from phaselab.workers.exact.exact import RobustRadii, robust_radii
from phaselab.workers.networks.trained import Networks
from phaselab.workers.networks.two_layer import TwoLayer

Value = TypeVar("Value")

TARGETS = ("sum", "max", "own loss")
"""What `pgd` and `pgd_native` lower; the position of a target is part of the recipe, for it keys the random starts."""
TURNS: tuple[Method, ...] = ("pgd_native", "pgd", "exact")
"""The order in which methods are computed."""


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
    turns = [method for method in TURNS if method in methods]
    native, broken = None, {}
    if "pgd_native" in turns:
        with part(turns.index("pgd_native"), len(turns)):
            native = _attack_own_loss(runs, points, networks.label, stop)
    if "pgd" in turns:
        with part(turns.index("pgd"), len(turns)):
            broken = _attack_readouts(runs, points, native, stop)
    check(stop)
    exact = solve(networks, network) if "exact" in methods else {}
    accuracy: Accuracies = {}
    if native is not None:
        curves = native.accuracy(len(radii))  # [V, S, radii]; one verdict where the readouts are the same function
        accuracy |= {("pgd_native", readout): curves[i % len(curves)] for i, readout in enumerate(READOUTS)}
    accuracy |= {("pgd", readout): broken[readout].accuracy(len(radii))[0] for readout in broken}
    accuracy |= {("exact", readout): certified(exact[readout], radii) for readout in exact}
    return Attacked(accuracy, broken, exact)


def span_points(networks: Networks, network: TwoLayer) -> SpanPoints:
    """The test points as the attacks in the span take them."""
    return SpanPoints.of(networks.preactivations, networks.factor, networks.side, network)


def readout_landscapes(points: SpanPoints, readout: Readout) -> tuple[Landscape, Landscape]:
    """What `pgd` attacks: the readout along the gradient of a majorant, which breaks most, then along its own."""
    if readout == "sum":
        return SumMajorant.of(points), SumMargin(points)
    return MaxMajorant.of(points), MaxMargin(points)


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


def _attack_readouts(
    runs: Sequence[Run], points: SpanPoints, native: Broken | None, stop: Stop | None
) -> dict[Readout, Broken]:
    """`pgd` per readout. With two groups `native` is the half of it that follows the readout's own gradient."""

    def attacked(readout: Readout) -> Broken:
        ways, number = readout_landscapes(points, readout), TARGETS.index(readout)
        if native is not None and len(native.first) == 1:
            return _break(runs, ways[:1], points, number, stop).or_by(native)
        return _break(runs, ways, points, number, stop)

    return _for_all(points.network, attacked)


def _attack_own_loss(runs: Sequence[Run], points: SpanPoints, label: Tensor, stop: Stop | None) -> Broken:
    """`pgd_native`, with both readouts as verdicts. With two groups the own loss moves with the readout, f_0 - f_1."""
    if len(distinct_readouts(points.network)) == 1:
        return _break(runs, [SumMargin(points)], points, TARGETS.index("sum"), stop)
    return _break(runs, [OwnLoss.of(points, label)], points, TARGETS.index("own loss"), stop)


def _break(
    runs: Sequence[Run], ways: Sequence[Landscape], points: SpanPoints, target: int, stop: Stop | None
) -> Broken:
    settings = runs[0].settings
    noise = random_starts(runs, points, target)
    return break_points(ways, radii_of(settings), settings.attack.steps, settings.attack.restarts, noise, stop)


def solve(networks: Networks, network: TwoLayer) -> dict[Readout, RobustRadii]:
    """Bounds [S, N] of the exact robust radii, per readout."""
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
    readouts = distinct_readouts(network)
    distinct = dict(zip(readouts, each(readouts, compute), strict=True))
    return {readout: distinct.get(readout, distinct["sum"]) for readout in READOUTS}
