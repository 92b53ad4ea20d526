"""The lattice of a refinement: two axes by the places of their values, cut into boxes that can be halved.

A box is [x0, x1, y0, y1], places on the axes, ends included: its corners are points, and boxes side by side share the
points of their common side.
"""

import math

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

COARSE_PARTS = 4
"""The parts that the coarse lattice cuts an axis into at least, where it has as many."""


def ticks(count: int, coarse: int) -> Whole:
    """The places on an axis of `count` values that belong to the coarse lattice: both ends, and evenly between, at most
    `coarse` steps apart."""
    parts = min(count - 1, max(COARSE_PARTS, math.ceil((count - 1) / coarse)))
    return np.rint(np.linspace(0, count - 1, parts + 1)).astype(np.int64)


def coarse_boxes(shape: tuple[int, int], coarse: int) -> Whole:
    """The boxes of the coarse lattice, [boxes, 4]."""
    x, y = ticks(shape[0], coarse), ticks(shape[1], coarse)
    x_low, y_low = np.meshgrid(x[:-1], y[:-1], indexing="ij")
    x_high, y_high = np.meshgrid(x[1:], y[1:], indexing="ij")
    return np.stack([one.ravel() for one in (x_low, x_high, y_low, y_high)], axis=1)


def halves(boxes: Whole) -> Whole:
    """What boxes [boxes, 4] become when each is halved along either axis on which it is longer than one step."""
    x0, x1, y0, y1 = boxes.T
    x_middle, y_middle = (x0 + x1) // 2, (y0 + y1) // 2
    parts = []
    for upper_x in (False, True):
        for upper_y in (False, True):
            # What is one step long has no middle: its lower half is all of it, and there is no upper one.
            x_ends = (x_middle, x1) if upper_x else (x0, np.where(x1 - x0 > 1, x_middle, x1))
            y_ends = (y_middle, y1) if upper_y else (y0, np.where(y1 - y0 > 1, y_middle, y1))
            there = ((x1 - x0 > 1) | (not upper_x)) & ((y1 - y0 > 1) | (not upper_y))
            parts.append(np.stack([*x_ends, *y_ends], axis=1)[there])
    return np.concatenate(parts)


def divisible(boxes: Whole) -> Flags:
    """Which boxes are longer than one step on some axis."""
    return areas(boxes) > 1


def areas(boxes: Whole) -> Whole:
    """Steps along x times steps along y of each box."""
    area: Whole = (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])
    return area


def corners(boxes: Whole) -> tuple[Whole, Whole]:
    """The places (x, y) of the corners of each box, [boxes, 4] each."""
    return boxes[:, [0, 0, 1, 1]], boxes[:, [2, 3, 2, 3]]


class Tally:
    """How many points of a lattice have something, in any box at once."""

    def __init__(self, flags: Flags) -> None:
        """flags [..., x, y]; several tallies at once where there are more axes."""
        padded = np.zeros((*flags.shape[:-2], flags.shape[-2] + 1, flags.shape[-1] + 1), dtype=np.int64)
        padded[..., 1:, 1:] = flags
        self._sums = padded.cumsum(axis=-2).cumsum(axis=-1)

    def within(self, boxes: Whole) -> Whole:
        """The number in each box, its sides included: [..., boxes]."""
        x0, x1, y0, y1 = boxes.T
        sums = self._sums
        found: Whole = sums[..., x1 + 1, y1 + 1] - sums[..., x0, y1 + 1] - sums[..., x1 + 1, y0] + sums[..., x0, y0]
        return found
