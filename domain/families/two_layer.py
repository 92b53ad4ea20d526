"""The family `two_layer`: a ReLU network whose second layer is fixed, published, with exact methods of its own."""

from collections.abc import Iterator

from phaselab.domain.families.adversarial import attack_operations, attack_seconds
from phaselab.domain.families.contract import Family
from phaselab.domain.families.in_span import (
    MOST_NEURONS,
    attempts,
    engine_of,
    first_layer_operations,
    impossible_engine,
    neurons_of,
)
from phaselab.domain.families.on_features import in_pixels, on_features
from phaselab.domain.families.rates import MATRIX_RATE, POINTWISE_RATE
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.radii import radii
from phaselab.domain.settings.settings import Settings

PIXEL_STEP = 5e-4
"""Seconds of an attack step on pixels that no size explains: runs are attacked one after the other there."""


def _follow(settings: Settings) -> Settings:
    """The engine and the width."""
    width = settings.network.width
    if width == "auto":
        width = max(1, _published_neurons(settings) // group_count(settings.network.labels, settings.data.k))
    return settings.with_values({"training.engine": engine_of(settings), "network.width": width})


def _published_neurons(settings: Settings) -> int:
    """Neurons of the published network: one a cluster, three a class on features."""
    return settings.data.k * (3 if on_features(settings) else 1)


def _impossible(settings: Settings) -> Iterator[Fault]:
    yield from impossible_engine(settings)
    neurons = neurons_of(settings)
    if neurons > MOST_NEURONS:
        detail = f"the network would have {neurons} neurons; at most {MOST_NEURONS} can be attacked"
        yield Fault(pointer("network", "width"), detail)


def _seconds(settings: Settings) -> float:
    """Matrix products of the training, and the elements of the attacks' steps, those in training too."""
    data, attack = settings.data, settings.attack
    count = neurons_of(settings)
    columns = min(data.d, data.k + data.n + count) if data.draw == "law" else data.d
    train = first_layer_operations(settings, count, columns) + attack_operations(settings, count, columns)
    steps = len(radii(attack)) * attack.steps * attack.restarts * attempts(settings)
    exact = 200 * attack.test_points * count if "exact" in attack.methods else 0
    pixels = PIXEL_STEP * steps if in_pixels(settings) else 0
    train_seconds = train / MATRIX_RATE + attack_seconds(settings, 1, count, columns)
    return train_seconds + (steps * attack.test_points * count + exact) / POINTWISE_RATE + pixels


FAMILY = Family(
    name="two_layer",
    chosen_by="network.kind: two_layer",
    sources=("clusters", "images", "features", "orthogonal", "grid"),
    choices={"training.precision": ("float32", "float64"), "attack.methods": ("pgd", "pgd_native", "exact")},
    notes={
        "network.kind": "a two-layer ReLU network whose second layer is fixed",
        "network.width": "neurons per sign (`binary`) or per output; `auto` gives the network k neurons in all, as"
        " published: k // 2 per sign, k // labels per output; and 3 k in all on features",
    },
    follow=_follow,
    impossible=_impossible,
    neurons=neurons_of,
    seconds=_seconds,
    has_theory=True,
)
