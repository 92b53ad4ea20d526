"""Phaselab: phase diagrams of feature averaging against feature learning.

`from phaselab import Client` is the way in, `phaselab.errors` holds what it raises. The folders of this package are
links to those at the top of the repository.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phaselab.client import Client, errors

__all__ = ["Client", "errors"]


def __getattr__(name: str) -> Any:
    """The client's names, loaded when they are asked for: workers and servers have no use for them."""
    if name == "Client":
        return import_module("phaselab.client").Client
    if name == "errors":
        return import_module("phaselab.client.errors")
    raise AttributeError(f"module 'phaselab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
