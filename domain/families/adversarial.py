"""Adversarial training: what every family's does at each step, and what that costs."""

from phaselab.domain.families.rates import POINTWISE_RATE
from phaselab.domain.settings.settings import Settings

ATTACK_STEPS = 7
"""Steps of the attack on every batch, as in Madry et al. (arXiv 1706.06083)."""
LOOKS = ATTACK_STEPS + 1
"""Times that an attack looks at the loss and its gradient: before every step, and where the last one has led."""
PASSES = 25
"""Passes over memory that such a look and its step take beside the one that `POINTWISE_RATE` counts; with 10 neurons
and 1,000 points some of it is the time that starting small operations takes."""


def is_adversarial(settings: Settings) -> bool:
    """Whether training is adversarial."""
    return bool(settings.training.adversarial_radius)


def attack_operations(settings: Settings, neurons: int, columns: int) -> float:
    """Floating point operations of the matrix products that attack so many neurons of a first layer while they are
    trained, on points of so many coordinates."""
    data, training = settings.data, settings.training
    batch = training.batch_size or data.n
    if not is_adversarial(settings):
        return 0.0
    if training.engine == "gram":
        factor = 2.0 * columns * neurons * (data.n + neurons)  # of the weights, which are made for it
        return training.steps * (factor + 2.0 * neurons**2 * (2 * LOOKS * batch + data.n))
    return training.steps * LOOKS * 4.0 * batch * columns * neurons


def attack_seconds(settings: Settings, layers: int, neurons: int, columns: int) -> float:
    """Seconds of all else in those attacks, through so many layers of neurons; by autograd, which moves points in all
    their coordinates, on as many numbers as those are."""
    training = settings.training
    if not is_adversarial(settings):
        return 0.0
    numbers = (training.batch_size or settings.data.n) * neurons * layers
    if training.engine == "autograd":
        numbers += (training.batch_size or settings.data.n) * columns
    return training.steps * LOOKS * PASSES * numbers / POINTWISE_RATE
