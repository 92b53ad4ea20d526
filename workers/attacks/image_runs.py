"""Attack and check one network on images, whatever its kind; and two-layer networks on pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.domain.results.results import READOUTS, Readout
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.runs import Run
from phaselab.workers.attacks import image_attack, image_trust
from phaselab.workers.attacks.attacks import Accuracies, Attacked, certified, radii_of, solve
from phaselab.workers.attacks.image_attack import MAX, OWN_LOSS, SUM, Noise, Target, Victim, break_images, clean_margins
from phaselab.workers.attacks.pgd import Broken
from phaselab.workers.base.checkpoint import of_attack
from phaselab.workers.base.progress import part, run_at_work
from phaselab.workers.base.stop import Stop
from phaselab.workers.base.streams import Stream, generator, normal
from phaselab.workers.data.image_data import box, test_images
from phaselab.workers.networks.trained import Networks
from phaselab.workers.networks.two_layer import TwoLayer, outputs

TARGETS: dict[Readout, Target] = {"sum": SUM, "max": MAX}


@dataclass(frozen=True, eq=False)
class AttackedImages:
    """What became of one run's test images."""

    accuracy: Accuracies
    """[radii] per method and readout"""
    clean: dict[Readout, float]
    """Share of images whose readout has strictly the sign of their class"""
    trust: Trust


@dataclass(frozen=True, eq=False)
class Attacks:
    """The attacks that a run's settings ask for, on one network."""

    run: Run
    victim: Victim
    batch: int
    stop: Stop | None
    resumes: bool = False
    """Whether it saves checkpoints and goes on from those that are there"""

    def on(self, target: Target) -> Broken:
        """The attack on a target."""
        attack = self.run.settings.attack
        radii, noise = radii_of(self.run.settings), self.noise(target)
        checkpoint = of_attack(self.run.key, target.number) if self.resumes else None
        with part(target.number, image_attack.TARGETS):
            return break_images(
                self.victim, target, radii, attack.steps, attack.restarts, noise, self.batch, self.stop, checkpoint
            )

    def noise(self, target: Target) -> Noise:
        """Normals [N, d + 2] keyed by the run's seed, the target, the radius's number and the restart."""
        count, d = self.victim.images.shape

        def drawn(radius_number: int, restart: int) -> Tensor:
            random = generator(self.run.seed, Stream.ATTACK, target.number, radius_number, restart)
            return normal(random, (count, d + 2), torch.float32).to(self.victim.images)

        return drawn

    def native(self, broken: dict[Readout, Broken]) -> Accuracies:
        """Curves of the attack on the own loss; with two groups that is the attack on the readouts."""
        radii = len(radii_of(self.run.settings))
        if self.victim.groups == 2:
            return {("pgd_native", readout): broken[readout].accuracy(radii)[0, 0] for readout in READOUTS}
        curves = self.on(OWN_LOSS).accuracy(radii)[:, 0]  # [2, radii]
        return {("pgd_native", readout): curve for readout, curve in zip(READOUTS, curves, strict=True)}

    def check(self, readout: Readout, broken: Broken, clean: Tensor, lower: Tensor | None) -> image_trust.Checked:
        """What the checks of the attack on a readout look at."""
        attack, target = self.run.settings.attack, TARGETS[readout]
        radii, noise = radii_of(self.run.settings), self.noise(target)
        return image_trust.Checked(
            self.victim, target, radii, attack.steps, attack.restarts, noise, broken, clean, lower, self.batch
        )


def attack_images(
    run: Run,
    victim: Victim,
    batch: int,
    stop: Stop | None,
    lower: dict[Readout, Tensor] | None = None,
    resumes: bool = False,
) -> AttackedImages:
    """Every attack of the run's settings, `batch` images at a time, and the checks. `lower` [N] certifies radii where
    they are known. With two groups both readouts are the same function, and `sum` stands for both. Where it `resumes`,
    attacks go on from their checkpoints, which stay. Raises Stopped.
    """
    methods, radii = run.settings.attack.methods, len(radii_of(run.settings))
    attacks = Attacks(run, victim, batch, stop, resumes)
    clean = dict(zip(READOUTS, clean_margins(victim, batch), strict=True))  # [N] each
    distinct: tuple[Readout, ...] = ("sum",) if victim.groups == 2 else READOUTS
    wanted = "pgd" in methods or ("pgd_native" in methods and victim.groups == 2)
    found = {readout: attacks.on(TARGETS[readout]) for readout in distinct if wanted}
    broken = {readout: found.get(readout, found["sum"]) for readout in READOUTS if wanted}
    accuracy = attacks.native(broken) if "pgd_native" in methods else {}
    checks = []
    if "pgd" in methods:
        accuracy |= {("pgd", readout): broken[readout].accuracy(radii)[0, 0] for readout in READOUTS}
        checks = [
            attacks.check(readout, found[readout], clean[readout], lower[readout] if lower else None)
            for readout in distinct
        ]
    shares = {readout: float((margin > 0).double().mean()) for readout, margin in clean.items()}
    return AttackedImages(accuracy, shares, image_trust.judge(checks, stop))


def attack_pixels(
    runs: Sequence[Run], networks: Networks, network: TwoLayer, device: str, stop: Stop | None
) -> tuple[Attacked, list[Trust]]:
    """Attack two-layer networks on pixels, run by run: `pgd` and `pgd_native` inside the box, `exact` without it."""
    methods, radii = runs[0].settings.attack.methods, radii_of(runs[0].settings)
    exact = solve(networks, network) if "exact" in methods else {}
    ended = []
    for i, run in enumerate(runs):
        victim = _victim(run, networks, i, network, device)
        lower = {readout: bounds.lower[i] for readout, bounds in exact.items()}
        with run_at_work(run.key):
            ended.append(attack_images(run, victim, len(victim.images), stop, lower or None))
    accuracy = {name: torch.stack([one.accuracy[name] for one in ended]) for name in ended[0].accuracy}
    accuracy |= {("exact", readout): certified(exact[readout], radii) for readout in exact}
    return Attacked(accuracy, {}, exact), [one.trust for one in ended]


def _victim(run: Run, networks: Networks, i: int, network: TwoLayer, device: str) -> Victim:
    """The i-th of the networks and its test images."""
    weights, bias = networks.weights[i], networks.bias[i].unsqueeze(1)  # [M, d], [M, 1]
    images = test_images(run)[1].to(device)  # [N, d]
    return Victim(
        lambda inputs: outputs(weights @ inputs.T + bias, network.layout),
        network.layout.outputs,
        network.positive_groups,
        images,
        networks.side[i].to(images),
        networks.label[i],
        box(run.settings.data, images),
    )
