"""Where the functions of measures are kept: by the names of their entries in domain/results/measures.py."""

from collections.abc import Callable

from torch import Tensor

from phaselab.workers.measures.layer import Layer
from phaselab.workers.measures.shown import Shown

Function = Callable[[Shown], Tensor]
OfLayer = Callable[[Layer], Tensor]

FUNCTIONS: dict[str, Function] = {}
"""Every measure that is no layer's: its function, [S] numbers."""
LAYERED: dict[str, OfLayer] = {}
"""Every measure that networks have for each hidden layer: its function of one, [S] numbers."""


def measure(function: Function) -> Function:
    """A function that computes the measure of its name."""
    FUNCTIONS[function.__name__] = function
    return function


def of_layer(function: OfLayer) -> OfLayer:
    """A function that computes the measure of its name for a layer."""
    LAYERED[function.__name__] = function
    return function
