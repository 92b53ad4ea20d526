"""The exact method by enumeration: every on/off pattern of the opposing neurons is one convex program.

A point is flipped when its own value is at most a . q for some pattern a inside one opposing group (1 for on, 0 or the
leak for off), so its radius is the least of the programs' minima. Dual weights that prove a bound for one pattern prove
one for all of them at the cost of a matrix product; patterns whose bound is above a known flip are never solved.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.workers.exact.active_set import solve
from phaselab.workers.exact.bracket import Bracket, unknown
from phaselab.workers.exact.flips import attain
from phaselab.workers.exact.program import Programs, on_mask
from phaselab.workers.exact.side import OneSide, apply_rows, combine_lengths, combine_rows

PRUNE = 1e-8  # a pattern whose bound comes this close (relative) to a known flip is not solved
TOGETHER = 64  # patterns that are solved together at least, several a point where few points are open
FAR = 1e12  # times the farthest distance to a neuron's own hyperplane: no flip is looked for beyond
DIFFERENCE = 8  # roundings of squared lengths that a difference of squares may lose


def pattern_count(opposing_neurons: int, groups: int, leak: float = 0.0) -> int:
    """Number of patterns: every choice inside one group. Without a leak all off is the same for all groups; a leak of 1
    leaves nothing to choose."""
    choices = 2 ** (opposing_neurons // groups)
    if leak:
        return int(groups if leak == 1 else groups * choices)
    return int(1 + groups * (choices - 1))


def all_patterns(like: Tensor, opposing_neurons: int, groups: int, leak: float = 0.0) -> Tensor:
    """[A, Q] of 1 and `leak` inside one group, 0 outside; those of `pattern_count`."""
    width = opposing_neurons // groups
    if leak == 1:
        return torch.eye(groups).to(like).repeat_interleave(width, dim=1)
    choices = torch.arange(2**width, device=like.device).unsqueeze(1) >> torch.arange(width, device=like.device)
    choices = (choices & 1).to(like)  # [2^h, h]
    if leak:
        return torch.kron(torch.eye(groups).to(choices), choices.clamp_min(leak))
    patterns = torch.kron(torch.eye(groups).to(choices), choices[1:])  # [A - 1, Q]
    return torch.cat([patterns.new_zeros(1, opposing_neurons), patterns])


def enumerate_patterns(points: OneSide, known: Tensor) -> Bracket:
    """Radii of B points that are not flipped at u = 0, by best-first search over all patterns; only up to the lengths
    of flips that are `known` [B], infinite where none is."""
    patterns = _Patterns.of(points)
    heights = points.opposing @ patterns.on.T  # [B, A]
    bound = patterns.bounds(points, heights, on_mask(points.own, points.own_groups, points.leak))  # [B, A]
    found = unknown(points.own, points.own_factor.shape[2])
    solved, found.upper = found.upper, known.clone()  # [B] least bound of the patterns that were solved
    rows = torch.arange(len(solved), device=solved.device)
    while len(rows):
        few = min(bound.shape[1], max(1, TOGETHER // len(rows)))
        best, choice = _least(bound, few)  # [B, few] of the points still open
        solved_now = torch.minimum(solved[rows], best[:, 0])
        found.lower[rows] = torch.minimum(solved_now, found.upper[rows])
        more = _unsolved(points, found, rows, best[:, 0])
        if len(more) < len(rows):
            rows, bound, heights, best, choice = rows[more], bound[more], heights[more], best[more], choice[more]
            if len(rows) == 0:
                break
        each = rows.repeat_interleave(few) if few > 1 else rows  # [B * few]
        here = points.take(each)
        chosen = patterns.on[choice.flatten()]  # [B * few, Q]
        answer = solve(Programs.of(here, chosen), found.upper[each])
        solved[rows] = torch.minimum(solved[rows], torch.maximum(answer.lower.view(-1, few), best).amin(1))
        (found.offer if few > 1 else found.improve)(each, *attain(here, answer.perturbation, chosen))
        proved = patterns.bounds(here, heights.repeat_interleave(few, 0) if few > 1 else heights, answer.weights)
        bound = torch.maximum(bound, proved.view(-1, few, proved.shape[1]).amax(1))
        bound.scatter_(1, choice, torch.inf)
    return found


def _least(bound: Tensor, few: int) -> tuple[Tensor, Tensor]:
    """(the `few` least bounds [B, few] of [B, A], their patterns), each point's least first."""
    if few == 1:
        best, choice = bound.min(1, keepdim=True)
    else:
        best, choice = bound.topk(few, largest=False)
    return best, choice


def _unsolved(points: OneSide, found: Bracket, rows: Tensor, best: Tensor) -> Tensor:
    """The places in `rows` whose `best` [len(rows)] bound is neither close to the flip known nor far beyond all."""
    unsolved = best < found.upper[rows] * (1 - PRUNE)
    far = (unsolved & (best >= FAR)).nonzero().squeeze(1)  # the farthest distance is at least 1
    if len(far):
        unsolved[far] = best[far] < FAR * points.take(rows[far]).farthest(0.0)
    return unsolved.nonzero().squeeze(1)


@dataclass(frozen=True, eq=False)
class _Patterns:
    """All patterns, and what their bounds need of them."""

    on: Tensor  # [A, Q]
    squares: Tensor  # [S, A] of |L_q^T a|, rounded up

    @classmethod
    def of(cls, points: OneSide) -> "_Patterns":
        """The patterns of the points' opposing neurons."""
        on = all_patterns(points.own, points.opposing.shape[1], points.opposing_groups, points.leak)
        squares = torch.einsum("aq,sqd->sad", on, points.opposing_factor).square().sum(2)
        squares += DIFFERENCE * points.rounding * (points.opposing_length @ on.T).square()
        return cls(on, squares)

    def bounds(self, points: OneSide, heights: Tensor, weights: Tensor) -> Tensor:
        """Lower bound [B, A] that the dual weights t [B, R] prove for every pattern, of `heights` [B, A] a . q."""
        own = combine_rows(points.own_factor, points.run, weights)  # [B, D]
        terms = combine_lengths(points.own_length, points.run, weights)  # [B]
        squares = own.square().sum(1) + DIFFERENCE * points.rounding * terms.square()
        cross = 2 * apply_rows(points.opposing_factor, points.run, own)  # [B, Q]
        squared = (squares.unsqueeze(1) + self.squares[points.run]).sub_(cross @ self.on.T)  # of the normal
        size = (weights * points.own.abs()).sum(1) + points.opposing.abs().sum(1)
        height = (weights * points.own).sum(1) - points.rounding * size
        bound = (height.unsqueeze(1) - heights).div_(squared.sqrt_()).clamp_min_(0)
        return bound.nan_to_num_(nan=0.0, posinf=torch.inf) if bool((terms == 0).any()) else bound
