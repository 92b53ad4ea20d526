"""Measures of what neurons are made of, of accuracy and of radii: a function each, over what networks show.

Each gives [S] numbers, nan or inf where it is undefined. Derivations: docs/methods/measures.md. They take the centre
products A [S, M, k], A[r, j] = <w_r, mu_j>, in float64, and a mask [M, k] of each neuron's own side.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from phaselab.domain.results.results import READOUTS, Decision
from phaselab.workers.measures.functions import FUNCTIONS, measure
from phaselab.workers.measures.layer import participation
from phaselab.workers.measures.shown import Shown

GAP = 1e-3
"""Relative gap of the bounds up to which their midpoint is the robust radius; beyond it is the certified lower one."""


@measure
def train_loss(shown: Shown) -> Tensor:
    """Mean loss on the training set."""
    return shown.loss


@measure
def train_accuracy(shown: Shown) -> Tensor:
    """Share of training points whose own label has strictly the largest output."""
    return shown.accuracy


@measure
def test_accuracy(shown: Shown) -> Tensor:
    """By the max readout."""
    return shown.clean["max"]


@measure
def test_accuracy_sum(shown: Shown) -> Tensor:
    """By the sum readout."""
    return shown.clean["sum"]


@measure
def test_accuracy_label(shown: Shown) -> Tensor:
    """By the label group of the largest output."""
    return shown.clean["label"]


@measure
def averaging_index(shown: Shown) -> Tensor:
    """Participation ratios PR of what neurons hold of the centres on their own side, where that is positive: what they
    are made of, or of images how they answer to class means.

    Mean over neurons of (PR - 1) / (clusters on the side - 1), weighted by |w|^2; neurons without a positive
    coefficient have no PR and are left out, as are those of a side of one cluster.
    """
    weight = shown.neurons.weight_products.diagonal(dim1=-2, dim2=-1)  # [S, M]
    return evenness(shown.coefficients, shown.own, weight)


def evenness(held: Tensor, own: Tensor, weight: Tensor) -> Tensor:
    """[S]: mean over rows r, by their weights [S, M], of (PR - 1) / (clusters - 1), PR being the participation ratio of
    the squares of what is positive of held [S, M, k] on the clusters that are the row's own [..., M, k]. Rows without,
    and those of a side of one cluster, are left out; nan where none is left."""
    sizes = own.sum(dim=-1)  # [..., M]
    positive = held.clamp_min(0) * own  # [S, M, k]
    largest = positive.amax(dim=-1, keepdim=True)  # [S, M, 1]
    positive = positive / largest.where(largest > 0, 1.0)  # no overflow in the fourth power
    share = (participation(positive.square()) - 1) / (sizes - 1)  # [S, M], not finite where the side has one cluster
    weight = weight.where((largest.squeeze(-1) > 0) & (sizes > 1), 0.0)  # [S, M]
    index: Tensor = (share.where(weight > 0, 0.0) * weight).sum(dim=-1) / weight.sum(dim=-1)
    return index


@measure
def feature_fraction(shown: Shown) -> Tensor:
    """Share of the squared weights in the span of the centres."""
    return shown.feature_fraction


@measure
def start_share(shown: Shown) -> Tensor:
    """Share of the squared weights that is what is left of their start."""
    assert shown.start_share is not None
    return shown.start_share


@measure
def noise_share(shown: Shown) -> Tensor:
    """Share of the squared weights that was learned outside the span of the centres."""
    assert shown.noise_share is not None
    return shown.noise_share


@measure
def coefficient_ratio(shown: Shown) -> Tensor:
    """Median over neurons of max / min of A on the own side; inf where that neuron's min is not positive."""
    smallest, largest = _extremes(shown)
    return median(torch.where((smallest > 0) & (largest > 0), largest / smallest, torch.inf))


@measure
def coefficient_evenness(shown: Shown) -> Tensor:
    """Median over neurons of min / max of A on the own side; 0 where that neuron's min is not positive."""
    smallest, largest = _extremes(shown)
    return median(torch.where((smallest > 0) & (largest > 0), smallest / largest, 0.0))


def _extremes(shown: Shown) -> tuple[Tensor, Tensor]:
    """[S, M] each: least and greatest product of a neuron with the centres of its own side; inf and -inf of one that is
    on none."""
    products = shown.neurons.center_products
    smallest = products.masked_fill(~shown.own, torch.inf).amin(dim=-1)
    return smallest, products.masked_fill(~shown.own, -torch.inf).amax(dim=-1)


@measure
def dead_outputs(shown: Shown) -> Tensor:
    """Share of outputs that are 0 at every training point."""
    assert shown.dead_outputs is not None
    return shown.dead_outputs


@measure
def steps_taken(shown: Shown) -> Tensor:
    """Steps until training stopped."""
    assert shown.steps_taken is not None
    return shown.steps_taken.double()


