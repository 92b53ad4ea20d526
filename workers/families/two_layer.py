"""From runs to trained networks: draw, train, and look at the test points."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import groupby

import torch
from torch import Tensor

from phaselab.domain.families.on_features import in_pixels
from phaselab.domain.families.on_images import image_set
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import data_key
from phaselab.workers.attacks.attacks import ExactMethod
from phaselab.workers.attacks.inputs import InputPoints, InputVictim
from phaselab.workers.attacks.span_victim import SpanVictim
from phaselab.workers.attacks.victim import Victim
from phaselab.workers.base.progress import each
from phaselab.workers.base.stop import Stop
from phaselab.workers.base.streams import Stream, generator, normal
from phaselab.workers.data import clusters, image_data, law
from phaselab.workers.data.training_set import precision_of, training_labels
from phaselab.workers.exact.exact import robust_radii
from phaselab.workers.families.memory import data_sets_at_once
from phaselab.workers.measures import measures
from phaselab.workers.networks.trained import Networks, geometry, weight_factor
from phaselab.workers.networks.two_layer import TwoLayer, network_of, outputs
from phaselab.workers.training import autograd, gram
from phaselab.workers.training.prepared import Prepared, prepared
from phaselab.workers.training.training import Start, Trained


def train_networks(runs: Sequence[Run], device: str, stop: Stop | None) -> tuple[list[Run], Networks]:
    """Train runs of one shape, those on the same data together.

    Gives the runs whose numbers stayed finite, in some order, and their networks. Raises Stopped.
    """
    by_data: dict[str, list[Run]] = {}
    for run in runs:
        by_data.setdefault(data_key(run), []).append(run)
    bundles = list(_bundles(list(by_data.values()), device))
    parts = [part for trained in each(bundles, lambda bundle: _train(bundle, device, stop)) for part in trained]
    networks = Networks(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Networks)))
    sound = _finite(networks)  # [S]
    ordered = [run for same in by_data.values() for run in same]
    finished = [run for run, good in zip(ordered, sound.tolist(), strict=True) if good]
    return finished, networks if len(finished) == len(ordered) else networks.take(sound)


def _bundles(groups: list[list[Run]], device: str) -> Iterator[list[list[Run]]]:
    """Neighbouring training sets with equally many runs each, as many as are worth training as one batch."""
    most = data_sets_at_once(groups[0][0].settings, device)
    for _, equal in groupby(groups, key=len):
        alike = list(equal)
        yield from (alike[first : first + most] for first in range(0, len(alike), most))


def _train(groups: list[list[Run]], device: str, stop: Stop | None) -> list[Networks]:
    """Train and look at the runs of some training sets."""
    ready = [prepared(runs[0], device) for runs in groups]
    starts = [start_training(runs, one, device) for runs, one in zip(groups, ready, strict=True)]
    grams = [one.gram for one in ready if one.gram is not None]
    trained = gram.train(starts, grams, stop) if grams else each(starts, lambda start: autograd.train(start, stop))
    return [_look(runs[0], done, one, device) for runs, done, one in zip(groups, trained, ready, strict=True)]


def start_training(runs: list[Run], ready: Prepared, device: str) -> Start:
    """What the engines start from, for runs on the same data."""
    network = network_of(runs[0].settings, device)
    neurons = network.layout.neurons
    drawn = [_draw_weights(run, neurons, network.biased) for run in runs]
    weights = torch.stack([weights for weights, _ in drawn]).to(device)  # [S, M, e'']
    bias = torch.stack([bias for _, bias in drawn]).to(device)  # [S, M]
    label = training_labels(runs[0], ready.data.cluster.cpu()).to(device)  # [n]
    return Start(runs, ready.data, label, network, weights, bias)


def _draw_weights(run: Run, neurons: int, biased: bool) -> tuple[Tensor, Tensor]:
    """Initial weights [M, e''] and biases [M], zeros where the network has none."""
    draw = law if run.settings.data.draw == "law" else clusters
    scale, precision = run.settings.network.init_scale, precision_of(run)
    bias = normal(generator(run.seed, Stream.WEIGHTS, 1), (neurons,), precision)
    return draw.draw_weights(run, neurons).mul_(scale), bias.mul_(scale if biased else 0.0)


def _look(run: Run, trained: Trained, ready: Prepared, device: str) -> Networks:
    """Look at the test points, which depend on the data seed alone, with networks trained on the same data."""
    shape = geometry(trained.weights, ready.data.centers)
    factor = weight_factor(_without_infinities(shape.weight_products))  # [S, M, M]
    norms, fraction = measures.of_centers(run.settings, shape, ready.data.centers)  # [k], [S]
    if run.settings.data.draw == "law":
        cluster, noise = law.draw_test_points(run, factor.shape[1])  # [N], [M, N]
        cluster = cluster.to(device)
        seen = shape.center_products[..., cluster] + factor @ noise.to(device)  # [S, M, N]
    else:
        cluster, inputs = test_inputs(run, ready.data.centers)  # [N], [N, d]
        cluster = cluster.to(device)
        seen = trained.weights @ inputs.to(device).T  # [S, M, N]
    seen = (seen + trained.bias.unsqueeze(-1)).to(trained.weights.dtype)
    side, label = (_of_clusters(run.settings, two_sides, device)[cluster] for two_sides in (True, False))  # [N] each
    runs = len(trained.weights)
    return Networks(
        trained.weights,
        trained.bias,
        trained.loss,
        trained.accuracy,
        shape.center_products,
        shape.weight_products,
        norms.expand(runs, -1),
        fraction,
        factor,
        seen,
        side.expand(runs, -1),
        label.expand(runs, -1),
    )


def victim_of(runs: Sequence[Run], networks: Networks, network: TwoLayer, device: str) -> Victim:
    """The networks of runs as attacks see them; of networks on pixels, that of a single run."""
    if not in_pixels(runs[0].settings):
        return SpanVictim(networks, network, [run.seed for run in runs])
    weights, bias = networks.weights[0], networks.bias[0].unsqueeze(1)  # [M, d], [M, 1]
    (run,), images = runs, image_data.test_images(runs[0])[1].to(device)  # [N, d]
    points = InputPoints(
        lambda inputs: outputs(weights @ inputs.T + bias, network.layout),
        network.layout.outputs,
        network.positive_groups,
        images,
        networks.side[0].to(images),
        networks.label[0],
        image_data.box(run.settings.data, images),
        len(images),
    )
    return InputVictim(points, run.seed)


def exact_method(networks: Networks, network: TwoLayer) -> ExactMethod:
    """Bounds [S, N] of the exact robust radii, by a readout."""
    preactivations = networks.preactivations.mT  # [S, N, M]
    return lambda readout: robust_radii(preactivations, networks.factor, network.layout, networks.side, readout)


def test_inputs(run: Run, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Clusters [N] and inputs [N, d] of the test points, of images, features or of a literal draw, on the CPU."""
    if image_set(run.settings.data) is not None:
        return image_data.test_inputs(run)
    return clusters.draw_test_points(run, centers.cpu())


def _of_clusters(settings: Settings, sides: bool, device: str) -> Tensor:
    """[k] long: the side, or the label group, of each cluster."""
    dealt = label_groups(settings)
    return torch.tensor(dealt.side_of_cluster if sides else dealt.group_of_cluster, device=device)


def _without_infinities(weight_products: Tensor) -> Tensor:
    """Zeros for the runs whose numbers are not finite: they have no factor, and are left out in the end."""
    finite = weight_products.isfinite().all(dim=-1).all(dim=-1)
    return weight_products.where(finite.view(-1, 1, 1), 0.0)


def _finite(networks: Networks) -> Tensor:
    """[S] bool: whether every number of a run's network is finite."""
    sound = networks.loss.isfinite()
    for values in (networks.center_products, networks.weight_products, networks.preactivations):
        sound = sound & values.flatten(1).isfinite().all(dim=1)
    return sound
