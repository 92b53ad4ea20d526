"""Boundaries between phases, or whatever cells are, as polylines along the edges of cells."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

Corner = tuple[int, int]
"""(column, row) of a corner of the grid of cells."""


@dataclass(frozen=True)
class Boundary:
    """A polyline between two labels; `corners` are (column, row) indices into the axes' edges."""

    between: tuple[str, str]
    corners: tuple[Corner, ...]


def boundaries(phases: Sequence[Sequence[str | None]]) -> tuple[Boundary, ...]:
    """Every boundary of a matrix [y][x] of phases or other labels; cells without one bound nothing."""
    segments: dict[tuple[str, str], list[tuple[Corner, Corner]]] = defaultdict(list)
    for row, line in enumerate(phases):
        for column, here in enumerate(line):
            right = line[column + 1] if column + 1 < len(line) else None
            above = phases[row + 1][column] if row + 1 < len(phases) else None
            if here is not None and right is not None and here != right:
                segments[_pair(here, right)].append(((column + 1, row), (column + 1, row + 1)))
            if here is not None and above is not None and here != above:
                segments[_pair(here, above)].append(((column, row + 1), (column + 1, row + 1)))
    return tuple(Boundary(pair, corners) for pair in sorted(segments) for corners in _join(segments[pair]))


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def _join(segments: list[tuple[Corner, Corner]]) -> list[tuple[Corner, ...]]:
    """Segments joined end to end into as few lines as a walk from their loose ends finds."""
    links: dict[Corner, list[Corner]] = defaultdict(list)
    for start, end in segments:
        links[start].append(end)
        links[end].append(start)
    lines = []
    while links:
        loose = sorted(corner for corner, others in links.items() if len(others) % 2)
        here = loose[0] if loose else min(links)
        line = [here]
        while here in links:
            after = links[here][0]
            _unlink(links, here, after)
            _unlink(links, after, here)
            line.append(after)
            here = after
        lines.append(tuple(line))
    return lines


def _unlink(links: dict[Corner, list[Corner]], start: Corner, end: Corner) -> None:
    links[start].remove(end)
    if not links[start]:
        del links[start]
