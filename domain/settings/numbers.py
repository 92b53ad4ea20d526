"""Numbers as a person means them: one form each, whatever arithmetic left behind its digits."""

import math
import re

import numpy as np

DIGITS = 12
"""Significant digits that tell two numbers apart; what differs in later ones is rounding."""
LARGEST = 1e15
"""Largest size of a number in a spec; every parameter's own limits are far below."""
MAX_DIGITS = 18
"""Most digits of a whole number, which 64 bits hold."""
_WHOLE = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def read_number(text: str) -> int | float | None:
    """The number that a text is, in digits as JSON and YAML 1.2 have them (`010` is ten), or None for a text that is
    none. Raises ValueError for one too large."""
    if _WHOLE.fullmatch(text):
        return whole_number(text)
    return decimal_number(text) if _DECIMAL.fullmatch(text) else None


def whole_number(text: str, base: int = 10) -> int:
    """The whole number that digits, perhaps with a sign, stand for. Raises ValueError for one too large."""
    digits = text.lstrip("+-").lstrip("0")
    number = int(digits or "0", base) if len(digits) <= MAX_DIGITS else 10**MAX_DIGITS
    if number >= 10**MAX_DIGITS:
        raise ValueError(f"the number {text[:40]} is too large; whole numbers have at most {MAX_DIGITS} digits")
    return -number if text.startswith("-") else number


def decimal_number(text: str) -> float:
    """The number that a decimal stands for. Raises ValueError for what is none, and for one too large."""
    if not _DECIMAL.fullmatch(text):  # of which Python would read 1_0 and nan
        raise ValueError(f"{text[:40]!r} is no number")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def tidy(value: float) -> float:
    """The value to 12 significant digits, so that a grid's 1e-5 is the 1e-5 that one would type; and no zero has a
    sign."""
    return float(f"{value:.{DIGITS}g}") + 0.0


def linear_grid(start: float, stop: float, num: int) -> tuple[float, ...]:
    """`num` evenly spaced values from `start` to `stop`.

    Those between the ends are rounded to 12 digits of the step: what is left of a sum that would be 0 is 0.
    """
    values = np.linspace(start, stop, num).tolist()
    step = abs(stop - start) / max(num - 1, 1)
    if step > 0:
        places = DIGITS - 1 - math.floor(math.log10(step))
        values[1:-1] = [round(value, places) for value in values[1:-1]]
    return tuple(tidy(value) for value in values)


def log_grid(start: float, stop: float, num: int) -> tuple[float, ...]:
    """`num` values from `start` to `stop`, evenly spaced in logarithm; both ends are above 0."""
    return tuple(tidy(value) for value in np.geomspace(start, stop, num).tolist())
