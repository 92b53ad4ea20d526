"""The family `diagonal`: f(x) = <u^D - v^D, x>, the smallest network with a kernel and a rich regime."""

from collections.abc import Iterator

from phaselab.domain.families.contract import Family
from phaselab.domain.families.in_span import attempts
from phaselab.domain.families.rates import MATRIX_RATE, POINTWISE_RATE
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.radii import radii
from phaselab.domain.settings.settings import Settings

NEURONS = 2
"""u^D and v^D."""
DEEPEST = 3
"""Layers up to which the least penalty of interpolators is known."""
MOST_BATCHED = 50
"""Passes over the weights that a step takes."""


def _follow(settings: Settings) -> Settings:
    """The width, the labels and the engine."""
    network = settings.network
    return settings.with_values(
        {
            "network.width": 1 if network.width == "auto" else network.width,
            "network.labels": "binary" if network.labels in (2, "clusters") else network.labels,
            "training.engine": "autograd",
        }
    )


def _impossible(settings: Settings) -> Iterator[Fault]:
    network, training = settings.network, settings.training
    if network.width != 1:
        detail = f"a diagonal network is as wide as its input; width must be 1 or auto, not {network.width}"
        yield Fault(pointer("network", "width"), detail)
    if network.depth > DEEPEST:
        yield Fault(pointer("network", "depth"), f"a diagonal network has 2 or {DEEPEST} layers, not {network.depth}")
    if network.init_scale == 0:
        yield Fault(
            pointer("network", "init_scale"), "a diagonal network never leaves a start at 0; it must be above 0"
        )
    if training.batch_size is not None:
        detail = "a diagonal network is trained on all points at once; leave it out"
        yield Fault(pointer("training", "batch_size"), detail)


def _seconds(settings: Settings) -> float:
    """Products with the inputs, passes over the weights, and the attacks' steps."""
    data, training, attack = settings.data, settings.training, settings.attack
    products = 4.0 * data.n * data.d * training.steps
    steps = len(radii(attack)) * attack.steps * attack.restarts * attempts(settings)
    pointwise = MOST_BATCHED * data.d * training.steps + 20 * steps * attack.test_points * NEURONS
    return products / MATRIX_RATE + pointwise / POINTWISE_RATE


FAMILY = Family(
    name="diagonal",
    chosen_by="network.kind: diagonal",
    sources=("sparse_regression",),
    takes=frozenset({"network.init_scale", "network.depth", "training.stop_loss"}),
    choices={
        "training.engine": ("auto", "autograd"),
        "training.optimizer": ("gd", "momentum", "nesterov"),
        "training.precision": ("float32", "float64"),
        "attack.methods": ("pgd", "pgd_native"),
    },
    notes={
        "network.kind": "the linear function of u^depth - v^depth, coordinate by coordinate, trained on the responses"
        " of `sparse_regression` by half their squared error",
        "network.init_scale": "every weight of u and v starts at it",
        "network.width": "it is as wide as its input",
        "network.labels": "its two labels are the signs of the response",
        "training.weight_decay": "of u and v",
    },
    follow=_follow,
    impossible=_impossible,
    neurons=lambda _: NEURONS,
    seconds=_seconds,
)
