"""The Python client and command line. Imports only `domain` of ours."""

from client.client import Client
from client.errors import (
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
from client.values import Counts, Diagram, Estimate, Experiment, RunningProgress

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
