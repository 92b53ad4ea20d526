"""What trained networks of any family show to measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from phaselab.domain.results.results import Decision
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.settings import Settings
from phaselab.workers.data.training_set import Centers
from phaselab.workers.exact.exact import Bounds
from phaselab.workers.measures.layer import Gradients, Layer
from phaselab.workers.measures.regression import Regression
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.trained import Geometry


@dataclass(frozen=True, eq=False)
class Shown:
    """S trained networks of one shape. *Neurons* are rows of weights that see the centres: those of the first layer, or
    the head's rows on features.
    """

    loss: Tensor
    """[S] mean training loss"""
    accuracy: Tensor
    """[S] training accuracy"""
    clean: Mapping[Decision, Tensor]
    """[S] test accuracy of each decision"""
    neurons: Geometry
    """Inner products of the neurons with the centres and each other"""
    coefficients: Tensor
    """[S, M, k] float64: what the neurons hold of the centres (`features_held`)"""
    own: Tensor
    """[M, k] bool: whether the cluster is on the neuron's side; [S, M, k] where that differs between runs"""
    center_norms: Tensor
    """[S, k] float64"""
    feature_fraction: Tensor
    """[S] float64: share of the squared weights that lies in the span of the centres"""
    start_share: Tensor | None = None
    """[S] float64: share of the squared weights that is what is left of their start; null for a family that does not
    tell its start from what it learned"""
    noise_share: Tensor | None = None
    """[S] float64: share of the squared weights that was learned outside the span of the centres"""
    dead_outputs: Tensor | None = None
    """[S] float64: share of outputs that are 0 at every training point; null for a family that does not tell"""
    steps_taken: Tensor | None = None
    """[S] steps of training; null for a family that takes all that it is given"""
    regression: Regression | None = None
    """Of linear functions that were trained on responses; null for others"""
    attacked: Mapping[Decision, Tensor] = field(default_factory=dict)
    """[S, N] lengths of the shortest perturbations that `pgd` found, where they were asked for"""
    radii: Mapping[Decision, Bounds] = field(default_factory=dict)
    """[S, N] bounds of the robust radii, where they were asked for"""
    certified: bool = False
    """Whether those are certified bounds, and no exact radii"""
    layers: Sequence[Layer] = ()
    """Hidden layers, from the first to the last, at the test points; none for a family without"""
    inputs: Tensor | None = None
    """[S] float64: the compression of the training points themselves, by the labels trained on; null without layers"""
    margin: Tensor | None = None
    """[S] float64: the least margin of a training point over |theta|^q; null for a family that has none"""
    side: Tensor | None = None
    """[S, N] long: +1 or -1, the test points' classes"""
    side_of_cluster: Sequence[int] = ()
    """[k] +1 or -1"""
    gradients: Mapping[Decision, Gradients] = field(default_factory=dict)
    """Of each readout, at the test points"""
    averaged: Mapping[Decision, Tensor] = field(default_factory=dict)
    """[S, N] float64: of each readout, the least distance along the averaged direction at which a test point is wrong,
    infinite where there is none"""
    readout: Tensor | None = None
    """[S, c, M] float64: the weights of each label group's output; null without layers"""
    readout_trained: bool = True
    """Whether they are not all fixed"""

    @property
    def scale(self) -> Tensor:
        """[S]: R, the root mean square of the centres' norms."""
        return root_mean_square(self.center_norms)


def root_mean_square(norms: Tensor) -> Tensor:
    """[S, k] -> [S]"""
    return norms.square().mean(dim=1).sqrt()


def own_side(settings: Settings, layout: GroupLayout) -> Tensor:
    """[M, k] bool: whether the cluster is on the neuron's side."""
    side = torch.tensor(label_groups(settings).side_of_cluster, device=layout.group_of_neuron.device)  # [k]
    return layout.side_of_neuron.unsqueeze(1) == side


def feature_fraction(neurons: Geometry, centers: Centers) -> Tensor:
    """[S] in [0, 1]: squared norm of the weights' projection onto the span of the centres over |W|^2; nan for W = 0."""
    coordinates = neurons.center_products @ centers.whitening  # [S, M, r]
    total = neurons.weight_products.diagonal(dim1=-2, dim2=-1).sum(dim=-1)  # [S]
    fraction: Tensor = coordinates.square().sum(dim=(-2, -1)) / total
    return fraction.clamp_max(1.0)


def features_held(neurons: Geometry, centers: Centers) -> Tensor:
    """[S, M, k]: what the neurons hold of each centre.

    Of known centres what they are made of, b with W Pi = sum_j b_j mu_j / |mu_j|, Pi the projection onto their span:
    b = |mu| A G^-1, G being their inner products. Of class means how they answer to them, A / |mu|. For orthogonal
    centres the two are one.
    """
    return neurons.center_products @ centers.held


def weight_shares(start: Tensor, weights: Tensor, centers: Centers) -> tuple[Tensor, Tensor]:
    """start_share and noise_share [S] in [0, 1], from what is left of the start and the weights [S, M, e''].

    With V = W - a W0 they are |a W0|^2 and |V - V Pi|^2 over |a W0|^2 + |V|^2; nan where that is 0.
    """
    learned = (weights - start).double()  # V [S, M, e'']
    of_start, of_learned = (each.double().square().sum(dim=(-2, -1)) for each in (start, learned))  # [S]
    products = learned[..., : centers.points.shape[1]] @ centers.points.double().T  # [S, M, k]
    within = (products @ centers.whitening).square().sum(dim=(-2, -1))  # [S]
    total = of_start + of_learned
    return of_start / total, (of_learned - within).clamp_min(0) / total


def cosines(neurons: Geometry, center_norms: Tensor) -> Tensor:
    """[S, k, M]: cos(mu_j, w_r) from the norms [S, k] of the centres, 0 for a neuron without weights."""
    norm = neurons.weight_products.diagonal(dim1=-2, dim2=-1).sqrt()  # [S, M]
    length = center_norms.where(center_norms > 0, 1.0).unsqueeze(1) * norm.where(norm > 0, 1.0).unsqueeze(-1)
    cosine = neurons.center_products / length  # [S, M, k]
    return cosine.mT.clamp(-1, 1)
