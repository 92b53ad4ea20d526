"""The yardstick: what a careful user would write in plain PyTorch, one run at a time, in all d dimensions."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LiteralSetting:
    """The published setting, for one form of labels."""

    labels: str
    k: int = 10
    d: int = 3072
    n: int = 1000
    test_points: int = 1000
    init_scale: float = 1e-5
    learning_rate: float = 1e-3
    steps: int = 100
    attack_steps: int = 40
    radii: tuple[float, ...] = tuple(5.0 * i for i in range(13))
    depth: int = 2
    neurons: int | None = None
    """Of every hidden layer; k where it is left out"""


class Network(torch.nn.Module):
    """c outputs, each the mean of h relus of the last hidden layer; `binary` is c = 2 with biases in the first one."""

    def __init__(self, setting: LiteralSetting) -> None:
        super().__init__()
        binary = setting.labels == "binary"
        self.outputs = 2 if binary else setting.k
        self.width = (setting.neurons or setting.k) // self.outputs
        neurons = self.outputs * self.width
        self.weight = torch.nn.Parameter(setting.init_scale * torch.randn(neurons, setting.d))
        self.bias = torch.nn.Parameter(setting.init_scale * torch.randn(neurons), requires_grad=binary)
        if not binary:
            torch.nn.init.zeros_(self.bias)
        size = math.sqrt(2 / neurons)
        self.between = torch.nn.ParameterList(size * torch.randn(neurons, neurons) for _ in range(setting.depth - 2))

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.relu(x @ self.weight.T + self.bias)  # [N, M]
        for weight in self.between:
            hidden = torch.relu(hidden @ weight.T)
        return hidden.reshape(len(x), self.outputs, self.width).mean(dim=2)  # [N, c]


def draw(setting: LiteralSetting, points: int) -> tuple[Tensor, Tensor]:
    """Points [N, d] and their clusters [N]; the centres are the first k axes, times sqrt(d)."""
    cluster = torch.randint(setting.k, (points,))
    x = torch.randn(points, setting.d)
    x[torch.arange(points), cluster] += math.sqrt(setting.d)
    return x, cluster


def train(setting: LiteralSetting) -> Network:
    """Full-batch gradient descent by autograd."""
    x, cluster = draw(setting, setting.n)
    network = Network(setting)
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=setting.learning_rate)
    for _ in range(setting.steps):
        optimizer.zero_grad()
        outputs = network(x)  # [n, c]
        if setting.labels == "binary":
            sign = torch.where(cluster < setting.k // 2, 1.0, -1.0)
            loss = torch.nn.functional.softplus(-sign * (outputs[:, 0] - outputs[:, 1])).mean()
        else:
            loss = torch.nn.functional.cross_entropy(outputs, cluster)
        loss.backward()
        optimizer.step()
    return network


def read_out(network: Network, x: Tensor, readout: str) -> Tensor:
    """The binary decision [N], by `sum` or `max`."""
    positive, negative = network(x).chunk(2, dim=1)  # [N, c / 2] each
    if readout == "sum":
        return positive.sum(dim=1) - negative.sum(dim=1)
    return positive.amax(dim=1) - negative.amax(dim=1)


def attack(setting: LiteralSetting, network: Network, x: Tensor, side: Tensor, readout: str) -> list[float]:
    """Robust accuracy at every radius: projected gradient descent on the readout, worst iterate counted."""
    curve = []
    for radius in setting.radii:
        shift = torch.zeros_like(x)
        right = side * read_out(network, x, readout).detach() > 0
        for _ in range(setting.attack_steps if radius else 0):
            shift.requires_grad_(True)
            margins = side * read_out(network, x + shift, readout)
            (gradient,) = torch.autograd.grad(margins.sum(), shift)
            with torch.no_grad():
                right &= margins > 0
                direction = gradient / gradient.norm(dim=1, keepdim=True).clamp_min(1e-20)
                shift = shift - 2.5 * radius / setting.attack_steps * direction
                shift = shift * (radius / shift.norm(dim=1, keepdim=True).clamp_min(1e-20)).clamp_max(1.0)
        with torch.no_grad():
            right &= side * read_out(network, x + shift, readout) > 0
        curve.append(right.float().mean().item())
    return curve


def one_run(setting: LiteralSetting) -> dict[str, list[float]]:
    """Train once, attack both readouts (one for a binary network, whose readouts agree)."""
    network = train(setting)
    x, cluster = draw(setting, setting.test_points)
    side = torch.where(cluster < setting.k // 2, 1.0, -1.0)
    readouts = ["sum"] if setting.labels == "binary" else ["sum", "max"]
    return {readout: attack(setting, network, x, side, readout) for readout in readouts}
