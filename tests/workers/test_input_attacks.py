"""Attacks on images: inside the ball and the box, as strong as an exact answer and an independent library say."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.attacks.climb import Climbed, RandomStarts, climb
from phaselab.workers.attacks.inputs import InputMargin, InputOwnLoss, InputPoints, InputVictim, shrinking_steps
from phaselab.workers.attacks.landscape import Chosen, Objective, Way, equal_steps
from phaselab.workers.attacks.pgd import break_points
from phaselab.workers.attacks.regions import BallInBox
from phaselab.workers.data.image_data import Box
from phaselab.workers.families.resnet18 import train_resnet
from phaselab.workers.families.resnet18 import victim_of as victim_of_run
from tests.workers.adversarial_library import minimal_norms

POINTS, D = 40, 12


def box(d: int = D) -> Box:
    return Box(torch.zeros(d), torch.ones(d))


def linear(weights: Tensor, bias: float, images: Tensor) -> InputVictim:
    """Two outputs, f_0 - f_1 = <w, x> + b, on images of the class that it gives them."""
    side = torch.where(images @ weights + bias > 0, 1.0, -1.0)

    def outputs(seen: Tensor) -> Tensor:
        score = seen @ weights + bias
        return torch.stack([score, torch.zeros_like(score)])

    return InputVictim(InputPoints(outputs, 2, 1, images, side, (side < 0).long(), box(), POINTS), 0)


def broken_by(victim: InputVictim, objective: Objective, radii: list[float], steps: int, restarts: int = 1) -> Tensor:
    """[V, N]: the numbers of the radii that broke the images."""
    noise = victim.noise(objective.target)
    return break_points(objective.ways, radii, steps, restarts, noise).first[:, 0]


def attempt(victim: InputVictim, way: Way, radius: float, steps: int, restart: int = 0) -> Climbed:
    """One attempt on all images."""
    everything = torch.ones(1, len(victim.points.inputs), dtype=torch.bool)
    chosen = Chosen(torch.arange(1), torch.arange(everything.shape[1]).unsqueeze(0), everything)
    starts = RandomStarts(victim.noise(0), 1, restart, chosen)
    return climb(way, radius, steps, starts, everything, keep=True)


def small_network(seed: int = 0, d: int = D, outputs: int = 4) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(d, 30), nn.Tanh(), nn.Linear(30, outputs)).requires_grad_(False)


def victim_of(network: nn.Module, images: Tensor, groups: int = 4, at_once: int = POINTS) -> InputVictim:
    """A network on images of the class that its sum readout gives them."""
    label = network(images)[:, : groups // 2].argmax(dim=1)
    limits = box(images.shape[1])
    points = InputPoints(
        lambda seen: network(seen).T, groups, groups // 2, images, torch.ones(len(images)), label, limits, at_once
    )
    return InputVictim(replace(points, side=points.clean[0].sign()), 0)


def project(images: Tensor, moved: Tensor, radius: float) -> Tensor:
    """[N, d] moved inside the ball and the box."""
    limits = box()
    region = BallInBox(images.T.unsqueeze(0), limits.low.unsqueeze(1), limits.high.unsqueeze(1))
    return region.inside(moved.T.unsqueeze(0), radius)[0].T


def test_a_projection_is_the_nearest_point_of_ball_and_box() -> None:
    random = torch.Generator().manual_seed(1)
    images = torch.rand(200, D, generator=random).round(decimals=1)
    moved = torch.randn(200, D, generator=random)
    found = project(images, moved, 0.7)
    assert bool((found.norm(dim=1) <= 0.7 * (1 + 1e-6)).all())
    assert bool(((images + found >= 0) & (images + found <= 1)).all())
    for _ in range(50):  # the projection is as long as the ball and the box let it be: nothing feasible is much nearer
        other = project(images, found + 0.05 * torch.randn(200, D, generator=random), 0.7)
        assert bool(((other - moved).norm(dim=1) >= (found - moved).norm(dim=1) - 0.02).all())


def test_what_is_inside_stays_as_it_is() -> None:
    images, moved = torch.full((3, D), 0.5), torch.full((3, D), 0.01)
    assert torch.equal(project(images, moved, 1.0), moved)
    assert torch.equal(project(images, torch.zeros(3, D), 1.0), torch.zeros(3, D))


def test_a_linear_network_far_from_the_box_breaks_at_its_distance() -> None:
    random = torch.Generator().manual_seed(2)
    weights = torch.randn(D, generator=random)
    images = 0.5 + 0.05 * torch.randn(POINTS, D, generator=random)
    victim = linear(weights, -float(weights.sum()) * 0.5, images)
    distance = (images @ weights - weights.sum() * 0.5).abs() / weights.norm()
    radii = [0.0, 0.02, 0.05, 0.1, 0.2]
    victim = replace(victim, points=replace(victim.points, at_once=16))
    broken = broken_by(victim, victim.readout("sum"), radii, 40)[0]  # [N]
    expected = (distance.unsqueeze(1) >= torch.tensor(radii) * (1 + 1e-4)).sum(dim=1)
    assert torch.equal(broken, expected)


def test_a_linear_network_in_the_box_breaks_where_a_convex_program_says() -> None:
    """Least |u| with <w, x + u> + b <= 0 and x + u in the box is clip(t w) for some t: found by bisection."""
    random = torch.Generator().manual_seed(3)
    weights = torch.randn(D, generator=random)
    images = torch.rand(POINTS, D, generator=random).round()  # every pixel at a bound
    victim = linear(weights, -float(weights.sum()) * 0.5, images)
    toward = -victim.points.side.unsqueeze(1) * weights  # [N, d]
    low, high = torch.zeros(POINTS, 1), torch.full((POINTS, 1), 100.0)
    for _ in range(60):
        middle = (low + high) / 2
        u = (images + middle * toward).clamp(0, 1) - images
        crossed = (((images + u) @ weights - weights.sum() * 0.5) * victim.points.side <= 0).unsqueeze(1)
        low, high = torch.where(crossed, low, middle), torch.where(crossed, middle, high)
    distance = ((images + high * toward).clamp(0, 1) - images).norm(dim=1)  # [N]
    radii = [0.1 * i for i in range(25)]
    broken = broken_by(victim, victim.readout("sum"), radii, 60)[0]
    attacked = torch.tensor([*radii, torch.inf])[broken]
    assert bool((attacked >= distance - 1e-5).all())
    assert bool((attacked <= distance + 0.1 + 0.02).all())


def test_perturbations_stay_in_the_ball_and_the_box_and_do_what_they_claim() -> None:
    images = torch.rand(POINTS, D, generator=torch.Generator().manual_seed(4))
    victim = victim_of(small_network(), images)
    points = victim.points
    for landscape in (InputMargin(points, "sum"), InputMargin(points, "max"), InputOwnLoss(points)):
        ended = attempt(victim, Way(landscape), 0.3, 20, restart=1)
        perturbation = ended.perturbation[0].T  # [N, d]
        moved = images + perturbation
        assert bool((perturbation.norm(dim=1) <= 0.3 * (1 + 1e-5)).all())
        assert bool(((moved >= -1e-6) & (moved <= 1 + 1e-6)).all())
        torch.testing.assert_close(landscape.look(ended.perturbation).verdicts, ended.margins)


def test_a_curve_never_rises_and_batches_change_nothing() -> None:
    images = torch.rand(POINTS, D, generator=torch.Generator().manual_seed(5))
    radii = [0.0, 0.1, 0.2, 0.4, 0.8]
    whole, parts = (
        broken_by(victim, victim.readout("sum"), radii, 20, restarts=2)[0]
        for victim in (victim_of(small_network(), images, at_once=at_once) for at_once in (POINTS, 7))
    )
    assert torch.equal(whole, parts)
    curve = [float((whole > number).double().mean()) for number in range(len(radii))]
    assert curve == sorted(curve, reverse=True)
    assert curve[0] > curve[-1]


def test_a_point_without_a_gradient_goes_elsewhere_and_is_called_blind() -> None:
    images = torch.full((POINTS, D), 0.5)

    def flat(seen: Tensor) -> Tensor:
        score = 1 + 0 * seen.sum(dim=1)
        return torch.stack([score, torch.zeros_like(score)])

    label = torch.zeros(POINTS, dtype=torch.long)
    victim = InputVictim(InputPoints(flat, 2, 1, images, torch.ones(POINTS), label, box(), POINTS), 0)
    broken = break_points(victim.readout("sum").ways, [0.5], 10, 1, victim.noise(0))
    assert bool(broken.blind.all())
    assert bool((broken.first == 1).all())


def test_a_readout_is_attacked_with_steps_that_shrink_too() -> None:
    """Its margin has a shallow valley beside the image, which short steps do not leave."""
    images = torch.full((3, D), 0.5)

    def valley(seen: Tensor) -> Tensor:
        moved = 0.5 - seen[:, 0]
        margin = 1 - 2 * moved + 4 * (moved - 0.05).relu() - 7 * (moved - 0.1).relu()
        return torch.stack([margin, torch.zeros_like(margin)])

    label = torch.zeros(3, dtype=torch.long)
    victim = InputVictim(InputPoints(valley, 2, 1, images, torch.ones(3), label, box(), 3), 0)
    equal, shrinking = victim.readout("sum").ways
    assert bool((attempt(victim, equal, 0.5, 20).margins > 0).all())
    ended = attempt(victim, shrinking, 0.5, 20)
    assert bool((ended.margins <= 0).all())
    torch.testing.assert_close(shrinking.landscape.look(ended.perturbation).verdicts, ended.margins)
    assert bool((broken_by(victim, victim.readout("sum"), [0.5], 20) == 0).all())
    own = Objective(2, [Way(InputOwnLoss(victim.points))])
    assert bool((broken_by(victim, own, [0.5], 20) == 1).all())


def test_steps_are_equal_or_shrink_to_a_hundredth_of_the_radius() -> None:
    assert equal_steps(20) == [0.125] * 20
    shrinking = shrinking_steps(100)
    assert shrinking[0] == 1
    assert shrinking == sorted(shrinking, reverse=True)
    assert shrinking[-1] == pytest.approx(0.01, abs=1e-3)


class TwoReadouts(nn.Module):
    """The network with two outputs, whose difference is a readout: its best output of either side."""

    def __init__(self, points: InputPoints) -> None:
        super().__init__()
        self.points = points

    def forward(self, seen: Tensor) -> Tensor:
        outputs = self.points.outputs(seen)  # [c, N]
        sides = outputs[: self.points.positive_groups], outputs[self.points.positive_groups :]
        return torch.stack([side.amax(dim=0) for side in sides], dim=1)


def least_norms(points: InputPoints, steps: int) -> Tensor:
    """[N]: what adv-lib's fast minimum norm attack finds for the max readout, inside the box."""
    label = (points.side < 0).long()
    return minimal_norms("fmn", TwoReadouts(points), points.inputs, label, steps, box=(0.0, 1.0))


