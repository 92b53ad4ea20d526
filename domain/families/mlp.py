"""The family `mlp`: any depth on a first layer that is linear in the input. `two_layer` is one of its cases."""

from collections.abc import Iterator, Mapping

from phaselab.domain.families.adversarial import LOOKS, attack_operations, attack_seconds, is_adversarial
from phaselab.domain.families.contract import Family, Unfit
from phaselab.domain.families.in_span import (
    MOST_NEURONS,
    attempts,
    engine_of,
    first_layer_operations,
    impossible_engine,
    neurons_of,
)
from phaselab.domain.families.on_features import in_pixels
from phaselab.domain.families.rates import MATRIX_RATE, POINTWISE_RATE
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.radii import radii
from phaselab.domain.settings.settings import Method, Settings

POWER = 3.0
"""The least power at which gradient descent holds a single feature (arXiv 2405.15942)."""
KEEPS_SIZE = {"relu": 2**0.5, "leaky_relu": 2**0.5, "power": 2**0.5, "linear": 1.0, "erf": 1.0}
"""`hidden_scale` where it is left out."""
MOST_WEIGHTS = 100_000_000
"""Most weights between hidden layers."""
PASSES = 12
"""Passes over memory that differentiating a step of an attack takes beside the one that `POINTWISE_RATE` counts."""
CERTIFYING = 400
"""Passes over coefficients that certifying a radius takes, in all."""
LOSSES = {"binary": ("logistic", "square", "exponential"), "groups": ("cross_entropy", "square", "exponential")}
"""Losses by what there are labels of; the first is `auto`."""


