"""The Python client and command line. Imports only `domain` of ours."""

from phaselab.client.client import Client
from phaselab.client.errors import (
    BadAnswer,
    Conflict,
    Invalid,
    NotFound,
    PhaselabError,
    Refused,
    ServerError,
    Unauthorized,
    Unreachable,
)
from phaselab.client.values import Counts, Diagram, Estimate, Experiment, RunningProgress

__all__ = [
    "BadAnswer",
    "Client",
    "Conflict",
    "Counts",
    "Diagram",
    "Estimate",
    "Experiment",
    "Invalid",
    "NotFound",
    "PhaselabError",
    "Refused",
    "RunningProgress",
    "ServerError",
    "Unauthorized",
    "Unreachable",
]
