"""Where training gives the idealised network, and why theory is silent elsewhere.

The limits were found by measurement: inside them the curves of theory.py agree with measured values as
docs/methods/theory.md tells.
"""

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
from scipy.special import log_ndtr

from phaselab.domain.answers.course import MOST_MOMENTUM, Energies, course, energies, first_step
from phaselab.domain.families.adversarial import is_adversarial
from phaselab.domain.families.registry import family_of
from phaselab.domain.families.sources import source_of
from phaselab.domain.settings.labels import LabelGroups, deal_clusters, group_count
from phaselab.domain.settings.radii import center_norm
from phaselab.domain.settings.settings import Data, Settings

LEAST_CLEARANCE = 10.0
"""Least R / sqrt(g): a group's signal at its own centre over the standard deviation of its noise."""
MOST_OFF = 0.1
"""Largest share of neurons that start off at every point of a cluster, and so never learn its feature."""
LEAST_POINTS = 25
"""Fewest training points a cluster; with fewer, clusters of unequal size are learned too unequally."""
LARGEST_STEP = 5.0
"""Largest first step of the output at a centre; beyond it the first step decides which neurons stay on."""
LARGEST_BATCH_STEP = 0.3
"""The same for mini-batches, in which a cluster's share is left to chance; times k / batch_size where that is more
than 1, and over 1 - momentum."""
MOST_MEMORY = 0.2
"""Largest share of the learned weights that is memory of training noise."""
MOST_START = 0.1
"""Largest share of the weights that is their random start, where theory speaks of what was learned."""
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(24)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
"""Gauss-Hermite nodes and weights [24]: the mean of a function of a standard normal variable."""


class Silence(Exception):
    """Theory does not speak here; its text says why, in one sentence."""


def silence(settings: Settings) -> str | None:
    """Why theory is silent about canonical settings, in one sentence; None where it speaks."""
    return next(_reasons(settings), None)


def silence_of_learned(settings: Settings) -> str | None:
    """The same of what holds only where the random start is small beside what was learned; asked after `silence`."""
    parts = energies(settings, course(settings))
    start = parts.share(parts.start)
    if start <= MOST_START:
        return None
    return f"{start:.0%} of the weights is their random start; theory of what was learned holds up to {MOST_START:.0%}"


def learned(settings: Settings) -> Energies:
    """What training puts into the weights, without their random start."""
    found = energies(settings, course(settings))
    return Energies(found.features, found.memory, 0.0)


def unevenness(settings: Settings) -> float:
    """Relative standard deviation of the own output over clusters: their numbers of training points differ, and the
    output follows them as far as training has not saturated."""
    more = 0.05
    gain = course(settings, 1 + more).own / course(settings, 1 - more).own
    return math.log(gain) / math.log((1 + more) / (1 - more)) * _uneven_counts(settings.data)


def _uneven_counts(data: Data) -> float:
    """Relative standard deviation of the clusters' numbers of training points: sqrt(k / n) of independent draws; where
    a share p of clusters has one more than the others, sqrt(p (1 - p)) over n / k."""
    if data.balance == "random":
        return math.sqrt(data.k / data.n)
    more = data.n % data.k / data.k
    return math.sqrt(more * (1 - more)) * data.k / data.n


def dealt_groups(settings: Settings) -> LabelGroups:
    """How the clusters of canonical settings are dealt to outputs."""
    data = settings.data
    return deal_clusters(data.k, data.positive_clusters or data.k // 2, group_count(settings.network.labels, data.k))


def group_sizes(dealt: LabelGroups) -> Counter[int]:
    """Clusters of each group."""
    return Counter(dealt.group_of_cluster)


def _reasons(settings: Settings) -> Iterator[str]:
    yield from _of_kind(settings)
    yield from _of_data(settings)
    yield from _of_training(settings)


def _of_kind(settings: Settings) -> Iterator[str]:
    if not family_of(settings).has_theory:
        yield f"theory does not speak of {settings.network.kind} networks"
    if not source_of(settings).has_theory:
        yield f"theory speaks of Gaussian clusters, not of {source_of(settings).name}"
    if settings.data.clone != "none":
        yield "theory speaks of points around centres, not of clones of labels"
    if settings.data.noise_dims is not None:
        yield "theory speaks of noise in every direction (data.noise_dims left out)"
    if settings.data.center_cosine:
        yield "theory speaks of orthogonal centres (data.center_cosine = 0)"
    if settings.training.optimizer == "adam":
        yield "Adam divides every coordinate by its own history, which theory does not follow"


def _of_data(settings: Settings) -> Iterator[str]:
    data = settings.data
    points, size = data.n / data.k, data.k / group_count(settings.network.labels, data.k)
    clearance = center_norm(settings.data) / math.sqrt(size)
    if clearance < LEAST_CLEARANCE:
        yield (
            f"noise is not small against the centres: R/√g = {clearance:.3g} for groups of g = {size:.3g} clusters,"
            f" and theory holds from {LEAST_CLEARANCE:g}"
        )
    if points < LEAST_POINTS:
        yield f"{points:.3g} training points a cluster are too few: theory holds from {LEAST_POINTS}"
    off = _never_on(data.snr, points)
    if off > MOST_OFF:
        yield (
            f"{off:.0%} of the neurons start off at every point of a cluster and never learn it"
            f" (data.snr = {data.snr:g}); theory holds up to {MOST_OFF:.0%}"
        )
    if settings.network.init_scale == 0:
        yield "with network.init_scale = 0 no neuron is ever on"


def _of_training(settings: Settings) -> Iterator[str]:
    training, data = settings.training, settings.data
    if is_adversarial(settings):
        yield "theory does not follow adversarial training"
    momentum = training.momentum or 0.0
    if momentum > MOST_MOMENTUM:
        yield f"theory follows momentum up to {MOST_MOMENTUM}"
    step = first_step(settings)
    if step > LARGEST_STEP:
        yield f"the first step moves the output at a centre by {step:.3g}, and theory holds up to {LARGEST_STEP:g}"
    if training.batch_size is not None:
        step *= max(1.0, data.k / training.batch_size) / (1 - momentum)
        if step > LARGEST_BATCH_STEP:
            yield (
                f"a mini-batch of {training.batch_size} moves the output at a centre by up to {step:.3g}, and theory"
                f" holds up to {LARGEST_BATCH_STEP:g}"
            )
    parts = learned(settings)
    if not (math.isfinite(parts.features) and math.isfinite(parts.memory)):
        yield "training diverges"
    if parts.features == 0:
        yield "nothing is learned in no step"
    if parts.share(parts.memory) > MOST_MEMORY:
        share = parts.share(parts.memory)
        yield f"{share:.0%} of what the weights learn is memory of training noise; theory holds up to {MOST_MEMORY:.0%}"


def _never_on(snr: float, points: float) -> float:
    """The chance that a neuron starts off at all of so many points of a cluster.

    Its initial weights have the product snr * z + noise with a point, z ~ N(0, 1) shared by the cluster's points and
    noise ~ N(0, 1) of each, in units of init_scale sqrt(d).
    """
    return float(WEIGHTS @ np.exp(points * log_ndtr(-snr * NODES)))
