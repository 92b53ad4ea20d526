"""Who sees an experiment."""

from enum import StrEnum


class Visibility(StrEnum):
    """Who sees an experiment, beside its owner and admins, and whom its results serve."""

    EVERYONE = "everyone"  # everyone sees it
    RESULTS = "results"  # nobody else sees it; its results are everyone's, for whoever asks for the same runs
    OWNER = "owner"  # nobody else sees it, and its results are its owner's alone
