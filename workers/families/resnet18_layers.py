"""What the layers of a ResNet are: its stem and its blocks, each seen by its channels, averaged over positions; and its
gradients at the test images.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from phaselab.domain.results.results import READOUTS, Decision
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.runs import Run
from phaselab.workers.attacks.inputs import InputPoints
from phaselab.workers.data.training_set import Centers
from phaselab.workers.measures.layer import Gradients, Layer
from phaselab.workers.networks.past import LayerPast, Moments, SeenLayer, change
from phaselab.workers.networks.resnet import ResNet18, draw_resnet


class Looking:
    """The training images, batch after batch, as the layers of a network see them."""

    def __init__(self, clusters: int, groups: int) -> None:
        self._sizes = clusters, groups
        self._moments: list[tuple[Moments, Moments]] = []

    def add(self, pooled: Sequence[Tensor], cluster: Tensor, label: Tensor) -> None:
        """Of a batch: channels [b, C] of every layer, clusters [b] and label groups [b]."""
        of_cluster, of_label = self._sizes
        found = [
            (Moments.of(one.T.unsqueeze(0), cluster, of_cluster), Moments.of(one.T.unsqueeze(0), label, of_label))
            for one in pooled
        ]
        self._moments = [_added(*both) for both in zip(self._moments, found, strict=True)] if self._moments else found

    def past(self, network: ResNet18, run: Run) -> tuple[LayerPast, ...]:
        """Of every layer, once all batches were added. There are no pre-activations to flip."""
        stem = next(network.stem.parameters())  # [width, channels, 3, 3]
        start = draw_resnet(run.seed, stem.shape[1], stem.shape[0], network.head.out_features).requires_grad_(False)
        pairs = zip(_weights(network), _weights(start.to(stem.device)), self._moments, strict=True)
        nothing = torch.full((1,), torch.nan, dtype=torch.float64, device=stem.device)
        return tuple(LayerPast(*moments, change(now, then), nothing) for now, then, moments in pairs)


def _added(one: tuple[Moments, Moments], other: tuple[Moments, Moments]) -> tuple[Moments, Moments]:
    by_cluster, by_label = (Moments(*map(torch.add, a, b)) for a, b in zip(one, other, strict=True))
    return by_cluster, by_label


def _weights(network: ResNet18) -> Iterator[Tensor]:
    """Of the stem and of every block, the weights of its convolutions, [1, numbers]."""
    for part in (network.stem, *network.blocks):
        weights = [module.weight.flatten() for module in part.modules() if isinstance(module, nn.Conv2d)]
        yield torch.cat(weights).unsqueeze(0)


def layers_of(
    network: ResNet18, images: Sequence[Tensor], cluster: Tensor, past: Sequence[LayerPast], run: Run
) -> list[Layer]:
    """Every layer at the test images, batches of [b, channels, side, side], of clusters [N]."""
    seen = [network.pooled(part) for part in images]
    given = [torch.cat(same).T.unsqueeze(0) for same in zip(*seen, strict=True)]  # [1, C, N] each
    dealt = label_groups(run.settings)
    each_layer = zip(given, past, strict=True)
    return [Layer(SeenLayer(one, one), cluster.unsqueeze(0), dealt, was) for one, was in each_layer]


def gradients_of(points: InputPoints, means: Tensor) -> dict[Decision, Gradients]:
    """Of each readout, at the test images; from centred class means [k, d] of the training images."""
    centers = Centers.means(means)
    answers = centers.points.double().T @ centers.held  # [d, k]
    parts: dict[Decision, list[tuple[Tensor, ...]]] = {readout: [] for readout in READOUTS}
    numbers = torch.arange(len(points.inputs), device=points.inputs.device)
    for some in torch.split(numbers, points.at_once):
        part = points.take(some)
        for readout, margin, gradient in zip(READOUTS, *_slopes(part), strict=True):
            exact = gradient.double()
            parts[readout].append((margin.double(), exact.square().sum(dim=1), (exact @ answers).T))
    joined = {
        readout: [torch.cat(same, dim=-1) for same in zip(*found, strict=True)] for readout, found in parts.items()
    }
    return {readout: Gradients(*(one.unsqueeze(0) for one in found)) for readout, found in joined.items()}


@torch.enable_grad()
def _slopes(points: InputPoints) -> tuple[Tensor, list[Tensor]]:
    """[2, N] the margins of both readouts, and the gradient [N, d] of each."""
    inputs = points.inputs.detach().requires_grad_()
    margins = points.margins(points.outputs(inputs))  # [2, N]
    slopes = [torch.autograd.grad(one.sum(), inputs, retain_graph=True)[0] for one in margins]
    return margins.detach(), slopes
