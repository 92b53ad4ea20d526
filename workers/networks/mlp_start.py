"""How networks of any depth start: the law of every layer, and pairs of neurons whose outputs cancel."""

import torch
from torch import Tensor

from phaselab.domain.settings.runs import Run
from phaselab.workers.base.streams import Stream, generator, normal
from phaselab.workers.data.sources import source_of
from phaselab.workers.data.training_set import Centers, precision_of
from phaselab.workers.networks.groups import onehot
from phaselab.workers.networks.mlp import Mlp, Upper

BIAS, HIDDEN, OUTPUT = 1, 2, 3
"""Sub-streams of the initial weights; part of the recipe. That of biases is two-layer networks'."""


def draw_start(run: Run, network: Mlp, centers: Centers) -> tuple[Tensor, Tensor, Upper]:
    """Weights W [M, e''] and biases [M] of the first layer, and what stands above it, of a run."""
    settings, count = run.settings.network, network.layout.neurons
    source, sign = _twins(run, network)  # [M], [M]
    last = network.depth == 2  # whether the first layer is the last hidden one
    weights = source_of(run.settings).weights(run, count)  # [M, e'']
    if settings.init == "orthogonal":
        weights = orthogonal_rows(weights) * run.settings.data.d**0.5
    weights = weights * settings.init_scale
    bias = normal(generator(run.seed, Stream.WEIGHTS, BIAS), (count,), precision_of(run)) * settings.init_scale
    if settings.bias == "none":
        bias = torch.zeros_like(bias)
    if last:
        weights, bias = weights[source], bias[source]
    hidden = [_hidden(run, network, layer) for layer in range(network.depth - 2)]
    if hidden:
        hidden[-1] = hidden[-1][source]
    output = _output(run, network, weights)[:, source] * sign
    upper = Upper(
        tuple(hidden),
        tuple(torch.zeros_like(bias) for _ in hidden),
        output,
        torch.zeros_like(output[:, 0]),
        output.new_tensor(settings.multiplier * network.layout.width**-settings.output_power),
        centers.norms.square().mean().sqrt().to(output),
    )
    return weights, bias, upper


def orthogonal_rows(weights: Tensor) -> Tensor:
    """[M, e]: the nearest orthonormal rows, (W W^T)^(-1/2) W: of normals they are distributed evenly, and what they are
    does not depend on the basis that the columns are in. Raises ValueError for more rows than dimensions."""
    exact = weights.double()
    values, vectors = torch.linalg.eigh(exact @ exact.T)  # [M], [M, M]
    if not float(values[0]) > 0:
        raise ValueError(f"{len(weights)} rows cannot be orthogonal in so few dimensions")
    rows: Tensor = (vectors / values.sqrt()) @ (vectors.T @ exact)
    return rows.to(weights.dtype)


def _hidden(run: Run, network: Mlp, layer: int) -> Tensor:
    """[M, M]: the weights of the hidden layer of that number after the first."""
    settings, count = run.settings.network, network.layout.neurons
    assert settings.hidden_scale is not None
    drawn = normal(generator(run.seed, Stream.WEIGHTS, HIDDEN, layer), (count, count), precision_of(run))
    if settings.init == "orthogonal":
        return orthogonal_rows(drawn) * settings.hidden_scale
    return drawn.mul_(settings.hidden_scale / count**0.5)


def _output(run: Run, network: Mlp, weights: Tensor) -> Tensor:
    """[o, M]: output weights; those of fixed ones where nothing else is asked for."""
    settings, layout = run.settings.network, network.layout
    if network.binary:
        fixed = layout.side_of_neuron.cpu().to(weights).unsqueeze(0)  # [1, M]
    else:
        fixed = onehot(layout.group_of_neuron.cpu(), layout.outputs).to(weights)  # [c, M]
    if settings.init == "balanced":
        length: Tensor = weights.norm(dim=1)  # [M]
        return fixed * length
    if settings.output_scale is None:
        return fixed
    drawn = normal(generator(run.seed, Stream.WEIGHTS, OUTPUT), (network.rows, layout.neurons), precision_of(run))
    if settings.init == "orthogonal":
        drawn = orthogonal_rows(drawn) * layout.neurons**0.5
    return drawn.mul_(settings.output_scale)


def _twins(run: Run, network: Mlp) -> tuple[Tensor, Tensor]:
    """[M] long, [M]: which neuron each one starts as, and the sign of its output weights against that one's.

    Binary networks pair a neuron of side +1 with one of side -1, others the first half of a group's neurons with the
    second."""
    layout = network.layout
    every = torch.arange(layout.neurons)
    if run.settings.network.symmetric == "none":
        return every, torch.ones(layout.neurons, dtype=precision_of(run))
    size = layout.width if network.binary else layout.width // 2
    second = every // size % 2  # [M] 0 or 1
    return every - second * size, (1 - 2 * second).to(precision_of(run))
