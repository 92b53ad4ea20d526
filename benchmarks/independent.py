"""`pgd` against adv-lib's DDN (decoupled direction and norm, arXiv 1811.09600), an independent implementation, on the
networks of an image preset: robust accuracy by either at every radius, and the median least norm that DDN finds.
"""

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from phaselab.domain.settings.runs import Run
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec
from phaselab.service.base.presets import presets
from phaselab.workers.attacks.attacks import Attacks, radii_of
from phaselab.workers.attacks.inputs import InputPoints
from phaselab.workers.families.resnet18 import train_resnet, victim_of
from tests.workers.adversarial_library import minimal_norms

PRESET = "fig3-mnist-small"
STEPS = 300
"""Of the library's attack."""


class Sides(nn.Module):
    """A network with two outputs, the sides' sums or their largest outputs, whose difference is a readout."""

    def __init__(self, points: InputPoints, largest: bool) -> None:
        super().__init__()
        self.points, self.largest = points, largest

    def forward(self, images: Tensor) -> Tensor:
        outputs = self.points.outputs(images)  # [c, N]
        sides = outputs.split([self.points.positive_groups, self.points.groups - self.points.positive_groups])
        return torch.stack([side.amax(dim=0) if self.largest else side.sum(dim=0) for side in sides], dim=1)


def report(console: Console) -> None:
    """Train the networks of the preset, attack them by both, and print."""
    table = Table("labels", "readout", "attack", "median", title=f"{PRESET}: robust accuracy, %")
    points = plan(parse_spec(presets()[PRESET].spec)).points
    for radius in radii_of(points[0].settings):
        table.add_column(f"{radius:g}")
    for point in points:
        for row in rows(Run.of(point.settings, 0)):
            table.add_row(*row)
    console.print(table)


def rows(run: Run) -> list[list[str]]:
    """The rows of one run's table."""
    with torch.no_grad():
        victim = victim_of(run, train_resnet(run, "cpu", None))
    points, radii = victim.points, radii_of(run.settings)
    label = (points.side < 0).long()
    found = []
    for readout in victim.readouts:
        ours = Attacks(run.settings, victim, None).on(victim.readout(readout)).accuracy(len(radii))[0, 0]
        norms = minimal_norms("ddn", Sides(points, readout == "max"), points.inputs, label, STEPS, (0.0, 1.0))
        theirs = [float((norms > radius).double().mean()) for radius in radii]
        name = str(run.settings.network.labels), readout
        found.append([*name, "pgd", "", *(f"{100 * share:.0f}" for share in ours.tolist())])
        found.append([*name, "DDN", f"{float(norms.median()):.3f}", *(f"{100 * share:.0f}" for share in theirs)])
    return found