def test_an_independent_minimal_norm_attack_finds_the_same_radii() -> None:
    images = torch.rand(POINTS, D, generator=torch.Generator().manual_seed(6))
    victim = victim_of(small_network(outputs=2), images, groups=2)
    norms = least_norms(victim.points, steps=150)
    found = norms.isfinite()
    assert int(found.sum()) > 0.7 * POINTS
    radii = [0.1 * i for i in range(30)]
    broken = broken_by(victim, victim.readout("max"), radii, 40, restarts=2)[0]
    attacked = torch.tensor([*radii, torch.inf])[broken]
    assert float((attacked - norms)[found].median()) < 0.1
    assert bool((attacked <= norms + 0.1 + 0.03)[found].all())


def test_it_breaks_as_many_images_of_a_trained_resnet() -> None:
    spec: dict[str, dict[str, object]] = {
        "data": {"source": "digits", "n": 200},
        "network": {"kind": "resnet18", "width": 4, "labels": "clusters"},
        "training": {"optimizer": "nesterov", "learning_rate": 0.1, "steps": 40, "batch_size": 50},
        "attack": {"test_points": POINTS},
    }
    run = Run.of(resolve(Settings.model_validate(spec)), 0)
    victim = victim_of_run(run, train_resnet(run, "cpu", None))
    middle = 0.4
    theirs = least_norms(victim.points, steps=100) > middle
    ours = broken_by(victim, victim.readout("max"), [middle], 40)[0] == 1
    assert 0.2 < float(ours.double().mean()) < 0.9
    assert int(ours.sum()) <= int(theirs.sum()) + 2  # points; the library leaves more where it finds none
