"""Trust: whether the curves of a run can be believed, if not, which check failed, and which checks there were."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from phaselab.domain.families.sources import source_of
from phaselab.domain.settings.radii import center_norm, in_data_units
from phaselab.domain.settings.settings import PROOFS, Settings

FLAGS: Mapping[str, str] = {
    "diverged": "training made the loss far worse than saying nothing: the network is no trained one",
    "clean_mismatch": "accuracy at radius 0 is not the clean accuracy",
    "more_steps_win": "twice the steps break more points: the attack had not converged",
    "more_restarts_win": "another random start breaks more points: the attack was stuck",
    "line_search_wins": "straight lines to opposing centres break more points: the attack is weak",
    "ball_not_filled": "the attack ends inside its ball at points that withstood: its ball or its path is too small",
    "not_adversarial": "an adversarial point, predicted again, is not wrong or lies outside its ball",
    "no_gradient": "gradients were zero or not finite at points counted as robust",
    "above_ceiling": "more accuracy at half the distance of opposing centres than any classifier can have there",
    "beats_certificate": "an attack reports less accuracy than the certified lower bound: one of the two is wrong",
    "weaker_than_exact": "pgd misses more points than chance allows that the exact method flips: the attack is weak",
}
"""Every flag of a failed check and what it means."""


@dataclass(frozen=True)
class Trust:
    """The flags that a run's checks raised, by name; the verdict is `ok` when there is none. Which checks there were:
    `checks_of` the run's settings."""

    flags: tuple[str, ...] = ()

    @property
    def verdict(self) -> Literal["ok", "suspect"]:
        """`suspect` as soon as one check failed."""
        return "suspect" if self.flags else "ok"


def checks_of(settings: Settings) -> tuple[str, ...]:
    """The checks that a run of these canonical settings goes through, by the flag that each raises; in the order of
    FLAGS."""
    made = set(_checks(settings))
    return tuple(name for name in FLAGS if name in made)


def ceiling(settings: Settings) -> float | None:
    """Half the distance of opposing centres, R sqrt((1 - c) / 2): at it and beyond, the robust accuracies of the two
    classes, of whatever classifier, add up to 1 at most. Null where clusters need not have the same noise.
    """
    data = settings.data
    if source_of(settings).name != "clusters":
        return None
    return center_norm(data) * float(((1 - data.center_cosine) / 2) ** 0.5)


def _checks(settings: Settings) -> Iterator[str]:
    methods, boxed = settings.attack.methods, source_of(settings).name == "images"
    proof, pgd, at = any(one in methods for one in PROOFS), "pgd" in methods, in_data_units(settings)
    yield "diverged"
    if methods and at[0] == 0:
        yield "clean_mismatch"
    if pgd:
        yield from ("more_steps_win", "more_restarts_win", "not_adversarial", "no_gradient", "beats_certificate")
    if boxed:
        return
    if pgd:
        yield "ball_not_filled"
    if proof:
        yield "beats_certificate"
    if "exact" in methods:
        yield "not_adversarial"
    if pgd or (methods and not proof):
        yield "line_search_wins"
    if pgd and "exact" in methods:
        yield "weaker_than_exact"
    height = ceiling(settings)
    if methods and height is not None and at[-1] >= height:
        yield "above_ceiling"
