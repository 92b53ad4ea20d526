"""The attack: projected gradient descent over ascending radii, for many runs and points, on whatever landscape.

A point that broke at one radius is broken at all larger ones, so a curve never rises, and each radius only attacks what
is left that a bound does not declare safe.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.domain.results.states import Stage
from phaselab.workers.attacks.climb import climb, starts_of
from phaselab.workers.attacks.landscape import Chosen, Noise, Way, choose
from phaselab.workers.base.checkpoint import Checkpoint, State
from phaselab.workers.base.progress import tell
from phaselab.workers.base.stop import Stop


@dataclass(frozen=True, eq=False)
class Broken:
    """How an attack over ascending radii ended."""

    first: Tensor
    """[V, S, N] long: number of the first radius that broke the point; the count of radii where none did"""
    blind: Tensor
    """[S, N] bool: from some start, which did not break the point, no attempt ever had a gradient to follow"""
    witness: Tensor
    """[S, D, N]: the perturbation that broke the point at its first radius, by the last verdict that fell; zero where
    nothing broke it"""

    def or_by(self, other: "Broken") -> "Broken":
        """Broken by either of two attacks with one verdict, from the same starts."""
        earlier = other.first < self.first  # [1, S, N]
        witness = torch.where(earlier[0].unsqueeze(1), other.witness, self.witness)  # [S, D, N]
        return Broken(torch.minimum(self.first, other.first), self.blind & other.blind, witness)

    def accuracy(self, radii: int) -> Tensor:
        """[V, S, radii]: share of points not broken."""
        numbers = torch.arange(radii, device=self.first.device)
        return (self.first.unsqueeze(-1) > numbers).double().mean(dim=-2)


def break_points(
    ways: Sequence[Way],
    radii: Sequence[float],
    steps: int,
    restarts: int,
    noise: Noise,
    stop: Stop | None = None,
    checkpoint: Checkpoint | None = None,
) -> Broken:
    """Attack at ascending radii with `restarts` starts each: the first at the point, the others random in the ball.

    From every start an attempt along each of `ways`, of the points that still stand. Goes on from the checkpoint if
    there is one, with the same result as without a break. Raises Stopped.
    """
    breaking = Breaking(ways, radii, steps, noise, stop)
    after = breaking.resume(checkpoint) if checkpoint else (-1, 0)
    for number, radius in enumerate(radii):
        tell(Stage.ATTACK, number, len(radii))
        for restart in range(restarts if radius > 0 else 0):
            if (number, restart) <= after:
                continue
            batches = breaking.batches(radius)
            for i, batch in enumerate(batches):
                tell(Stage.ATTACK, number + (restart + i / len(batches)) / restarts, len(radii))
                breaking.start(batch, number, restart)
            if checkpoint is not None and checkpoint.due:
                checkpoint.save(breaking.state(number, restart))
    return Broken(breaking.first, breaking.blind, breaking.witness)


class Breaking:
    """An attack under way: what broke the points so far."""

    def __init__(
        self, ways: Sequence[Way], radii: Sequence[float], steps: int, noise: Noise, stop: Stop | None
    ) -> None:
        self._ways, self._radii, self._steps, self._noise, self._stop = ways, radii, steps, noise, stop
        clean = ways[0].landscape.clean()  # [V, S, N]
        self._safe = ways[0].landscape.safe_radius()  # [S, N]
        self.first = torch.where(clean > 0, len(radii), 0)  # [V, S, N]
        self.blind = torch.zeros_like(self.first[0], dtype=torch.bool)  # [S, N]
        self.witness = ways[0].landscape.zeros()  # [S, D, N]

    def resume(self, checkpoint: Checkpoint) -> tuple[int, int]:
        """Go on from a checkpoint: the numbers of the last radius and start that were gone through."""
        kept = checkpoint.load(self.first.device)
        if kept is None or "witness" not in kept:  # older versions kept no witness: the attack starts anew
            return -1, 0
        self.first, self.blind, self.witness = kept["first"], kept["blind"], kept["witness"]
        number, restart = kept["place"]
        return number, restart

    def state(self, number: int, restart: int) -> State:
        """What a checkpoint holds after the start of this number at the radius of this number."""
        return {"place": [number, restart], "first": self.first, "blind": self.blind, "witness": self.witness}

    @property
    def standing(self) -> Tensor:
        """[S, N] bool: some verdict is that the point is not broken."""
        return (self.first == len(self._radii)).any(dim=0)

    def batches(self, radius: float) -> Sequence[Tensor]:
        """The points that are worth attacking at a radius, those that are attacked together: [S, N] bool each."""
        wanted, economy = self.standing & (self._safe < radius), self._ways[0].landscape.economy
        if economy.together is not None:
            return _by_runs(wanted, economy.together)
        if economy.at_once is None:
            return [wanted]
        place = wanted.cumsum(dim=1) - 1  # [S, N] among the wanted
        count = math.ceil((int(place.max()) + 1) / economy.at_once)
        return [wanted & (place // economy.at_once == i) for i in range(count)]

    def start(self, batch: Tensor, number: int, restart: int) -> None:
        """Attack the points of a batch [S, N] at the radius of this number, along every way from one start."""
        unseen = batch.clone()  # [S, N]
        for way in self._ways:
            left = choose(batch & self.standing)
            if left is None:
                break
            starts = starts_of(way, self._noise, number, restart, left)
            one = Way(way.landscape.take(left), way.lengths)
            ended = climb(one, self._radii[number], self._steps, starts, left.wanted, self._stop)
            runs = left.runs.unsqueeze(1)  # [S', 1]
            known = self.first[:, runs, left.points]  # [V, S', N']
            broken = (ended.margins <= 0) & left.wanted  # [V, S', N']
            self.first[:, runs, left.points] = torch.where(broken, known.clamp_max(number), known)
            self._witness(left, (broken & (known > number)).any(dim=0), ended.last)
            unseen[runs, left.points] &= ended.blind
        self.blind |= unseen & self.standing

    def _witness(self, left: Chosen, broken: Tensor, last: Tensor) -> None:
        """Keep what broke points: of the chosen, where `broken` [S', N'], the iterates `last` [S', D, N']."""
        if bool(broken.any()):
            runs = left.runs.unsqueeze(1)  # [S', 1]
            known = self.witness.mT[runs, left.points]  # [S', N', D]
            self.witness.mT[runs, left.points] = torch.where(broken.unsqueeze(-1), last.mT, known)


def _by_runs(wanted: Tensor, most: int) -> list[Tensor]:
    """[S, N] bool each: points [S, N] of runs that have about equally many and together up to `most`, or of one run."""
    counts, batches = wanted.sum(dim=1).tolist(), list[list[int]]()
    for run in sorted((run for run, count in enumerate(counts) if count), key=lambda run: -counts[run]):
        if batches and (len(batches[-1]) + 1) * counts[batches[-1][0]] <= most:
            batches[-1].append(run)
        else:
            batches.append([run])
    numbers = torch.arange(len(wanted), device=wanted.device).unsqueeze(1)  # [S, 1]
    return [wanted & torch.isin(numbers, numbers.new_tensor(runs)) for runs in batches]
