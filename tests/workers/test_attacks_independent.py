"""The exact radii against minimal-norm attacks of another library, in all d dimensions of the published setting."""

import pytest
import torch
from torch import Tensor, nn

from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.data import clusters
from phaselab.workers.data.sources import training_set
from phaselab.workers.families.two_layer import TwoLayers, train_networks
from phaselab.workers.networks.trained import Networks
from phaselab.workers.networks.two_layer import network_of
from tests.workers.adversarial_library import minimal_norms


class Binary(nn.Module):
    """Logits [N, 2] of a trained binary network, f and -f."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self.weights, self.bias = networks.weights[0].double(), networks.bias[0].double()

    def forward(self, inputs: Tensor) -> Tensor:
        active = (inputs @ self.weights.T + self.bias).relu()  # [N, M]
        positive, negative = active.chunk(2, dim=1)
        value = positive.mean(dim=1) - negative.mean(dim=1)
        return torch.stack([value, -value], dim=1)


@pytest.mark.parametrize("name", ["ddn", "fmn"])
def test_median_minimal_norm_is_the_exact_median_and_none_is_below(name: str) -> None:
    torch.manual_seed(0)  # the library draws where a gradient is zero
    spec = {"data": {"draw": "literal"}, "network": {"labels": "binary"}, "attack": {"test_points": 100}}
    run = Run.of(resolve(Settings.model_validate(spec)), seed=0)
    _, networks = train_networks([run], "cpu", None)
    exact = TwoLayers([run], networks, network_of(run.settings)).exact("sum")
    _, inputs = clusters.draw_test_points(run, training_set(run, "cpu").centers.points)
    label = (networks.side[0] < 0).long()  # the first logit is that of side +1
    found = minimal_norms(name, Binary(networks), inputs.double(), label, steps=200)
    lower, upper = exact.lower[0], exact.upper[0]
    assert float(found.median()) == pytest.approx(float(upper.median()), rel=0.01)
    assert (found >= lower * (1 - 1e-4)).all()  # the exact radii start from pre-activations in float32
