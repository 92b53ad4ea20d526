"""The attacks DDN and FMN of adv-lib, an independent implementation of minimal-norm attacks.

`adv_lib.attacks` imports all attacks of the library, and some need torchvision, which this project does not have.
So the package is entered in `sys.modules` by its path alone, and the two modules are imported without it. The logger
that DDN's signature names needs visdom, which is not here either; a class of that name stands in for the annotation.
"""

import sys
import warnings
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import torch
from torch import Tensor, nn

ROOM = 5.0
"""Each coordinate may move by at least this much before it meets the box that the library wants."""


def _attack(name: str) -> ModuleType:
    spec = find_spec("adv_lib")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = ModuleType("adv_lib.attacks")
    package.__path__ = [f"{place}/attacks" for place in spec.submodule_search_locations]
    sys.modules.setdefault(package.__name__, package)
    logger = ModuleType("adv_lib.utils.visdom_logger")
    logger.VisdomLogger = object  # type: ignore[attr-defined]
    sys.modules.setdefault(logger.__name__, logger)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of distutils, which the library still imports
        return import_module(f"adv_lib.attacks.{name}")


class InBox(nn.Module):
    """A model whose inputs were mapped into [0, 1] by x -> (x - low) / span."""

    def __init__(self, model: nn.Module, low: float, span: float) -> None:
        super().__init__()
        self.model, self.low, self.span = model, low, span

    def forward(self, inputs: Tensor) -> Tensor:
        return self.model(inputs * self.span + self.low)


def minimal_norms(
    name: str, model: nn.Module, inputs: Tensor, labels: Tensor, steps: int, box: tuple[float, float] | None = None
) -> Tensor:
    """[N]: L2 norms of the least perturbations of inputs [N, d] that `ddn` or `fmn` finds; 0 for a wrong point,
    infinity where it finds none. With `box`, inputs stay in that interval; without, none is in their way.
    """
    low, high = box if box is not None else (float(inputs.min()) - ROOM, float(inputs.max()) + ROOM)
    span = high - low
    boxed, scaled = InBox(model, low, span), (inputs - low) / span
    if name == "ddn":
        attack = _attack("decoupled_direction_norm").ddn
        found = attack(boxed, scaled, labels, steps=steps, levels=None)
    else:
        attack = _attack("fast_minimum_norm").fmn
        found = attack(boxed, scaled, labels, norm=2, steps=steps)
    broken = boxed(found).argmax(dim=1) != labels
    return torch.where(broken, ((found - scaled) * span).norm(dim=1), torch.inf)
