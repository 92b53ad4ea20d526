"""The dual active-set method of Goldfarb and Idnani on cuts that are made when they are needed.

It keeps, per program, a few active cuts with multipliers >= 0, and the point u nearest to 0 at which they hold with
equality. The cut that is violated most at u comes in; cuts whose multiplier falls to zero on the way leave. |u| never
falls, so the method ends, and the multipliers prove a lower bound at every stage (docs/methods/exact.md).
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from phaselab.workers.exact.program import Cuts, Programs, Solutions, certify, on_mask

VIOLATION = 1e-10  # relative to |u|: a cut violated by less counts as satisfied
PARALLEL = 1e-13  # squared sine below which a cut counts as a combination of the active ones
INFEASIBLE = 1e6  # a bound that rises by this factor in one step counts as infinite
SLOTS = 4  # places for active cuts that are added at a time
STEPS = 500  # most steps; what is left then keeps the lower bound it has reached


@dataclass(eq=False)
class ActiveSet:
    """Up to K active cuts per program, and the cut that is coming in; all of unit normal."""

    row: Tensor  # [B] long, which of the programs
    on: Tensor  # [B, K, R]
    normal: Tensor  # [B, K, D] zero in free slots
    height: Tensor  # [B, K]
    scale: Tensor  # [B, K]
    multiplier: Tensor  # [B, K]
    active: Tensor  # [B, K] bool
    u: Tensor  # [B, D]
    new_on: Tensor  # [B, R]
    new_normal: Tensor  # [B, D]
    new_height: Tensor  # [B]
    new_scale: Tensor  # [B]
    new_multiplier: Tensor  # [B]
    pending: Tensor  # [B] bool: the new cut does not hold yet
    infeasible: Tensor  # [B] bool: no u satisfies the program
    stuck: Tensor  # [B] bool: rounding hides whether one does

    def take(self, rows: Tensor) -> "ActiveSet":
        """The states `rows`."""
        return ActiveSet(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def lower(self) -> Tensor:
        """[B] the dual bound of the present multipliers, a length."""
        height = (self.multiplier * self.height).sum(1) + self.new_multiplier * self.new_height
        bound: Tensor = height / self.u.norm(dim=1).clamp_min(torch.finfo(self.u.dtype).tiny)
        return bound

    def weights(self) -> Tensor:
        """[B, R] the dual weights t of the present multipliers: a convex combination of the cuts' masks."""
        total = (self.multiplier * self.scale).sum(1) + self.new_multiplier * self.new_scale
        mixed = (self.on.mT @ self.multiplier.unsqueeze(2)).squeeze(2) + self.new_multiplier.unsqueeze(1) * self.new_on
        return (mixed / total.unsqueeze(1)).clamp(0, 1)


def solve(programs: Programs, cutoff: Tensor) -> Solutions:
    """Solve the programs; one whose lower bound reaches `cutoff` [B] is left where it stands."""
    first = on_mask(programs.own, programs.groups)  # [B, R]
    cuts = programs.cuts(first)
    lower = cuts.height.clamp_min(0)
    u = -lower.unsqueeze(1) * cuts.normal
    solutions = Solutions(lower, u, first)
    excess = programs.excess(programs.preactivations(u), u) * cuts.scale
    done = (excess <= VIOLATION * lower) | (lower == 0) | (lower >= cutoff) | cuts.flat
    left = (~done).nonzero().squeeze(1)
    if len(left):
        _run(programs.take(left), _start(left, cuts, u), cutoff[left], solutions)
    infeasible = solutions.lower.isinf() | cuts.contradicts
    proven = certify(programs, solutions.weights)
    solutions.lower = torch.where(infeasible, torch.inf, proven)
    return solutions


def _start(row: Tensor, cuts: Cuts, u: Tensor) -> ActiveSet:
    """The state after the first cut came in with a full step."""

    def slots(first: Tensor) -> Tensor:
        return _widen(first[row].unsqueeze(1), SLOTS - 1)

    height = cuts.height[row]
    return ActiveSet(
        row=row,
        on=slots(cuts.on),
        normal=slots(cuts.normal),
        height=slots(cuts.height),
        scale=slots(cuts.scale),
        multiplier=slots(cuts.height),
        active=slots(torch.ones_like(cuts.flat)),
        u=u[row],
        new_on=torch.zeros_like(cuts.on[row]),
        new_normal=torch.zeros_like(u[row]),
        new_height=torch.zeros_like(height),
        new_scale=torch.zeros_like(height),
        new_multiplier=torch.zeros_like(height),
        pending=torch.zeros_like(row, dtype=torch.bool),
        infeasible=torch.zeros_like(row, dtype=torch.bool),
        stuck=torch.zeros_like(row, dtype=torch.bool),
    )


def _widen(slots: Tensor, more: int) -> Tensor:
    """`more` empty slots after those of [B, K, ...]."""
    return torch.cat([slots, slots.new_zeros(len(slots), more, *slots.shape[2:])], dim=1)


