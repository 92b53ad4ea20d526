"""What networks of any depth keep of training: their layers at the training points, and how far these are apart."""

import torch
from torch import Tensor

from phaselab.workers.networks.groups import label_margin
from phaselab.workers.networks.mlp import Mlp, Upper, hidden_layers, of_last
from phaselab.workers.networks.past import SeenLayer, change
from phaselab.workers.training.autograd import preactivations_of
from phaselab.workers.training.mlp import MlpFitted, MlpStart, trained_parts


def training_points(start: MlpStart, fitted: MlpFitted) -> tuple[list[SeenLayer], list[Tensor], list[Tensor], Tensor]:
    """Every hidden layer at the training points, its pre-activations before the first step, the change of its weights,
    and the normalized margin [S]."""
    network, inputs = start.network, start.data.inputs
    seen = _layers_of(inputs, fitted.weights, fitted.bias, fitted.upper, network)
    began = _layers_of(inputs, start.weights, start.bias, start.upper, network)
    changes = [change(fitted.weights, start.weights)]
    changes += [change(*pair) for pair in zip(fitted.upper.hidden, start.upper.hidden, strict=True)]
    of_groups = of_last(seen[-1].after, fitted.upper, network).double()  # [S, c, n]
    margin = label_margin(of_groups, start.label).amin(dim=-1)  # [S]
    return seen, [layer.before for layer in began], changes, margin / _homogeneous_size(start, fitted)


def _layers_of(inputs: Tensor, weights: Tensor, bias: Tensor, upper: Upper, network: Mlp) -> list[SeenLayer]:
    """Every hidden layer at inputs [n, e]."""
    return hidden_layers(preactivations_of(inputs, weights, bias), weights.norm(dim=-1), upper, network)


def _homogeneous_size(start: MlpStart, fitted: MlpFitted) -> Tensor:
    """[S] float64: |theta|^q of the parts that are trained, in which the outputs are homogeneous of degree q, the
    number of layers among them; nan where they are not homogeneous.

    They are not for erf below a trained layer; nor where a bias stands above a layer that is trained with it, for it
    grows slower than what it is added to.
    """
    settings, upper = start.runs[0].settings, fitted.upper
    parts = trained_parts(settings)
    tensors = {
        "weights": (fitted.weights,),
        "bias": (fitted.bias,),
        "hidden": upper.hidden,
        "hidden_bias": upper.hidden_bias,
        "output": (upper.output,),
        "output_bias": (upper.output_bias,),
    }
    every = [one.double().flatten(1) for name in sorted(parts) for one in tensors[name]]
    size = torch.cat(every, dim=1).norm(dim=1)  # [S]
    degree = sum(len(tensors[name]) for name in parts & {"weights", "hidden", "output"})
    biased = ("hidden_bias" in parts and upper.hidden_bias) or ("output_bias" in parts and "weights" in parts)
    if biased or (settings.network.activation == "erf" and "weights" in parts):
        return torch.full_like(size, torch.nan)
    scaled: Tensor = size**degree
    return scaled
