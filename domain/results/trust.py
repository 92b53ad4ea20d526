"""Trust: whether the curves of a run can be believed, and if not, which check failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FLAGS: Mapping[str, str] = {
    "clean_mismatch": "accuracy at radius 0 is not the clean accuracy",
    "more_steps_win": "twice the steps break more points: the attack had not converged",
    "more_restarts_win": "another random start breaks more points: the attack was stuck",
    "not_adversarial": "an adversarial point, predicted again, is not wrong or lies outside its ball",
    "no_gradient": "gradients were zero or not finite at points counted as robust",
    "beats_certificate": "an attack reports less accuracy than the certified lower bound: one of the two is wrong",
    "weaker_than_exact": "pgd leaves more accuracy than the exact method: the attack is weak",
}
"""Every flag of a failed check and what it means."""


@dataclass(frozen=True)
class Trust:
    """The flags that a run's checks raised, by name; the verdict is `ok` when there is none."""

    flags: tuple[str, ...] = ()

    @property
    def verdict(self) -> Literal["ok", "suspect"]:
        """`suspect` as soon as one check failed."""
        return "suspect" if self.flags else "ok"
