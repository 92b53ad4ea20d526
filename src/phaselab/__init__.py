"""Phaselab: phase diagrams of feature averaging against feature learning.

`from phaselab import Client` is the way in. The folders of this package are links to those at the top of the repository.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phaselab.client import Client

__all__ = ["Client"]


def __getattr__(name: str) -> Any:
    """The client's names, loaded when they are asked for: workers and servers have no use for them."""
    if name == "Client":
        from phaselab.client import Client  # noqa: PLC0415 - see above

        return Client
    raise AttributeError(f"module 'phaselab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
