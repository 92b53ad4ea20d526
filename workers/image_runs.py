"""Attack and check one network on images, whatever its kind; and two-layer networks on pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from domain.results import READOUTS, Readout
from domain.runs import Run
from domain.trust import Trust
from workers import image_trust
from workers.attacks import Accuracies, Attacked, certified, radii_of, solve
from workers.exact import RobustRadii
from workers.image_attack import MAX, OWN_LOSS, SUM, Noise, Target, Victim, break_images, clean_margins
from workers.image_data import box, test_images
from workers.networks import Networks
from workers.pgd import Broken
from workers.streams import Stream, generator, normal
from workers.training import Stop
from workers.two_layer import TwoLayer, outputs

TARGETS: dict[Readout, Target] = {"sum": SUM, "max": MAX}


@dataclass(frozen=True, eq=False)
class AttackedImages:
    """What became of one run's test images: accuracy [radii] per method and readout, and the trust in it."""

    accuracy: Accuracies
    broken: dict[Readout, Broken]
    clean: dict[Readout, float]
    """Share of images whose readout has strictly the sign of their class"""
    trust: Trust


def attack_images(
    run: Run,
    victim: Victim,
    groups: int,
    batch: int,
    stop: Stop | None,
    lower: dict[Readout, Tensor] | None = None,
) -> AttackedImages:
    """Every attack of the run's settings on a network of `groups` outputs. `lower` [N] certifies radii, if known.

    With two groups both readouts and the own loss are the same function: one attack stands for all.
    """
    attack, radii = run.settings.attack, radii_of(run.settings)
    noise = random_starts(run, victim)
    clean = dict(zip(READOUTS, clean_margins(victim, batch), strict=True))  # [N] each
    distinct: tuple[Readout, ...] = READOUTS if groups > 2 else ("sum",)
    broken: dict[Readout, Broken] = {}
    checks = []
    for readout in distinct if "pgd" in attack.methods or groups == 2 else ():
        target = TARGETS[readout]
        noise_of = noise(target)
        ended = break_images(victim, target, radii, attack.steps, attack.restarts, noise_of, batch, stop)
        broken[readout] = ended
        certificate = None if lower is None else lower[readout]
        checks.append(
            image_trust.Checked(
                victim, target, radii, attack.steps, attack.restarts, noise_of, ended, clean[readout], certificate
            )
        )
    curves = {readout: ended.accuracy(len(radii))[0, 0] for readout, ended in broken.items()}
    everywhere = {readout: curves.get(readout, curves.get("sum")) for readout in READOUTS}
    accuracy: Accuracies = {}
    if "pgd_native" in attack.methods:
        native = [everywhere["sum"]] * 2
        if groups > 2:
            ended = break_images(
                victim, OWN_LOSS, radii, attack.steps, attack.restarts, noise(OWN_LOSS), batch, stop
            )
            native = list(ended.accuracy(len(radii))[:, 0])
        accuracy |= {("pgd_native", readout): curve for readout, curve in zip(READOUTS, native, strict=True) if curve is not None}
    if "pgd" in attack.methods:
        accuracy |= {("pgd", readout): curve for readout, curve in everywhere.items() if curve is not None}
    shares = {readout: float((margin > 0).double().mean()) for readout, margin in clean.items()}
    return AttackedImages(accuracy, broken, shares, image_trust.judge(checks, stop))
