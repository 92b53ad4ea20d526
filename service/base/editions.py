"""Editions: nobody changes what somebody else has changed since it was seen."""

from collections.abc import Collection

from phaselab.service.base.errors import Outdated


def insist_seen(seen: Collection[int] | None, edition: int, what: str) -> None:
    """Raises Outdated for an edition that whoever asks has not seen; None: it is changed whatever it is."""
    if seen is not None and edition not in seen:
        raise Outdated(what, edition)
