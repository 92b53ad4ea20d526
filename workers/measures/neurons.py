"""Measures of what single neurons tell: of clusters inside their class, of label groups, and to the outputs.

Derivations: docs/methods/measures.md.
"""

import math

import torch
from torch import Tensor

from phaselab.workers.measures.functions import measure, of_layer
from phaselab.workers.measures.layer import Layer, middle, participation
from phaselab.workers.measures.shown import Shown
from phaselab.workers.networks.past import Moments

MOST_CODED = 12
"""Label groups up to which code words are told apart."""


@of_layer
def subclass_selectivity(layer: Layer) -> Tensor:
    """Of the neuron that tells a cluster best from the rest of its class, by means over spreads of pre-activations;
    median over clusters. nan where no class has two clusters with points, infinite where points coincide."""
    clusters, of_cluster = layer.before_of_cluster, layer.class_of_cluster
    classes = clusters.grouped(of_cluster, 2)
    rest = Moments(*(whole[:, list(of_cluster)] - own for whole, own in zip(classes, clusters, strict=True)))
    apart = clusters.means - rest.means  # [S, k, M]
    spread = _spread(clusters) + _spread(rest)
    value = torch.where(apart == 0, 0.0, apart / spread).masked_fill(~layer.alive.unsqueeze(1), 0.0)
    known = (clusters.points > 0) & (rest.points > 0)  # [S, k]
    return middle(value.amax(dim=-1), known)


@of_layer
def intraclass_spread(layer: Layer) -> Tensor:
    """Spread of pre-activations on a class over that on all points, mean over the better half of the neurons and over
    classes."""
    classes = layer.before_of_cluster.grouped(layer.class_of_cluster, 2)
    whole = _spread(classes.grouped((0, 0), 1))  # [S, 1, M]
    ratio = torch.where(layer.alive.unsqueeze(1) & (whole > 0), _spread(classes) / whole, 0.0)  # [S, 2, M]
    best = ratio.topk(max(1, round(ratio.shape[-1] / 2)), dim=-1).values.mean(dim=-1)  # [S, 2]
    there = classes.points > 0
    mean: Tensor = best.where(there, 0.0).sum(dim=1) / there.sum(dim=1)
    return mean


def _spread(groups: Moments) -> Tensor:
    """[S, g, M]: standard deviation over the points of each group; nan without points."""
    return groups.spread.sqrt()


@of_layer
def silent_fraction(layer: Layer) -> Tensor:
    """Share of neurons that are on for no label group; nan for linear ones, which are never off."""
    silent = (~_words(layer).any(dim=1)).double().mean(dim=-1)
    return torch.full_like(silent, torch.nan) if layer.linear else silent


@of_layer
def code_entropy(layer: Layer) -> Tensor:
    """Entropy over neurons of which label groups they are on for, over the largest possible one."""
    words = _words(layer)  # [S, c, M]
    groups = words.shape[1]
    if groups > MOST_CODED:
        return layer.given.new_full((len(words),), torch.nan)
    place = 2 ** torch.arange(groups, device=words.device)  # [c]
    number = (words.long() * place.view(1, -1, 1)).sum(dim=1)  # [S, M]
    counts = [torch.unique(one, return_counts=True)[1].double() for one in number]  # of the words that there are
    entropy = torch.stack([torch.special.entr(one / one.sum()).sum() for one in counts])  # [S]
    return entropy / (groups * math.log(2))


def _words(layer: Layer) -> Tensor:
    """[S, c, M] bool: whether a neuron is on for a label group: its mean there is above half the largest of the layer,
    above 0 for neurons that give negative values as readily."""
    means = layer.of_label.means.nan_to_num(-torch.inf)  # [S, c, M]
    largest = means.amax(dim=(1, 2), keepdim=True).clamp_min(0)  # [S, 1, 1]
    return means > (torch.zeros_like(largest) if layer.signed else largest / 2)


@measure
def neuron_participation(shown: Shown) -> Tensor:
    """Share of neurons that carry the output of a label group at its points, mean over label groups."""
    if shown.readout is None:
        return torch.full_like(shown.loss, torch.nan)
    means = shown.layers[-1].of_label.means  # [S, c, M]
    carried = (shown.readout * means).clamp_min(0)
    share: Tensor = participation(carried) / carried.shape[-1]  # [S, c]
    return share.nanmean(dim=1)


@measure
def readout_participation(shown: Shown) -> Tensor:
    """Share of neurons that outputs rest on, by their largest squared output weight; nan where all are fixed."""
    assert shown.readout is not None
    largest = shown.readout.square().amax(dim=1)  # [S, M]
    share = participation(largest) / largest.shape[-1]
    return share if shown.readout_trained else torch.full_like(share, torch.nan)
