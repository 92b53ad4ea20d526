"""The exact method by branch and bound, where the opposing neurons are too many to enumerate their patterns.

A node is a part of the ball around a point: every opposing pre-activation q lies in [low, high] there. Where the sign
of q is not known yet, relu(q) lies under the chord from (low, 0) to (high, high), max(q, leak q) under that from (low,
leak low); with chords for them the flips of a node satisfy a convex program, whose minimum bounds them from below. Its
dual weights give more: all flips of the node that are shorter than the best one known lie in a cap of the ball, which
narrows every [low, high] in closed form (docs/methods/exact.md). What then still has a gap is cut in two by the sign of
one q.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from phaselab.workers.exact.active_set import solve
from phaselab.workers.exact.bracket import Bracket, descend, unknown
from phaselab.workers.exact.flips import attain
from phaselab.workers.exact.parabola import Parabolas, parabolas
from phaselab.workers.exact.program import Halfspaces, Programs, on_mask, slopes
from phaselab.workers.exact.rounding import SHORTEST
from phaselab.workers.exact.side import OneSide, apply_rows, leaky

PRUNE = 1e-8  # relative distance to the best flip at which a node is closed
PROGRESS = 0.8  # a node whose open intervals shrank to this part of their width is solved again before it is cut
TANGENTS = 2  # patterns gone through to find a node's local minimiser
PATIENCE = 2  # nodes per group after which shorter flips of a point that is still open are looked for
WANDERINGS = 20  # descents from around the shortest flip that is known
AWAY = (0.05, 0.1, 0.2, 0.4, 0.8)  # how far around, in its lengths
BATCH = 4096  # most nodes that are solved together
ENTRIES = 4_000_000  # most numbers in the square matrices of those nodes
SLIGHT = 1e-3  # rows shorter than this part of the longest do not count for how far that is
UNBOUNDED = 1e3  # where no flip is known, search this many times the farthest distance to a neuron's own hyperplane


@dataclass(eq=False)
class Nodes:
    """F nodes; an opposing neuron is on where low >= 0, else off where high <= 0, else open."""

    point: Tensor  # [F] long
    group: Tensor  # [F] long, the opposing group that counts
    bound: Tensor  # [F] certified: no flip of the node is shorter
    low: Tensor  # [F, Q]
    high: Tensor  # [F, Q]

    def take(self, rows: Tensor) -> "Nodes":
        """The nodes `rows`."""
        return Nodes(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def join(parts: list[Nodes]) -> Nodes:
    """All nodes of the parts."""
    return Nodes(**{field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Nodes)})


def branch_and_bound(points: OneSide, budget: int, known: Tensor) -> Bracket:
    """Brackets of the radii of B points that are not flipped at u = 0, with at most `budget` nodes a point; only up to
    the lengths of flips that are `known` [B], infinite where none is."""
    found = _first_flips(points, known)
    reach = _search_radius(points, found)  # [B]
    found.lower = reach.clone()  # falls to the least bound of a node that is closed
    nodes, spent = _roots(points, reach), torch.zeros_like(points.run)
    wandered, most = spent < 0, max(1, min(BATCH, ENTRIES // points.opposing.shape[1] ** 2))
    while len(nodes.point):
        reach = torch.minimum(reach, found.upper * (1 - PRUNE))
        over = (nodes.bound >= reach[nodes.point]) | (spent[nodes.point] >= budget)
        _close(found, nodes.take(over.nonzero().squeeze(1)))
        nodes = nodes.take((~over).nonzero().squeeze(1))
        order = torch.argsort(nodes.bound / reach[nodes.point])
        now, nodes = nodes.take(order[:most]), nodes.take(order[most:])
        spent += torch.bincount(now.point, minlength=len(spent))
        nodes = join([nodes, *_expand(points, found, now, reach)])
        hard = torch.zeros_like(wandered).index_fill_(0, nodes.point, True) & (
            spent > PATIENCE * points.opposing_groups
        )
        _wander(points, found, (hard & ~wandered).nonzero().squeeze(1))
        wandered |= hard
    found.lower = torch.minimum(found.lower, torch.minimum(reach, found.upper * (1 - PRUNE)))
    return found


def _first_flips(points: OneSide, known: Tensor) -> Bracket:
    """Descend from the pattern at u = 0, from all off, and from each opposing group all on."""
    found = unknown(points.own, points.own_factor.shape[2])
    found.upper = known.clone()
    rows = torch.arange(len(points.run), device=points.run.device)
    members = _members(points)  # [G, Q]
    off = points.leak * members if points.leak else torch.zeros_like(members[:1])
    here = on_mask(points.opposing, points.opposing_groups, points.leak)
    for pattern in torch.cat([off, members]):
        descend(points, found, rows, pattern.expand_as(points.opposing))
    descend(points, found, rows, here)
    return found


def _wander(points: OneSide, found: Bracket, rows: Tensor) -> None:
    """Descend from around the shortest flips known of points `rows`, the same way whatever they are solved with."""
    random = torch.Generator().manual_seed(0)
    rows = rows[found.upper[rows].isfinite()]
    for turn in range(WANDERINGS if len(rows) else 0):
        here, u = points.take(rows), found.perturbation[rows]
        direction = torch.randn(u.shape[1], generator=random, dtype=u.dtype).to(u.device)
        away = AWAY[turn % len(AWAY)] * found.upper[rows].unsqueeze(1) * direction / direction.norm()
        there = here.opposing + apply_rows(here.opposing_factor, here.run, u + away)
        descend(points, found, rows, on_mask(there, points.opposing_groups, points.leak))


def _members(points: OneSide) -> Tensor:
    """[G, Q] 1 where the opposing neuron is of the group."""
    width = points.opposing.shape[1] // points.opposing_groups
    return torch.eye(points.opposing_groups).to(points.own).repeat_interleave(width, dim=1)


def _search_radius(points: OneSide, found: Bracket) -> Tensor:
    """[B] how far flips are searched for: just short of the one known, else far."""
    return torch.where(found.upper.isinf(), UNBOUNDED * points.farthest(SLIGHT), found.upper * (1 - PRUNE))


def _roots(points: OneSide, reach: Tensor) -> Nodes:
    """One node per point and opposing group: the whole ball of radius `reach` [B]."""
    count, groups = len(reach), points.opposing_groups
    point = torch.arange(count, device=reach.device).repeat_interleave(groups)
    spread = reach.unsqueeze(1) * points.opposing_length[points.run]
    spread = spread + points.rounding * (spread + points.opposing.abs())
    return Nodes(
        point=point,
        group=torch.arange(groups, device=reach.device).repeat(count),
        bound=torch.zeros_like(reach)[point],
        low=(points.opposing - spread)[point],
        high=(points.opposing + spread)[point],
    )


def _close(found: Bracket, nodes: Nodes) -> None:
    """Nothing more is done for these nodes: their bounds are what is known."""
    found.lower.scatter_reduce_(0, nodes.point, nodes.bound, "amin")


def _expand(points: OneSide, found: Bracket, nodes: Nodes, reach: Tensor) -> list[Nodes]:
    """Solve the relaxations; the nodes that take the place of those that could not be closed."""
    here, radius = points.take(nodes.point), reach[nodes.point]
    members = _members(points)[nodes.group]  # [F, Q]
    slope, lift = _chords(nodes, members, here)
    answer = solve(Programs.of(here, slope, lift), radius)
    nodes.bound = torch.maximum(nodes.bound, torch.minimum(answer.lower, radius))
    opposing = here.opposing + apply_rows(here.opposing_factor, here.run, answer.perturbation)
    gap = torch.where(
        _is_open(nodes, members), slope * opposing + lift - leaky(opposing, here.leak), -torch.inf
    )  # [F, Q]
    pattern = torch.where(_is_open(nodes, members), slopes(opposing, here.leak), slope)
    found.offer(nodes.point, *attain(here, answer.perturbation, pattern))
    left = _left(found, nodes, radius, gap)
    here, nodes, members, radius, gap = here.take(left), nodes.take(left), members[left], radius[left], gap[left]
    gap = _tangent(here, found, nodes, pattern[left], gap, (slope[left], lift[left]), radius)
    proof = answer.proof.take(left)
    left = _left(found, nodes, radius, gap)
    here, nodes, members, radius, gap = here.take(left), nodes.take(left), members[left], radius[left], gap[left]
    return _split(here, nodes, members, gap, proof.take(left), radius)


def _left(found: Bracket, nodes: Nodes, radius: Tensor, gap: Tensor) -> Tensor:
    """Rows of the nodes that stay open; the others are closed: bound far enough out, or no gap left."""
    closed = (nodes.bound >= radius) | (gap.amax(1) == -torch.inf)
    _close(found, nodes.take(closed.nonzero().squeeze(1)))
    return (~closed).nonzero().squeeze(1)


def _tangent(
    here: OneSide,
    found: Bracket,
    nodes: Nodes,
    pattern: Tensor,
    gap: Tensor,
    linear: tuple[Tensor, Tensor],
    radius: Tensor,
) -> Tensor:
    """Raise the bounds by parabolas that touch at a local minimiser of the node; the lesser gaps [F, Q] there.

    The minimiser is looked for from `pattern` [F, Q], whose open neurons (finite `gap`) are switched to what they are
    at the minimiser.
    """
    is_open = gap > -torch.inf
    for _ in range(TANGENTS):
        answer = solve(Programs.of(here, pattern), torch.full_like(radius, torch.inf))
        u = torch.where(answer.perturbation.isfinite(), answer.perturbation, 0.0)
        found.offer(nodes.point, *attain(here, u, pattern))
        opposing = here.opposing + apply_rows(here.opposing_factor, here.run, u)
        pattern = torch.where(is_open, slopes(opposing, here.leak), pattern)
    slope, lift = linear
    chord_gap = torch.where(is_open, slope * opposing + lift - leaky(opposing, here.leak), -torch.inf)
    proved = parabolas(here, answer.weights, u, linear, is_open, radius)
    _tighten(nodes, proved, radius)
    proved = parabolas(here, answer.weights, u, linear, is_open & (proved.gap < chord_gap), radius)
    _tighten(nodes, proved, radius)
    return torch.minimum(chord_gap, proved.gap)


def _tighten(nodes: Nodes, proved: Parabolas, radius: Tensor) -> None:
    """Take what parabolas prove of the nodes."""
    nodes.bound = torch.maximum(nodes.bound, torch.minimum(proved.bound, radius))
    nodes.low = torch.maximum(nodes.low, proved.low)
    nodes.high = torch.minimum(nodes.high, proved.high)


def _split(here: OneSide, nodes: Nodes, members: Tensor, gap: Tensor, proof: Halfspaces, radius: Tensor) -> list[Nodes]:
    """Narrow the nodes to the halfspaces that hold their flips; cut in two those that it leaves wide."""
    before = _open_width(nodes, members)
    _narrow(here, nodes, _cap(proof.height - proof.slack * radius, -proof.normal, radius, here.rounding), radius)
    again = _open_width(nodes, members) <= PROGRESS * before
    cut = (~again).nonzero().squeeze(1)
    halves = _cut(here.take(cut), nodes.take(cut), gap[cut].argmax(1), radius[cut])
    return [nodes.take(again.nonzero().squeeze(1)), *halves]


def _chords(nodes: Nodes, members: Tensor, here: OneSide) -> tuple[Tensor, Tensor]:
    """(slope [F, Q], lift [F, Q]): relu(q) <= slope * q + lift in the node, 0 for groups that do not count; max(q, leak
    q) with a leak, of which relu(q) is the part 1 - leak and q the rest."""
    leak, rounding = here.leak, here.rounding
    chord = nodes.high / (nodes.high - nodes.low).clamp_min(torch.finfo(nodes.low.dtype).tiny)
    slope = members * torch.where(nodes.low >= 0, 1.0, torch.where(nodes.high <= 0, 0.0, chord))
    lift = rounding * nodes.high - slope * nodes.low
    if leak:
        slope, lift = members * leak + (1 - leak) * slope, (1 - leak) * lift - rounding * nodes.low
    return slope, torch.where(_is_open(nodes, members), lift, 0.0)


def _is_open(nodes: Nodes, members: Tensor) -> Tensor:
    """[F, Q] bool: the neuron counts and its sign is not known."""
    return (nodes.low < 0) & (nodes.high > 0) & (members > 0)


def _open_width(nodes: Nodes, members: Tensor) -> Tensor:
    """[F] sum of the widths of the open intervals that count."""
    return torch.where(_is_open(nodes, members), nodes.high - nodes.low, 0.0).sum(1)


def _cap(height: Tensor, direction: Tensor, radius: Tensor, rounding: float) -> tuple[Tensor, Tensor]:
    """(e [F, D] of length 1 or 0, b [F]) with e . u >= b wherever direction [F, D] . u >= height [F], |u| <= radius."""
    length = direction.norm(dim=1)
    known = length > SHORTEST
    length = torch.where(known, length, 1.0)
    distance = height / length
    distance = distance - 2 * rounding * (distance.abs() + radius)
    return torch.where(known, direction.T / length, 0.0).T, torch.where(known, distance, -radius).maximum(-radius)


def _narrow(here: OneSide, nodes: Nodes, cap: tuple[Tensor, Tensor], radius: Tensor) -> None:
    """Narrow the intervals to the cap |u| <= radius, e . u >= b; b may be negative."""
    direction, distance = cap
    length = here.opposing_length[here.run]  # [F, Q]
    along = apply_rows(here.opposing_factor, here.run, direction)  # [F, Q]
    across = (length.square() * (1 + 4 * here.rounding) - along.square()).clamp_min(0).sqrt()
    radius, distance = radius.unsqueeze(1), distance.unsqueeze(1)
    rim = across * ((radius - distance) * (radius + distance)).clamp_min(0).sqrt()
    whole = radius * length
    most = torch.where(radius * along >= distance * length, whole, along * distance + rim)
    least = torch.where(-radius * along >= distance * length, -whole, along * distance - rim)
    allowance = 4 * here.rounding * (here.opposing.abs() + whole)
    nodes.high = torch.minimum(nodes.high, here.opposing + most + allowance)
    nodes.low = torch.maximum(nodes.low, here.opposing + least - allowance)


def _cut(here: OneSide, nodes: Nodes, neuron: Tensor, radius: Tensor) -> list[Nodes]:
    """The halves of each node by the sign of the pre-activation of opposing `neuron` [F]; empty ones are left out."""
    chosen = neuron.unsqueeze(1)
    row = here.opposing_factor[here.run, neuron]  # [F, D]
    start = here.opposing.gather(1, chosen).squeeze(1)
    halves = []
    for sign in (1.0, -1.0):
        half = nodes.take(torch.arange(len(neuron), device=neuron.device))
        cap = _cap(-sign * start, sign * row, radius, here.rounding)
        _narrow(here, half, cap, radius)
        edge = half.low if sign > 0 else half.high
        edge.scatter_(1, chosen, 0.0)
        halves.append(half.take((cap[1] < radius).nonzero().squeeze(1)))
    return halves
