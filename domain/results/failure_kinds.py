"""Kinds of failures: few words for any number of reasons."""

import re
from enum import StrEnum


class FailureKind(StrEnum):
    """What runs fail of."""

    DIVERGED = "diverged"  # numbers that are not finite
    MEMORY = "memory"  # it does not fit, even alone
    WORKER = "worker"  # its worker died each time, or never gave it back
    DATA = "data"  # a file of a data set is missing, or wrong
    MISFIT = "misfit"  # stored by another version, and nothing that this one can compute
    UNSTORABLE = "unstorable"  # what was computed cannot be a result
    EXCEPTION = "exception"  # a fault of the computing code
    OTHER = "other"


_SIGNS = (
    (FailureKind.DIVERGED, r"diverged"),
    (FailureKind.MEMORY, r"^does not fit into the memory"),
    (FailureKind.WORKER, r"^the worker process died|^handed out \d+ times"),
    (FailureKind.DATA, r"phaselab data fetch|reinstall scikit-learn|^digits come with"),
    (FailureKind.MISFIT, r"^its (settings|spec), stored by another version"),
    (FailureKind.UNSTORABLE, r"^its result cannot be stored|^the (result|measure|profile) |^a curve |^no run takes"),
    (FailureKind.UNSTORABLE, r"^(curves|profiles) must be"),
    (FailureKind.EXCEPTION, r"^[A-Za-z_]\w*: |^[A-Z]\w*(Error|Exception)\b"),
)


def kind_of(reason: str | None) -> FailureKind:
    """The kind of a reason, by how it begins."""
    return next((kind for kind, sign in _SIGNS if re.search(sign, reason or "")), FailureKind.OTHER)
