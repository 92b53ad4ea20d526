"""What families share whose first layer is linear in the input: how runs are put together, looked at and judged."""

from collections.abc import Sequence
from dataclasses import fields
from itertools import groupby

import torch
from torch import Tensor

from phaselab.domain.families.adversarial import is_adversarial
from phaselab.domain.results.results import RunFailure
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Trajectory, data_key, trajectories
from phaselab.workers.attacks.inputs import InputPoints, InputVictim, Outputs
from phaselab.workers.attacks.span import runs_at_once
from phaselab.workers.base import nested
from phaselab.workers.data import image_data
from phaselab.workers.data.sources import FirstLayer, source_of
from phaselab.workers.data.training_set import Centers
from phaselab.workers.measures.shown import feature_fraction, features_held, weight_shares
from phaselab.workers.networks.past import Past
from phaselab.workers.networks.trained import Networks, geometry, weight_factor
from phaselab.workers.training.in_span import data_sets_at_once


def by_training_set(runs: Sequence[Run]) -> list[list[Trajectory]]:
    """The trainings of runs of one shape, those on the same data that are looked at alike together, in order of first
    sight."""
    found: dict[tuple[str, tuple[int, ...]], list[Trajectory]] = {}
    for one in trajectories(runs):
        found.setdefault((data_key(one.longest), one.looks), []).append(one)
    return list(found.values())


def bundles(groups: list[list[Trajectory]], device: str) -> list[list[list[Trajectory]]]:
    """Neighbouring training sets with equally many trainings each, looked at alike, as many as are worth training as
    one batch."""
    most, found = data_sets_at_once(groups[0][0].longest.settings, device), []
    for _, equal in groupby(groups, key=lambda same: (len(same), same[0].looks)):
        alike = list(equal)
        found += [alike[first : first + most] for first in range(0, len(alike), most)]
    return found


def look_after_look(same: Sequence[Trajectory]) -> list[Run]:
    """The runs of trainings that are looked at alike, in the order in which engines give their networks."""
    return [run for at_look in zip(*(one.runs for one in same), strict=True) for run in at_look]


def left_of(start: Tensor, left: Tensor) -> Tensor:
    """[S, M, e'']: what is left of initial weights of this shape, from the factor of all, [S], or of each neuron,
    [S, M], or the matrix [S, M, M] by which they are in the weights."""
    return left @ start if left.dim() == 3 else start * left.view(len(left), -1, 1)


def attacked_together(count: int, settings: Settings, neurons: int, device: str, least: int = 1) -> list[slice]:
    """Which of so many networks of one shape are attacked as one batch, of those without a box at least so many."""
    most = 1 if source_of(settings).boxed else max(least, runs_at_once(neurons, settings.attack.test_points, device))
    return [slice(first, first + most) for first in range(0, count, most)]


def attacked_in_training(settings: Settings, neurons: int, columns: int, layers: int) -> int:
    """Numbers that adversarial training holds besides, of so many layers of neurons on inputs of so many columns; 0 in
    plain training. The factor of the weights is made of a copy in double precision."""
    if not is_adversarial(settings):
        return 0
    points = settings.training.batch_size or settings.data.n
    in_span = 12 * layers * neurons * points + 8 * neurons**2 + 4 * neurons * columns
    return in_span if settings.training.engine == "gram" else in_span + 8 * points * columns


def joined(parts: Sequence[Networks]) -> Networks:
    """The networks of several looks as one."""
    return Networks(*(nested.joined([getattr(part, field.name) for part in parts]) for field in fields(Networks)))


def look(
    run: Run,
    centers: Centers,
    weights: Tensor,
    bias: Tensor,
    loss: Tensor,
    accuracy: Tensor,
    start: Tensor,
    dead: Tensor,
    past: Past,
) -> Networks:
    """Look at the test points, which depend on the data seed alone, with networks trained on the data of a run.

    From weights [S, M, e''], biases [S, M], training loss and accuracy [S], what is left of the initial weights
    [S, M, e''], the share of dead outputs [S], and what is kept of training.
    """
    shape = geometry(weights, centers.points)
    factor = weight_factor(_without_infinities(shape.weight_products))  # [S, M, M]
    layer = FirstLayer(weights, shape.center_products, factor)
    cluster, seen = source_of(run.settings).look(run, layer, centers.points)  # [N], [S, M, N]
    seen = (seen + bias.unsqueeze(-1)).to(weights.dtype)
    dealt, runs = label_groups(run.settings), len(weights)
    side, label = (torch.tensor(one).to(cluster)[cluster] for one in (dealt.side_of_cluster, dealt.group_of_cluster))
    return Networks(
        weights,
        bias,
        loss,
        accuracy,
        shape.center_products,
        shape.weight_products,
        centers.norms.expand(runs, -1),
        feature_fraction(shape, centers),
        *weight_shares(start, weights, centers),
        dead,
        features_held(shape, centers),
        factor,
        seen,
        side.expand(runs, -1),
        label.expand(runs, -1),
        cluster.expand(runs, -1),
        averaged(shape.center_products, centers, dealt.side_of_cluster),
        past,
    )


def averaged(center_products: Tensor, centers: Centers, side_of_cluster: Sequence[int]) -> Tensor:
    """[S, M]: the products of the weights with the averaged direction, from those with the centres [S, M, k]."""
    sign = torch.tensor(side_of_cluster).to(center_products)  # [k]
    length = (sign @ centers.points.double()).norm()
    products: Tensor = center_products @ sign / length
    return products


def _without_infinities(weight_products: Tensor) -> Tensor:
    """Zeros for the runs whose numbers are not finite: they have no factor, and are left out in the end."""
    finite = weight_products.isfinite().all(dim=-1).all(dim=-1)
    return weight_products.where(finite.view(-1, 1, 1), 0.0)


def finite(networks: Networks) -> Tensor:
    """[S] bool: whether every number of a run's first layer and its loss is finite."""
    sound = networks.loss.isfinite()
    for values in (networks.center_products, networks.weight_products, networks.preactivations):
        sound = sound & values.flatten(1).isfinite().all(dim=1)
    return sound


def diverged(run: Run) -> RunFailure:
    """The failure of a run whose numbers are not finite."""
    training = run.settings.training
    return RunFailure(
        run.key,
        f"training diverged: the weights or what the network computes are not finite in {training.precision}"
        f" after {training.steps} steps at learning rate {training.learning_rate:g}",
    )


def on_images(run: Run, networks: Networks, outputs: Outputs, groups: int, positive_groups: int) -> InputVictim:
    """The network of a single run on its test images, from its outputs [c, N] at inputs [N, d]."""
    images = image_data.test_images(run)[1].to(networks.weights.device)  # [N, d]
    points = InputPoints(
        outputs,
        groups,
        positive_groups,
        images,
        networks.side[0].to(images),
        networks.label[0],
        image_data.box(run.settings.data, images),
        len(images),
    )
    return InputVictim(points, run.seed)