def _follow(settings: Settings) -> Settings:
    """The engine, the width, and what parameters stand for that were left out."""
    network, training = settings.network, settings.training
    labels, k = network.labels, settings.data.k
    width = max(1, k // group_count(labels, k)) if network.width == "auto" else network.width
    first_alone = network.depth == 2 and network.output == "fixed"
    return settings.with_values(
        {
            "network.width": width,
            "network.power": POWER if _lacks_power(settings) else network.power,
            "network.bias": network.bias or ("first" if labels == "binary" else "none"),
            "network.hidden_scale": _hidden_scale(settings),
            "training.engine": engine_of(settings),
            "training.loss": _losses(settings)[0] if training.loss == "auto" else training.loss,
            "training.train": "all" if training.train == "first" and first_alone else training.train,
        }
    )


def _lacks_power(settings: Settings) -> bool:
    return settings.network.activation == "power" and settings.network.power is None


def _hidden_scale(settings: Settings) -> float | None:
    network = settings.network
    if network.depth == 2:
        return None
    return KEEPS_SIZE[network.activation] if network.hidden_scale is None else network.hidden_scale


def _losses(settings: Settings) -> tuple[str, ...]:
    return LOSSES["binary" if settings.network.labels == "binary" else "groups"]


def _impossible(settings: Settings) -> Iterator[Fault]:
    yield from impossible_engine(settings)
    yield from _of_the_activation(settings)
    yield from _of_the_start(settings)
    yield from _of_the_output(settings)
    yield from _of_the_size(settings)
    yield from _of_the_loss(settings)
    training, losses = settings.training, _losses(settings)
    if training.loss not in losses:
        detail = f"{training.loss} is not a loss of labels: {settings.network.labels}; use {', '.join(losses)} or auto"
        yield Fault(pointer("training", "loss"), detail)


def _of_the_loss(settings: Settings) -> Iterator[Fault]:
    network, training = settings.network, settings.training
    if training.off_target and (training.loss != "square" or network.labels == "binary"):
        detail = "off_target is of the outputs of other label groups, by squares; use loss: square with labels that are"
        yield Fault(pointer("training", "off_target"), f"{detail} not binary, or leave it out")
    if training.output_weight_decay is not None and (network.output == "fixed" or training.train == "first"):
        detail = "the output layer is not trained, so nothing of it decays; use output: trained, or leave it out"
        yield Fault(pointer("training", "output_weight_decay"), detail)


def _of_the_activation(settings: Settings) -> Iterator[Fault]:
    network = settings.network
    if network.activation != "power" and network.power is not None:
        detail = f"power is not used by activation {network.activation}; use activation: power, or leave it out"
        yield Fault(pointer("network", "power"), detail)
    if network.activation == "power" and network.init_scale == 0:
        detail = "activation power divides by the length of weights, which is 0 at the start; it must be above 0"
        yield Fault(pointer("network", "init_scale"), detail)


def _of_the_start(settings: Settings) -> Iterator[Fault]:
    network, neurons = settings.network, neurons_of(settings)
    if network.init == "orthogonal" and neurons > settings.data.d:
        detail = f"{neurons} neurons cannot be orthogonal in {settings.data.d} dimensions; use init: normal, or a"
        yield Fault(pointer("network", "init"), f"{detail} smaller width")
    if network.init == "balanced" and (network.depth > 2 or network.output == "fixed"):
        detail = "balanced is for depth: 2 with output: trained, whose weights are as long as their neuron's; use"
        yield Fault(pointer("network", "init"), f"{detail} init: normal")
    if network.symmetric == "pairs" and network.labels != "binary":
        if network.output == "fixed":
            detail = "pairs of label groups need output: trained, for outputs that are fixed are not negative"
            yield Fault(pointer("network", "symmetric"), f"{detail}; use output: trained, or leave it out")
        elif isinstance(network.width, int) and network.width % 2:
            detail = f"the neurons of every output come in pairs, and width is {network.width}; it must be even"
            yield Fault(pointer("network", "width"), detail)


def _of_the_output(settings: Settings) -> Iterator[Fault]:
    network, fixed = settings.network, settings.network.output == "fixed"
    if fixed and settings.training.train == "output":
        detail = "the output layer is fixed, so nothing would be trained; use output: trained, or train: all"
        yield Fault(pointer("training", "train"), detail)
    if network.output_scale is not None and (fixed or network.init == "balanced"):
        why = "the output layer is fixed" if fixed else "balanced output weights are as long as their neuron's"
        detail = f"output_scale is not used: {why}; use output: trained with init: normal, or leave it out"
        yield Fault(pointer("network", "output_scale"), detail)
    if network.multiplier != 1 and network.symmetric == "none":
        detail = "a multiplier is of what training adds to the output, which must start at 0; use symmetric: pairs"
        yield Fault(pointer("network", "multiplier"), detail)


def _of_the_size(settings: Settings) -> Iterator[Fault]:
    neurons = neurons_of(settings)
    between = (settings.network.depth - 2) * neurons**2
    if neurons > MOST_NEURONS:
        detail = f"a hidden layer would have {neurons} neurons; at most {MOST_NEURONS} can be attacked"
        yield Fault(pointer("network", "width"), detail)
    elif between > MOST_WEIGHTS:
        detail = f"there would be {between:.3g} weights between hidden layers, at most {MOST_WEIGHTS:.0e} are possible"
        yield Fault(pointer("network", "width"), f"{detail}; use a smaller width or depth")


def _unfit(settings: Settings) -> Mapping[Method, Unfit]:
    """Exact radii need an activation that is max(z, leak z), of one hidden layer unless it is linear; all others have
    certified lower bounds of them."""
    network = settings.network
    here = f"depth {network.depth} of {network.activation}"
    if network.activation == "linear" or (network.depth == 2 and network.activation in ("relu", "leaky_relu")):
        return {"certified": Unfit(f"is for networks without exact radii, not for {here}", instead="exact")}
    why = f"is for two layers of relu or leaky_relu, and for linear, not for {here}"
    return {"exact": Unfit(why, instead="certified")}


def _seconds(settings: Settings) -> float:
    """Matrix products of the training, and passes of the attacks' steps, those in training too."""
    data, training, attack, depth = settings.data, settings.training, settings.attack, settings.network.depth
    count, points = neurons_of(settings), attack.test_points
    columns = min(data.d, data.k + data.n + count) if data.draw == "law" else data.d
    above = (depth - 2) * count
    batch = training.batch_size or data.n
    passes = 1 + LOOKS * is_adversarial(settings)  # through the hidden layers, at every step of training
    train = first_layer_operations(settings, count, columns) + attack_operations(settings, count, columns)
    train += 6.0 * batch * above * count * training.steps * passes
    steps = len(radii(attack)) * attack.steps * attack.restarts * attempts_at_any_depth(settings)
    products = 6.0 * steps * points * count * (count + above)
    trained = attack_seconds(settings, depth - 1, count, columns)
    proof = _proof_operations(settings, count)
    return trained + (train + products) / MATRIX_RATE + (PASSES * steps * points * count + proof) / POINTWISE_RATE


def attempts_at_any_depth(settings: Settings) -> int:
    """`attempts`, and one more of `pgd` on the sum readout of two layers of relu."""
    network = settings.network
    wakes = network.depth == 2 and network.activation == "relu" and not in_pixels(settings)
    return attempts(settings) + (wakes and "pgd" in settings.attack.methods)


def _proof_operations(settings: Settings, count: int) -> float:
    """Passes of the method that proves radii, on networks of so many neurons a layer."""
    attack, groups = settings.attack, group_count(settings.network.labels, settings.data.k)
    readouts, between = (1 if groups == 2 else 2), (settings.network.depth - 2) * (settings.network.depth - 1) / 2
    if "exact" in attack.methods:
        return 200.0 * attack.test_points * count * groups
    bounded = readouts * count * (groups + 2 * count * between)  # functions of a layer, through every layer before it
    return CERTIFYING * attack.test_points * bounded if "certified" in attack.methods else 0.0


def _layers(settings: Settings) -> int:
    return settings.network.depth - 1


FAMILY = Family(
    name="mlp",
    chosen_by="network.kind: mlp",
    sources=("clusters", "images", "features", "orthogonal", "grid"),
    takes=frozenset({"network.init_scale", "attack.label_radius"}),
    choices={"training.precision": ("float32", "float64")},
    unfit=_unfit,
    notes={
        "network.kind": "any depth, activation and output on a first layer that is linear in the input; by default the"
        " network that `two_layer` is",
        "network.width": "neurons of a hidden layer for every output (`binary`: per sign); `auto` gives a hidden layer"
        " k neurons in all",
    },
    follow=_follow,
    impossible=_impossible,
    neurons=neurons_of,
    layers=_layers,
    seconds=_seconds,
)
