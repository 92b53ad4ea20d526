"""Regions of a grid: cells of equal phase that touch, and where to write on them."""

from collections.abc import Sequence

import numpy as np


def regions(phases: Sequence[Sequence[object]]) -> list[list[tuple[int, int]]]:
    """Cells (row, column) of equal phase that touch at an edge, together; cells without a phase are in none."""
    left = {(i, j) for i, line in enumerate(phases) for j, label in enumerate(line) if label is not None}
    found = []
    while left:
        start = min(left)
        left.remove(start)
        region, front = [start], [start]
        while front:
            i, j = front.pop()
            for near in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
                if near in left and phases[near[0]][near[1]] == phases[i][j]:
                    left.remove(near)
                    region.append(near)
                    front.append(near)
        found.append(region)
    return found


def middle(region: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The cell deepest inside a region: left over last when its rim is peeled off again and again; of several such
    cells the one nearest to the region's mean."""
    mean = np.mean(region, axis=0)
    left = set(region)
    while inner := {cell for cell in left if all(near in left for near in _around(cell))}:
        left = inner
    return min(sorted(left), key=lambda cell: float(np.hypot(*(np.array(cell) - mean))))


def _around(cell: tuple[int, int]) -> list[tuple[int, int]]:
    return [(cell[0] + i, cell[1] + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
