"""How far along the averaged direction test points are right: the least t at which x - y t u is wrong, u being the sum
of the centres, each with the sign of its class, over its length.

Pre-activations move along straight lines, p - y t <w, u>. The outputs of two-layer ReLU networks are then piecewise
linear in t, and their first fall is found exactly; that of others is looked for on a grid, which gives an upper bound.
Derivation: docs/methods/measures.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.domain.results.results import Readout
from phaselab.workers.attacks.lines import first_fall
from phaselab.workers.networks.layout import GroupLayout

FARTHEST = 10.0
"""How far is looked, in norms of centres."""
GRID = 80
"""Places that are looked at, evenly up to the farthest, where the fall is not found exactly."""
HALVINGS = 12
"""Times that the distance between the last that holds and the first that does not is halved."""


def bounded_falls(read: Callable[[Tensor], Tensor], seen: Tensor, along: Tensor, side: Tensor, scale: Tensor) -> Tensor:
    """[S, N] float64: upper bounds, at which the readout [S, N] of pre-activations [S, M, N] was seen not to be right;
    infinite where none is found. From those of the points, by how much they move along u [S, M], sides [S, N], and the
    norms of centres [S]."""
    moves = (along * scale.unsqueeze(1)).unsqueeze(-1) * -side.double().unsqueeze(1)  # [S, M, N]

    def holds(distance: Tensor) -> Tensor:
        return read(torch.addcmul(seen, moves, distance.unsqueeze(1))) * side > 0

    found = first_fall(holds, side.double(), FARTHEST, GRID, HALVINGS) * scale.unsqueeze(1)
    return torch.where(along.isfinite().all(dim=1, keepdim=True), found, torch.nan)


def exact_falls(
    seen: Tensor, along: Tensor, layout: GroupLayout, side: Tensor, scale: Tensor, readout: Readout
) -> Tensor:
    """[S, N] float64: the least distance, infinite where there is none up to the farthest, for two-layer ReLU networks;
    from pre-activations [S, M, N], by how much they move along u [S, M], sides [S, N], and the norms of centres [S]."""
    runs, neurons, points = seen.shape
    start = seen.mT.reshape(-1, neurons)  # [P, M], P = S N
    facing = side.reshape(-1)  # [P]
    moves = -along.unsqueeze(1).expand(-1, points, -1).reshape(-1, neurons) * facing.unsqueeze(1)  # [P, M]
    group, sides = layout.group_of_neuron, layout.side_of_group
    if readout == "sum":  # both sides are one group each
        group, sides = (layout.side_of_neuron < 0).long(), torch.tensor([1, -1]).to(sides)
    own = sides == facing.unsqueeze(1)  # [P, g]
    limit = (FARTHEST * scale).unsqueeze(1).expand(-1, points).reshape(-1)  # [P]
    found = _Pieces(start, moves, group, own).first_fall(limit).view(runs, points)
    return torch.where(along.isfinite().all(dim=1, keepdim=True), found, torch.nan)


@dataclass
class _Pieces:
    """Functions f_i(t), the sum over the neurons r of group i of relu(p_r + t q_r), of P points, piece after piece."""

    start: Tensor
    """p [P, M]"""
    moves: Tensor
    """q [P, M]"""
    group: Tensor
    """[M] long"""
    own: Tensor
    """[P, g] bool: the groups of the point's own side"""

    def first_fall(self, limit: Tensor) -> Tensor:
        """[P]: the least t up to the limit [P] at which the largest own function is not above the largest other one."""
        turn = torch.where(self.moves != 0, -self.start / self.moves, -1.0)  # [P, M]
        turn = torch.where(turn > 0, turn, torch.inf)
        on = (self.start > 0) | ((self.start == 0) & (self.moves > 0))  # [P, M]
        member = torch.nn.functional.one_hot(self.group, self.own.shape[1]).to(self.start)  # [M, g]
        level, slope, active = ((one * on) @ member for one in (self.start, self.moves, torch.ones_like(self.start)))
        ends, order = turn.sort(dim=1)  # [P, M]
        found, now = torch.full_like(limit, torch.inf), torch.zeros_like(limit)
        for piece in range(ends.shape[1] + 1):
            end = ends[:, piece] if piece < ends.shape[1] else torch.full_like(limit, torch.inf)
            fall = _fall_of_lines(level, slope, self.own, now, torch.minimum(end, limit))
            found = torch.minimum(found, fall)  # the first one is the least
            if piece == ends.shape[1] or bool(((found < torch.inf) | (end >= limit)).all()):
                break
            self._turn(order[:, piece], end, level, slope, active)
            now = end
        return found

    def _turn(self, neuron: Tensor, end: Tensor, level: Tensor, slope: Tensor, active: Tensor) -> None:
        """Neurons [P] turn on or off, in place. Of points with none that does (end is infinite) nothing is asked."""
        move, value = (one.gather(1, neuron.unsqueeze(1)) for one in (self.moves, self.start))  # [P, 1]
        sign, group = move.sign() * end.isfinite().unsqueeze(1), self.group[neuron].unsqueeze(1)
        for total, part in ((level, value), (slope, move), (active, torch.ones_like(move))):
            total.scatter_add_(1, group, sign * part)
        nothing = active < 0.5  # a group without active neurons is exactly 0
        level.masked_fill_(nothing, 0.0)
        slope.masked_fill_(nothing, 0.0)


def _fall_of_lines(level: Tensor, slope: Tensor, own: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """[P]: the least t in start..end [P] at which the largest own line of level + t slope [P, g] is not above the
    largest other one; infinite where there is none.

    The largest own line at t stands for all own ones: they are never below it. Where the others first reach it, another
    own line may have passed it by then, and stands for them from there; its slope is larger, so that this ends.
    """
    now, found = start, torch.full_like(start, torch.inf)
    pending = start <= end
    for _ in range(own.shape[1]):
        leader = _largest(level + now.unsqueeze(1) * slope, slope, own)  # [P, 1]
        high, steep = level.gather(1, leader), slope.gather(1, leader)  # [P, 1]
        gap = (high - level) + now.unsqueeze(1) * (steep - slope)  # [P, g], how far the leader is above each
        closing = slope - steep
        meets = torch.where(closing > 0, gap / closing, torch.inf).where(gap > 0, 0.0)  # [P, g], from here
        meeting = now + meets.masked_fill(own, torch.inf).amin(dim=1)  # [P]
        at = meeting.where(meeting.isfinite(), now)
        again = _largest(level + at.unsqueeze(1) * slope, slope, own)
        passed = (again != leader).squeeze(1) & (_at(level, slope, again, at) > _at(level, slope, leader, at))
        pending &= meeting <= end
        found = torch.where(pending & ~passed, meeting, found)
        pending &= passed
        if not bool(pending.any()):
            break
        now = torch.where(pending, meeting, now)
    return found


def _largest(values: Tensor, slope: Tensor, own: Tensor) -> Tensor:
    """[P, 1] long: the own line of the largest value [P, g], of several the steepest."""
    mine = values.masked_fill(~own, -torch.inf)
    leads = mine == mine.amax(dim=1, keepdim=True)
    return slope.masked_fill(~leads, -torch.inf).argmax(dim=1, keepdim=True)


def _at(level: Tensor, slope: Tensor, line: Tensor, place: Tensor) -> Tensor:
    """[P]: the value of lines [P, 1] at places [P]."""
    return (level.gather(1, line) + place.unsqueeze(1) * slope.gather(1, line)).squeeze(1)
