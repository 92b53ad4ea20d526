"""The exact method by enumeration: every on/off pattern of the opposing neurons is one convex program.

A point is flipped when its own value is at most a . q for some pattern a inside one opposing group, so its radius is
the least of the programs' minima. Dual weights that prove a bound for one pattern prove one for all of them at the cost
of a matrix product; patterns whose bound is above a known flip are never solved.
"""

import torch
from torch import Tensor

from phaselab.workers.exact.active_set import solve
from phaselab.workers.exact.bracket import Bracket, pattern_programs, unknown
from phaselab.workers.exact.program import SLACK, on_mask
from phaselab.workers.exact.side import OneSide, apply_rows, attain, combine_rows

PRUNE = 1e-8  # a pattern whose bound comes this close (relative) to a known flip is not solved


def pattern_count(opposing_neurons: int, groups: int) -> int:
    """Number of patterns: all off, and every other choice inside one group."""
    return int(1 + groups * (2 ** (opposing_neurons // groups) - 1))


def all_patterns(like: Tensor, opposing_neurons: int, groups: int) -> Tensor:
    """[A, Q] of 0 and 1: the all-off pattern and every other choice inside one group."""
    width = opposing_neurons // groups
    choices = torch.arange(1, 2**width, device=like.device).unsqueeze(1) >> torch.arange(width, device=like.device)
    choices = (choices & 1).to(like)  # [2^h - 1, h]
    patterns = torch.kron(torch.eye(groups).to(choices), choices)  # [A - 1, Q]
    return torch.cat([patterns.new_zeros(1, opposing_neurons), patterns])


def enumerate_patterns(points: OneSide) -> Bracket:
    """Radii of B points that are not flipped at u = 0, by best-first search over all patterns."""
    patterns = all_patterns(points.own, points.opposing.shape[1], points.opposing_groups)  # [A, Q]
    lengths = torch.einsum("aq,sqd->sad", patterns, points.opposing_factor).square().sum(2)  # [S, A]
    heights = points.opposing @ patterns.T  # [B, A]
    bound = _bounds(points, patterns, lengths, heights, on_mask(points.own, points.own_groups))  # [B, A]
    found = unknown(points)
    solved = found.upper.clone()  # [B] least bound of the patterns that were solved
    rows = torch.arange(len(solved), device=solved.device)
    while len(rows):
        best, choice = bound.min(1)  # of the points still open
        solved_now = torch.minimum(solved[rows], best)
        found.lower[rows] = torch.minimum(solved_now, found.upper[rows])
        more = (best < found.upper[rows] * (1 - PRUNE)).nonzero().squeeze(1)
        if len(more) < len(rows):
            rows, bound, heights, choice = rows[more], bound[more], heights[more], choice[more]
            if len(rows) == 0:
                break
        here = points.take(rows)
        answer = solve(pattern_programs(here, patterns[choice]), found.upper[rows])
        solved[rows] = torch.minimum(solved[rows], answer.lower)
        found.improve(rows, *attain(here, answer.perturbation))
        bound = torch.maximum(bound, _bounds(here, patterns, lengths, heights, answer.weights))
        bound.scatter_(1, choice.unsqueeze(1), torch.inf)
    return found


def _bounds(points: OneSide, patterns: Tensor, lengths: Tensor, heights: Tensor, weights: Tensor) -> Tensor:
    """Lower bound [B, A] that the dual weights t [B, R] prove for every pattern."""
    own = combine_rows(points.own_factor, points.run, weights)  # [B, D]
    cross = apply_rows(points.opposing_factor, points.run, own) @ patterns.T  # [B, A]
    own_length = own.square().sum(1, keepdim=True)
    terms = own_length + lengths[points.run]
    squared = (terms - 2 * cross + SLACK * terms).clamp_min_(torch.finfo(cross.dtype).tiny)
    height = (weights * points.own).sum(1, keepdim=True) - heights
    size = points.own.abs().sum(1, keepdim=True) + points.opposing.abs().sum(1, keepdim=True)
    return (height - SLACK * size).clamp_min_(0) / squared.sqrt_()
