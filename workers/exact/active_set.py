"""The dual active-set method of Goldfarb and Idnani on cuts that are made when they are needed.

It keeps, per program, a few active cuts with multipliers >= 0, and the point u nearest to 0 at which they hold with
equality. The cut that is violated most at u comes in; cuts whose multiplier falls to zero on the way leave. |u| never
falls, so the method ends. What it ends with is proved elsewhere: the multipliers become dual weights, which bound |u|
from below whatever they are, and u is tried as a flip (docs/methods/exact.md). So no tolerance here can make a bound
unsound, only loose.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from phaselab.workers.exact.program import Cuts, Programs, Solutions, dual_weights, on_mask

VIOLATION = 1e-10  # relative to |u|: a cut violated by less counts as satisfied
NOISE = 1e-15  # what rounding leaves of a sum, relative to its terms
PARALLEL = 1e-24  # squared sine below which a cut counts as a combination of the active ones
SLOTS = 4  # places for active cuts that are added at a time
PATIENCE = 25  # steps after which |u| must have grown; where rounding goes in circles it does not
STEPS = 500  # most steps; what is left then keeps what it has reached


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
    reached: Tensor  # [B] the largest |u| whenever it was looked at
    dead_end: Tensor  # [B] bool: the cuts contradict each other up to rounding, and the multipliers say so

    def take(self, rows: Tensor) -> "ActiveSet":
        """The states `rows`."""
        return ActiveSet(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def lower(self) -> Tensor:
        """[B] the dual bound of the present multipliers, a length."""
        height = (self.multiplier * self.height).sum(1) + self.new_multiplier * self.new_height
        bound: Tensor = height / self.u.norm(dim=1).clamp_min(torch.finfo(self.u.dtype).tiny)
        return bound

    def tolerance(self) -> Tensor:
        """[B] up to which a violated cut counts as satisfied; u is the sum of the normals times multipliers."""
        terms = self.multiplier.sum(1) + self.new_multiplier
        tolerance: Tensor = VIOLATION * self.u.norm(dim=1) + NOISE * terms
        return tolerance

    def weights(self) -> Tensor:
        """[B, R] the dual weights t of the present multipliers: a convex combination of the cuts' masks, but for
        rounding."""
        total = (self.multiplier * self.scale).sum(1) + self.new_multiplier * self.new_scale
        mixed = (self.on.mT @ self.multiplier.unsqueeze(2)).squeeze(2) + self.new_multiplier.unsqueeze(1) * self.new_on
        return mixed / total.unsqueeze(1)


def solve(programs: Programs, cutoff: Tensor) -> Solutions:
    """Solve the programs; one whose lower bound reaches `cutoff` [B] is left where it stands."""
    first = on_mask(programs.own, programs.groups, programs.leak)  # [B, R]
    cuts = programs.cuts(first)
    lower = cuts.height.clamp_min(0)
    u = -lower.unsqueeze(1) * cuts.normal
    found = _Found(u, first)
    excess = programs.excess(programs.preactivations(u), u) * cuts.scale
    done = (excess <= VIOLATION * lower) | (lower == 0) | (lower >= cutoff) | cuts.flat
    left = (~done).nonzero().squeeze(1)
    if len(left):
        _run(programs.take(left), _start(left, cuts, u), cutoff[left], found)
    weights = dual_weights(found.weights, programs.groups, programs.rounding, programs.leak)
    proof = programs.halfspaces(weights)
    return Solutions(proof.distance(programs.rounding), found.u, weights, proof)


@dataclass(frozen=True, eq=False)
class _Found:
    """What the programs end with, written while they run."""

    u: Tensor  # [B, D]
    weights: Tensor  # [B, R]


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
        reached=height.clone(),
        dead_end=torch.zeros_like(row, dtype=torch.bool),
    )


def _widen(slots: Tensor, more: int) -> Tensor:
    """`more` empty slots after those of [B, K, ...]."""
    return torch.cat([slots, slots.new_zeros(len(slots), more, *slots.shape[2:])], dim=1)


def _run(programs: Programs, state: ActiveSet, cutoff: Tensor, found: _Found) -> None:
    """Step until every program is solved, at a dead end, past its cutoff or out of steps; writes into `found`."""
    for step in range(STEPS):
        satisfied = _next_cut(programs, state)
        done = satisfied | state.dead_end | (state.lower() >= cutoff) | (step == STEPS - 1)
        if step % PATIENCE == PATIENCE - 1:
            done |= _stalls(state)
        _store(state, done, found)
        keep = (~done).nonzero().squeeze(1)
        if len(keep) == 0:
            return
        if len(keep) < len(done):
            programs, state, cutoff = programs.take(keep), state.take(keep), cutoff[keep]
        _step(state)


def _stalls(state: ActiveSet) -> Tensor:
    """[B] bool: whether |u| has not grown beyond what it was whenever this was asked."""
    length = state.u.norm(dim=1)
    stalls: Tensor = ~(length > state.reached * (1 + VIOLATION))
    state.reached = torch.maximum(state.reached, length)
    return stalls


def _store(state: ActiveSet, done: Tensor, found: _Found) -> None:
    ended = state.take(done.nonzero().squeeze(1))
    found.u[ended.row] = ended.u
    found.weights[ended.row] = ended.weights()


def _next_cut(programs: Programs, state: ActiveSet) -> Tensor:
    """Let the cut that is violated most come in where none is pending; [B] bool, true where none is violated."""
    own = programs.preactivations(state.u)  # [B, R]
    cuts = programs.cuts(on_mask(own, programs.groups, programs.leak))
    violation = cuts.height + (cuts.normal * state.u).sum(1)
    fresh = ~state.pending
    state.new_on = torch.where(fresh.unsqueeze(1), cuts.on, state.new_on)
    state.new_normal = torch.where(fresh.unsqueeze(1), cuts.normal, state.new_normal)
    state.new_height = torch.where(fresh, cuts.height, state.new_height)
    state.new_scale = torch.where(fresh, cuts.scale, state.new_scale)
    alone = fresh & cuts.contradicts  # this cut is a contradiction by itself
    _end_on(state, alone, torch.zeros_like(state.multiplier))
    holds: Tensor = (violation <= state.tolerance()) | cuts.flat
    return fresh & holds & ~alone


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
    violation = torch.where(violation > state.tolerance(), violation, 0.0)
    steepness = across.square().sum(1)  # squared sine between the new cut and the active ones
    full = torch.where(steepness > PARALLEL, violation / steepness, torch.inf)
    falls = state.active & (share > 1e-12)
    room = torch.where(falls, state.multiplier / share.clamp_min(1e-300), torch.inf)  # [B, K]
    partial, leaving = room.min(1)
    length = torch.minimum(full, partial).clamp_min(0)
    dead_end = ~length.isfinite()
    length = torch.where(dead_end, 0.0, length)
    moved = (state.multiplier - length.unsqueeze(1) * share).clamp_min(0)
    state.multiplier = torch.where(state.active & ~dead_end.unsqueeze(1), moved, state.multiplier)
    state.new_multiplier = state.new_multiplier + length
    state.pending = partial < full
    _drop(state, leaving)
    _end_on(state, dead_end, -share)
    _enter(state)
    pull = (state.normal.mT @ state.multiplier.unsqueeze(2)).squeeze(2)  # [B, D]
    state.u = -pull - state.new_multiplier.unsqueeze(1) * state.new_normal


def _end_on(state: ActiveSet, dead_end: Tensor, multiplier: Tensor) -> None:
    """The new cut and `multiplier` [B, K] times the active ones, >= 0 but for rounding, contradict each other.

    They become the multipliers where they prove more than the present ones do.
    """
    if not bool(dead_end.any()):
        return
    proof = torch.where(state.active, multiplier.clamp_min(0), 0.0)
    height = (proof * state.height).sum(1) + state.new_height
    normal = (state.normal.mT @ proof.unsqueeze(2)).squeeze(2) + state.new_normal
    better = dead_end & (height > state.lower() * (normal.norm(dim=1) + NOISE * (proof.sum(1) + 1)))
    state.multiplier = torch.where(better.unsqueeze(1), proof, state.multiplier)
    state.new_multiplier = torch.where(better, 1.0, state.new_multiplier)
    state.dead_end |= dead_end
    state.pending |= dead_end


def _drop(state: ActiveSet, leaving: Tensor) -> None:
    """The cut in slot `leaving` [B] leaves where the new cut is still pending."""
    rows = state.pending.nonzero().squeeze(1)
    place = (rows, leaving[rows])
    state.active[place], state.multiplier[place], state.normal[place] = False, 0.0, 0.0


def _enter(state: ActiveSet) -> None:
    """The new cut takes a free slot where it holds now."""
    enters = ~state.pending & ~state.dead_end
    if bool((state.active.all(1) & enters).any()):
        for name in ("on", "normal", "height", "scale", "multiplier", "active"):
            setattr(state, name, _widen(getattr(state, name), SLOTS))
    rows = enters.nonzero().squeeze(1)
    place = (rows, (~state.active).byte().argmax(1)[rows])
    state.on[place], state.normal[place] = state.new_on[rows], state.new_normal[rows]
    state.height[place], state.scale[place] = state.new_height[rows], state.new_scale[rows]
    state.multiplier[place], state.active[place] = state.new_multiplier[rows], True
    state.new_multiplier = torch.where(enters, 0.0, state.new_multiplier)
