"""The Python client and command line. Imports only `domain` of ours.

Its names are loaded when they are asked for, so that the command line answers at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phaselab.client.client import Client
    from phaselab.client.errors import (
        BadAnswer,
        ChangedSince,
        Conflict,
        Invalid,
        NotFound,
        PartMissing,
        PhaselabError,
        QuotaExceeded,
        Refused,
        ServerError,
        TooMany,
        Unauthorized,
        Unreachable,
    )
    from phaselab.client.values import Counts, Diagram, Estimate, Experiment, RunningProgress

__all__ = [
    "BadAnswer",
    "ChangedSince",
    "Client",
    "Conflict",
    "Counts",
    "Diagram",
    "Estimate",
    "Experiment",
    "Invalid",
    "NotFound",
    "PartMissing",
    "PhaselabError",
    "QuotaExceeded",
    "Refused",
    "RunningProgress",
    "ServerError",
    "TooMany",
    "Unauthorized",
    "Unreachable",
]


def __getattr__(name: str) -> Any:
    for module in ("errors", "values", "client") if name in __all__ else ():
        found = vars(import_module(f"phaselab.client.{module}")).get(name)
        if found is not None:
            return found
    raise AttributeError(f"module 'phaselab.client' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