@measure
def regression_error(shown: Shown) -> Tensor:
    """|beta - beta*|^2"""
    assert shown.regression is not None
    return shown.regression.error


@measure
def beta_l1_ratio(shown: Shown) -> Tensor:
    """|beta|_1 over the least of an interpolator; nan where there is none."""
    assert shown.regression is not None
    return shown.regression.l1_ratio


@measure
def q_gap(shown: Shown) -> Tensor:
    """(Q - least Q) / least Q; nan where the least is not found."""
    assert shown.regression is not None
    return shown.regression.gap


def _attacked_radius(shown: Shown, decision: Decision) -> Tensor:
    """[S]: median over points of the shortest perturbation that `pgd` found; nan where it was not asked for, infinite
    where half of the points withstood it."""
    if decision not in shown.attacked:
        return torch.full_like(shown.scale, torch.nan)
    return median(shown.attacked[decision])


def _gap(shown: Shown, decision: Decision) -> Tensor:
    """[S]: the median of the upper bounds less that of the lower ones; nan where they were not asked for, or infinite.
    Medians keep order, so the median of the radii lies between."""
    if decision not in shown.radii:
        return torch.full_like(shown.scale, torch.nan)
    return median(shown.radii[decision].upper) - median(shown.radii[decision].lower)


def _certified_radius(shown: Shown, decision: Decision) -> Tensor:
    """[S]: median over points of the lower bounds that are proved; nan where they were not asked for."""
    if decision not in shown.radii:
        return torch.full_like(shown.scale, torch.nan)
    return median(shown.radii[decision].lower)


def robust_radius(shown: Shown, decision: Decision) -> Tensor:
    """[S]: median over points of the robust radii; nan where they were not asked for."""
    radii = _radii(shown, decision)
    return torch.full_like(shown.scale, torch.nan) if radii is None else median(radii)


def _quantile(shown: Shown, decision: Decision, level: float) -> Tensor:
    """[S]: quantile over points of the robust radii; nan where they were not asked for."""
    radii = _radii(shown, decision)
    return torch.full_like(shown.scale, torch.nan) if radii is None else quantile(radii, level)


def _radii(shown: Shown, decision: Decision) -> Tensor | None:
    """[S, N]: the robust radii, or their lower bounds where brackets are open; null where they were not asked for, or
    the bounds are no exact radii."""
    if decision not in shown.radii or shown.certified:
        return None
    lower, upper = shown.radii[decision].lower, shown.radii[decision].upper  # [S, N]
    tight = upper.isfinite() & (upper - lower <= GAP * upper)  # [S, N]
    return torch.where(tight, (lower + upper) / 2, lower)


def quantile(values: Tensor, level: float) -> Tensor:
    """[..., n] -> [...]: on the line between neighbouring order statistics (Hyndman and Fan's type 7); right for
    infinities."""
    ordered = values.sort(dim=-1).values
    place = level * (values.shape[-1] - 1)
    low, high = ordered[..., math.floor(place)], ordered[..., math.ceil(place)]
    return torch.where(low == high, low, low + (place - math.floor(place)) * (high - low))  # inf - safe: inf == inf


def median(values: Tensor) -> Tensor:
    """[..., n] -> [...]: the mean of the two middle values of an even count; right for infinities."""
    ordered = values.sort(dim=-1).values
    n = values.shape[-1]
    low, high = ordered[..., (n - 1) // 2], ordered[..., n // 2]
    return torch.where(low == high, low, (low + high) / 2)  # inf - safe: inf == inf


def over_norms(shown: Shown, radius: Callable[[Shown, Decision], Tensor], decision: Decision) -> Tensor:
    """[S]: a radius over R."""
    return radius(shown, decision) / shown.scale


_LABEL: Decision = "label"
for _decision in (*READOUTS, _LABEL):
    FUNCTIONS[f"robust_radius_{_decision}"] = partial(robust_radius, decision=_decision)
    FUNCTIONS[f"robust_radius_gap_{_decision}"] = partial(_gap, decision=_decision)
for _readout in READOUTS:
    FUNCTIONS[f"robust_radius_{_readout}_q10"] = partial(_quantile, decision=_readout, level=0.1)
    FUNCTIONS[f"robust_radius_{_readout}_q90"] = partial(_quantile, decision=_readout, level=0.9)
    FUNCTIONS[f"robust_radius_{_readout}_relative"] = partial(over_norms, radius=robust_radius, decision=_readout)
    FUNCTIONS[f"certified_radius_{_readout}"] = partial(_certified_radius, decision=_readout)
    FUNCTIONS[f"certified_radius_{_readout}_relative"] = partial(
        over_norms, radius=_certified_radius, decision=_readout
    )
    FUNCTIONS[f"attacked_radius_{_readout}"] = partial(_attacked_radius, decision=_readout)
    FUNCTIONS[f"attacked_radius_{_readout}_relative"] = partial(over_norms, radius=_attacked_radius, decision=_readout)
