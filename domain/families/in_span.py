"""What families share whose first layer is linear in the input: it can be trained in the span of the data."""

from collections.abc import Iterator

from phaselab.domain.families.adversarial import is_adversarial
from phaselab.domain.families.on_features import in_pixels
from phaselab.domain.families.on_images import image_set
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.settings import Settings

BY_AUTOGRAD = ("adam", "nesterov")
"""Optimizers for which `auto` takes autograd. The gram engine has no form of Adam. It has one of Nesterov's, but
run keys of `auto` stand for what they always stood for."""

PASSES = 320.0
"""Operations of a matrix product in the time that the passes of a training step take over one pre-activation: they are
most of it where networks are wide and points have few coordinates (2.5e8 pre-activations a second were measured)."""
MOST_NEURONS = 20_000
"""Most neurons of a hidden layer that can be attacked."""


def neurons_of(settings: Settings) -> int:
    """Neurons of every hidden layer, of canonical settings. Raises ValueError for others."""
    width = settings.network.width
    if not isinstance(width, int):
        raise ValueError("neurons needs canonical settings")
    return group_count(settings.network.labels, settings.data.k) * width


def engine_of(settings: Settings) -> str:
    """The engine: the fast one where it holds and is fast."""
    data, training = settings.data, settings.training
    if training.engine != "auto":
        return training.engine
    # a mini-batch step in the span of many images costs what all of them cost
    many = image_set(data) is not None and data.n > 2 * data.d
    slow = training.optimizer in BY_AUTOGRAD or (many and training.batch_size) or _leaves_the_span(settings)
    return "autograd" if slow else "gram"


def _leaves_the_span(settings: Settings) -> bool:
    """Whether training moves points where no combination of points and weights is: to the walls of a box."""
    return is_adversarial(settings) and in_pixels(settings)


def impossible_engine(settings: Settings) -> Iterator[Fault]:
    """The fault of an engine that does not hold for how the network is trained."""
    training = settings.training
    if training.engine == "gram" and _leaves_the_span(settings):
        detail = "the gram engine does not hold for adversarial training on images, whose pixels keep to a box; use"
        yield Fault(pointer("training", "engine"), f"{detail} engine: autograd, or adversarial_radius: 0")
    if training.engine == "gram" and training.optimizer == "adam":
        detail = "the gram engine does not hold for adam; use engine: autograd, or optimizer: gd, momentum or nesterov"
        yield Fault(pointer("training", "engine"), detail)


def first_layer_operations(settings: Settings, neurons: int, columns: int) -> float:
    """Floating point operations of the matrix products that train so many neurons on points of so many coordinates,
    and of what else a step does to every neuron at every point, in the time that it takes."""
    data, training = settings.data, settings.training
    batch = training.batch_size or data.n
    if training.engine == "gram" and data.n <= 2 * columns:
        return 2.0 * data.n**2 * columns + (2.0 * data.n + PASSES) * batch * neurons * training.steps
    return (4.0 * columns + PASSES) * batch * neurons * training.steps  # two products with the data a step


def attempts(settings: Settings) -> int:
    """Attempts to break a point at every radius from every start. `pgd` makes two on each readout; where there are two
    label groups, the readouts are one, and `pgd_native` is one of the two, or on pixels both."""
    pgd, native = ("pgd" in settings.attack.methods, "pgd_native" in settings.attack.methods)
    if group_count(settings.network.labels, settings.data.k) == 2:
        return 2 if pgd or (native and in_pixels(settings)) else int(native)
    return 4 * pgd + native
