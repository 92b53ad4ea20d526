"""What sources share that draw every coordinate: how many numbers they may draw."""

from collections.abc import Iterator

from phaselab.domain.settings.faults import Fault, pointer

LITERAL_LIMIT = 2_000_000_000
"""Most numbers (n * d, or d times the directions of centres and noise) of a literal draw: 8 GB in float32."""


def too_large(numbers: int, remedy: str) -> Iterator[Fault]:
    """The fault of a literal draw of so many numbers, where they are too many."""
    if numbers > LITERAL_LIMIT:
        detail = f"a literal draw of {numbers:.3g} numbers is too large (at most {LITERAL_LIMIT:.0e})"
        yield Fault(pointer("data", "d"), f"{detail}; use {remedy}")
