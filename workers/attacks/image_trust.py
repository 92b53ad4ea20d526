"""Whether the curves of a run on images can be believed: the checks of domain/results/trust.py, without those
that compare with exact radii from above, for these take no note of the box of pixel values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.domain.results.trust import FLAGS, Trust
from phaselab.workers.attacks.image_attack import Ended, Noise, Starts, Target, Victim, attempt_both
from phaselab.workers.attacks.pgd import Broken
from phaselab.workers.attacks.trust import ROUNDING, SAMPLE, WIN
from phaselab.workers.base.stop import Stop


@dataclass(frozen=True, eq=False)
class Checked:
    """What the checks of one readout look at: the attack as it was made, and how it ended."""

    victim: Victim
    target: Target
    radii: Sequence[float]
    steps: int
    restarts: int
    noise: Noise
    broken: Broken
    clean: Tensor
    """[N] margin without perturbation"""
    certified: Tensor | None
    """[N] lower bound of the robust radius, where there is one"""
    batch: int
    """Images attacked at a time"""

    def flags(self, stop: Stop | None) -> set[str]:
        """The names of the flags that are raised. Raises Stopped."""
        return self._of_curve() | self._of_second_look(stop)

    def _of_curve(self) -> set[str]:
        first = self.broken.first[0, 0]  # [N]
        radii = self.clean.new_tensor([*self.radii, torch.inf])
        raised = set()
        if bool(self.broken.blind.any()):
            raised.add("no_gradient")
        if self.radii[0] == 0 and abs(int((first > 0).sum()) - int((self.clean > 0).sum())) > 1:
            raised.add("clean_mismatch")
        if self.certified is not None and bool((self.certified > radii[first] * (1 + ROUNDING)).any()):
            raised.add("beats_certificate")
        return raised

    def _of_second_look(self, stop: Stop | None) -> set[str]:
        """Attack a sample again where the curve falls: with twice the steps, from another start, and once more."""
        first = self.broken.first[0, 0]  # [N]
        number = telling_radius(first, self.radii)
        stood = (first > number).nonzero().squeeze(1)[: self._sample]
        fell = (first == number + 1).nonzero().squeeze(1)[: self._sample]
        radius, beyond = self.radii[number], self.radii[min(number + 1, len(self.radii) - 1)]
        raised = set()
        if len(stood) and radius > 0:
            for name, steps, restart in (
                ("more_steps_win", 2 * self.steps, 0),
                ("more_restarts_win", self.steps, self.restarts),
            ):
                ended = self._attack(stood, radius, steps, restart, stop)
                if int((ended.margins[0] <= 0).sum()) > WIN * len(stood):
                    raised.add(name)
        if len(fell) and beyond > 0 and not self._is_adversarial(fell, beyond, stop):
            raised.add("not_adversarial")
        return raised

    @property
    def _sample(self) -> int:
        return min(SAMPLE, self.batch)

    def _attack(self, points: Tensor, radius: float, steps: int, restart: int, stop: Stop | None) -> Ended:
        starts = Starts(self.noise, len(self.radii), restart, points)
        return attempt_both(self.victim.take(points), self.target, radius, steps, starts, stop)

    def _is_adversarial(self, points: Tensor, radius: float, stop: Stop | None) -> bool:
        """Whether every perturbation that breaks a point does so predicted again, inside its ball and the box."""
        victim = self.victim.take(points)
        ended = self._attack(points, radius, self.steps, 0, stop)
        images = victim.images + ended.perturbation
        low, high = victim.box.low, victim.box.high
        slack = ROUNDING * (high - low)
        outside = (ended.perturbation.norm(dim=1) > radius * (1 + ROUNDING)) | (
            (images < low - slack) | (images > high + slack)
        ).any(dim=1)
        before, after = (
            self.target.verdicts(victim.margins(victim.outputs(seen)))[0] for seen in (victim.images, images)
        )
        won = ended.margins[0] <= 0
        return not bool((won & (outside | (after > ROUNDING * before))).any())


def judge(checks: Sequence[Checked], stop: Stop | None) -> Trust:
    """The trust in a run's `pgd` curves, of which `checks` holds one for each distinct readout. Raises Stopped."""
    raised = {flag for check in checks for flag in check.flags(stop)}
    return Trust(tuple(name for name in FLAGS if name in raised))


def telling_radius(first: Tensor, radii: Sequence[float]) -> int:
    """Number of the last radius above 0 that at least half of the rightly classified points withstood, or of the
    first radius above 0, from numbers [N] of the radii that broke the points.
    """
    standing = [int((first > number).sum()) for number in range(len(radii))]
    half = [number for number, count in enumerate(standing) if 2 * count >= standing[0]]
    lowest = min((number for number, radius in enumerate(radii) if radius > 0), default=0)
    return max(half[-1], lowest)