def _run(programs: Programs, state: ActiveSet, cutoff: Tensor, solutions: Solutions) -> None:
    """Step until every program is solved, infeasible, past its cutoff or out of steps; writes into `solutions`."""
    for step in range(STEPS):
        satisfied = _next_cut(programs, state)
        done = satisfied | state.infeasible | state.stuck | (state.lower() >= cutoff) | (step == STEPS - 1)
        _store(state, done, solutions)
        keep = (~done).nonzero().squeeze(1)
        if len(keep) == 0:
            return
        if len(keep) < len(done):
            programs, state, cutoff = programs.take(keep), state.take(keep), cutoff[keep]
        _step(state)


def _store(state: ActiveSet, done: Tensor, solutions: Solutions) -> None:
    ended = state.take(done.nonzero().squeeze(1))
    solutions.perturbation[ended.row] = ended.u
    solutions.weights[ended.row] = ended.weights()
    solutions.lower[ended.row] = torch.where(ended.infeasible, torch.inf, solutions.lower[ended.row])


def _next_cut(programs: Programs, state: ActiveSet) -> Tensor:
    """Let the cut that is violated most come in where none is pending; [B] bool, true where none is violated."""
    own = programs.preactivations(state.u)  # [B, R]
    cuts = programs.cuts(on_mask(own, programs.groups))
    violation = cuts.height + (cuts.normal * state.u).sum(1)
    fresh = ~state.pending
    state.infeasible |= fresh & cuts.contradicts
    state.new_on = torch.where(fresh.unsqueeze(1), cuts.on, state.new_on)
    state.new_normal = torch.where(fresh.unsqueeze(1), cuts.normal, state.new_normal)
    state.new_height = torch.where(fresh, cuts.height, state.new_height)
    state.new_scale = torch.where(fresh, cuts.scale, state.new_scale)
    holds: Tensor = (violation <= VIOLATION * state.u.norm(dim=1)) | cuts.flat
    return fresh & holds


def _step(state: ActiveSet) -> None:
    """One full step, after which the new cut is active, or one partial step, which drops an active cut."""
    normal = state.normal  # [B, K, D], zero where no cut is active
    gram = normal @ normal.mT + torch.diag_embed((~state.active).to(normal))  # [B, K, K]
    factors, pivots, _ = torch.linalg.lu_factor_ex(gram)
    share, across = state.new_normal.new_zeros(state.multiplier.shape), state.new_normal
    for _ in range(2):  # the second pass removes what rounding left of the first
        more = torch.linalg.lu_solve(factors, pivots, normal @ across.unsqueeze(2)).squeeze(2)  # [B, K]
        share, across = share + more, across - (normal.mT @ more.unsqueeze(2)).squeeze(2)
    violation = state.new_height + (state.new_normal * state.u).sum(1)
    steepness = across.square().sum(1)  # squared sine between the new cut and the active ones
    full = torch.where(steepness > PARALLEL, violation / steepness, torch.inf)
    falls = state.active & (share > 1e-12)
    room = torch.where(falls, state.multiplier / share.clamp_min(1e-300), torch.inf)  # [B, K]
    partial, leaving = room.min(1)
    length = torch.minimum(full, partial).clamp_min(0)
    proven = violation / steepness.clamp_min(1e-30).sqrt()  # by the new cut and those that it is combined of
    dead_end = ~length.isfinite()
    state.infeasible |= dead_end & (proven > INFEASIBLE * state.u.norm(dim=1))
    state.stuck = dead_end & ~state.infeasible
    length = torch.where(dead_end, 0.0, length)
    state.multiplier = torch.where(state.active, (state.multiplier - length.unsqueeze(1) * share).clamp_min(0), 0.0)
    state.new_multiplier = state.new_multiplier + length
    state.pending = partial < full
    _drop(state, leaving)
    _enter(state)
    pull = (state.normal.mT @ state.multiplier.unsqueeze(2)).squeeze(2)  # [B, D]
    state.u = -pull - state.new_multiplier.unsqueeze(1) * state.new_normal


def _drop(state: ActiveSet, leaving: Tensor) -> None:
    """The cut in slot `leaving` [B] leaves where the new cut is still pending."""
    rows = state.pending.nonzero().squeeze(1)
    place = (rows, leaving[rows])
    state.active[place], state.multiplier[place], state.normal[place] = False, 0.0, 0.0


def _enter(state: ActiveSet) -> None:
    """The new cut takes a free slot where it holds now."""
    enters = ~state.pending & ~state.infeasible & ~state.stuck
    if bool((state.active.all(1) & enters).any()):
        for name in ("on", "normal", "height", "scale", "multiplier", "active"):
            setattr(state, name, _widen(getattr(state, name), SLOTS))
    rows = enters.nonzero().squeeze(1)
    place = (rows, (~state.active).byte().argmax(1)[rows])
    state.on[place], state.normal[place] = state.new_on[rows], state.new_normal[rows]
    state.height[place], state.scale[place] = state.new_height[rows], state.new_scale[rows]
    state.multiplier[place], state.active[place] = state.new_multiplier[rows], True
    state.new_multiplier = torch.where(enters, 0.0, state.new_multiplier)
