"""Which attacks runs get, and what they and the exact method say: one curve per method and readout."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

from torch import Tensor

from phaselab.domain.results.results import READOUTS, Decision, Readout
from phaselab.domain.settings.radii import in_data_units
from phaselab.domain.settings.settings import PROOFS, Method, RadiusRange, Settings
from phaselab.workers.attacks.landscape import Objective, Victim
from phaselab.workers.attacks.pgd import Broken, break_points
from phaselab.workers.base.checkpoint import Checkpoint
from phaselab.workers.base.progress import each, part
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.exact.exact import Bounds, RobustRadii

Value = TypeVar("Value")

TURNS: tuple[Method, ...] = ("pgd_native", "pgd", *PROOFS)
"""The order in which methods are computed."""

SINGLE = 1e-6
"""Relative error of lengths in single precision."""
Accuracies = Mapping[tuple[Method, Readout], Tensor]
"""[S, radii] per method and readout."""
ExactLabel = Callable[[], RobustRadii]
"""Bounds [S, N] of the exact robust radii of the decision between all label groups."""


class ExactMethod(Protocol):
    """Exact robust radii of S runs, or certified bounds of them; perturbations in the attacks' coordinates."""

    def __call__(self, readout: Readout) -> RobustRadii:
        """Bounds [S, N] by a readout."""

    def descend(self, readout: Readout, points: Tensor, start: Tensor) -> Tensor:
        """The shortest flips [S, D, N] found from perturbations `start` [S, D, N] of `points` [S, N]; zero where none
        is."""


@dataclass(frozen=True, eq=False)
class Attacked:
    """What became of the test points of S runs."""

    radii: Sequence[float]
    """The radii of attacks and curves in data units, ascending"""
    broken: Mapping[Readout, Broken]
    """What `pgd` did, per readout"""
    native: Broken | None
    """What `pgd_native` did, a verdict per readout that is a function of its own"""
    exact: Mapping[Readout, RobustRadii]
    """[S, N] bounds of the robust radii, per readout"""
    label: RobustRadii | None
    """[S, N] bounds of the robust radii of the decision between all label groups, with two groups those of `sum`; null
    where they were not asked for"""
    bounds: Mapping[Readout, Bounds] | None = None
    """[S, N] the same with what attacks found in them, where that was looked for"""
    proof: Method = "exact"
    """What the bounds are by"""

    @cached_property
    def accuracy(self) -> Accuracies:
        """The curve of every method; of one that proves radii the points that are proved right."""
        accuracy: dict[tuple[Method, Readout], Tensor] = {}
        if self.native is not None:
            curves = self.native.accuracy(len(self.radii))  # [V, S, radii]; one verdict where readouts are one function
            accuracy |= {("pgd_native", readout): curves[i % len(curves)] for i, readout in enumerate(READOUTS)}
        accuracy |= {("pgd", readout): one.accuracy(len(self.radii))[0] for readout, one in self.broken.items()}
        accuracy |= {(self.proof, readout): share_above(one.lower, self.radii) for readout, one in self.known.items()}
        return accuracy

    @cached_property
    def accuracy_upper(self) -> Accuracies:
        """Of the method that proves radii, the points that are not proved wrong. What an attack in single precision
        broke at a radius is as long as it but for rounding."""
        return {
            (self.proof, readout): share_above(one.upper * (1 - SINGLE), self.radii)
            for readout, one in self.known.items()
        }

    @property
    def known(self) -> Mapping[Readout, Bounds]:
        """What is known of the robust radii in the end."""
        return self.exact if self.bounds is None else self.bounds

    @property
    def decided(self) -> Mapping[Decision, Bounds]:
        """The same per decision."""
        found: dict[Decision, Bounds] = dict(self.known.items())
        if self.label is not None:
            found["label"] = found["sum"] if self.label is self.exact["sum"] else self.label
        return found


def radii_of(settings: Settings) -> tuple[float, ...]:
    """The radii of canonical settings in data units, ascending. Raises ValueError where they are still a range."""
    if isinstance(settings.attack.radii, RadiusRange):
        raise ValueError("the settings are not canonical: attack.radii is a range")
    return in_data_units(settings)


@dataclass(frozen=True, eq=False)
class Attacks:
    """The attacks that settings ask for, on one victim."""

    settings: Settings
    victim: Victim
    exact: ExactMethod | None
    """Null for a family that has none"""
    exact_label: ExactLabel | None = None
    """Null where there is none, or it is dear and nobody asked for it"""
    stop: Stop | None = None
    checkpoint: Callable[[int], Checkpoint] | None = None
    """Of the attack on the target of a number; null where attacks do not go on where they were broken off"""

    def all(self) -> Attacked:
        """Every method of the settings, on both readouts. Raises Stopped."""
        turns = [method for method in TURNS if method in self.settings.attack.methods]
        native, broken = self._by_descent(turns)
        check(self.stop)
        proof = next((method for method in PROOFS if method in turns), None)
        exact, label = self._exactly() if proof else ({}, None)
        return Attacked(radii_of(self.settings), broken, native, exact, label, proof=proof or "exact")

    def _by_descent(self, turns: Sequence[Method]) -> tuple[Broken | None, Mapping[Readout, Broken]]:
        """`pgd_native`, and `pgd` on both readouts. Where neither is asked for nothing is made ready for them."""
        native: Broken | None = None
        broken: Mapping[Readout, Broken] = {}
        if "pgd" in turns or "pgd_native" in turns:
            own = self.victim.own_loss()
            if "pgd_native" in turns:
                with part(turns.index("pgd_native"), len(turns)):
                    native = self.on(own)
            if "pgd" in turns:
                with part(turns.index("pgd"), len(turns)):
                    broken = self._for_all(lambda readout: self._on_readout(readout, own, native))
        return native, broken

    def on(self, objective: Objective) -> Broken:
        """The attack on an objective. Raises Stopped."""
        attack, target = self.settings.attack, objective.target
        return break_points(
            objective.ways,
            radii_of(self.settings),
            attack.steps,
            attack.restarts,
            self.victim.noise(target),
            self.stop,
            self.checkpoint(target) if self.checkpoint else None,
        )

    def _on_readout(self, readout: Readout, own: Objective, native: Broken | None) -> Broken:
        """`pgd` on a readout. Where the own loss moves with it, the ways of `native` are not gone again."""
        objective = self.victim.readout(readout)
        if native is None or own.target != objective.target:
            return self.on(objective)
        left = [way for way in objective.ways if way not in own.ways]
        return self.on(Objective(objective.target, left)).or_by(native) if left else native

    def _exactly(self) -> tuple[Mapping[Readout, RobustRadii], RobustRadii | None]:
        """The exact radii by every readout and of the label, which with two groups is decided as the class is."""
        if self.exact is None:
            return {}, None
        exact = self._for_all(self.exact)
        if len(self.victim.readouts) == 1:
            return exact, exact["sum"]
        return exact, None if self.exact_label is None else self.exact_label()

    def _for_all(self, compute: Callable[[Readout], Value]) -> dict[Readout, Value]:
        """A value per readout, computed once where the readouts are the same function."""
        readouts = self.victim.readouts
        distinct = dict(zip(readouts, each(readouts, compute), strict=True))
        return {readout: distinct.get(readout, distinct["sum"]) for readout in READOUTS}


def share_above(bounds: Tensor, radii: Sequence[float]) -> Tensor:
    """[S, radii]: share of points whose bound, of [S, N], is above each radius."""
    return (bounds.unsqueeze(-1) > bounds.new_tensor(radii)).double().mean(dim=1)
