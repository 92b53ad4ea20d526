"""The family `diagonal`: a linear function u^D - v^D of sparse regression, attacked as the linear network that it is.

It is shown as two linear neurons, u^D and v^D, with the outputs +1 and -1. Its decision is the sign of the response.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from phaselab.domain.families.registry import family_of
from phaselab.domain.results.results import Decision
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Trajectory
from phaselab.workers.attacks.landscape import Victim
from phaselab.workers.base.progress import each
from phaselab.workers.base.stop import Stop
from phaselab.workers.base.streams import Stream
from phaselab.workers.data import sparse_regression
from phaselab.workers.data.sources import training_set
from phaselab.workers.data.training_set import training_labels
from phaselab.workers.families.contract import TrainedStack
from phaselab.workers.families.first_layer import by_training_set, diverged, finite, look_after_look
from phaselab.workers.families.mlp import TrainedMlps, looked
from phaselab.workers.measures.regression import Regression
from phaselab.workers.measures.shown import Shown
from phaselab.workers.networks.groups import label_margin
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.mlp import Mlp, Upper, outputs
from phaselab.workers.training.autograd import preactivations_of
from phaselab.workers.training.diagonal import Diagonals, train
from phaselab.workers.training.mlp import MlpFitted, MlpStart


@dataclass(frozen=True, eq=False)
class TrainedDiagonals:
    """Trained networks of S runs on the same points."""

    linear: TrainedMlps
    """What they are as linear networks"""
    regression: Regression
    exact = None
    exact_label = None

    @property
    def runs(self) -> Sequence[Run]:
        """The runs."""
        return self.linear.runs

    @property
    def victim(self) -> Victim:
        """In the span of the two neurons."""
        return self.linear.victim

    @property
    def clean(self) -> Mapping[Decision, Tensor]:
        """[S] per decision: share of test points whose response's sign is told."""
        return self.linear.clean

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """`positive` u^D and `negative` v^D [d] of a single run."""
        positive, negative = self.linear.networks.weights[0]
        return {"positive": positive, "negative": negative}

    def shown(self) -> Shown:
        """What measures look at."""
        return replace(self.linear.shown(), regression=self.regression)


class _Diagonal:
    """The family."""

    together = True
    resumes = False

    def train(self, runs: Sequence[Run], device: str, stop: Stop | None) -> TrainedStack:
        """Train runs of one shape, those on the same data together. Raises Stopped."""
        parts = each(by_training_set(runs), lambda same: _train(same, device, stop))
        return TrainedStack(
            [trained for trained, _ in parts if trained.runs],
            [diverged(run) for _, lost in parts for run in lost],
        )

    def bytes_per_run(self, settings: Settings) -> int:
        """Inputs and test points, the parts with their gradient and velocity, and the attack's tensors."""
        data, points = settings.data, settings.attack.test_points
        neurons = family_of(settings).neurons(settings)
        size = 8 if settings.training.precision == "float64" else 4
        training = 10 * neurons * data.d + 4 * data.n
        attacking = 40 * neurons * points
        return size * (training + attacking + points * data.d) + 8 * (3 * neurons * data.d + 2 * data.n * data.d)


FAMILY = _Diagonal()


def _train(same: list[Trajectory], device: str, stop: Stop | None) -> tuple[TrainedDiagonals, list[Run]]:
    """The networks of trainings on the same data whose numbers stayed finite, and the other runs."""
    settings, runs = same[0].longest.settings, look_after_look(same)
    exactly, responses = sparse_regression.draw(runs[0], Stream.TRAINING, settings.data.n)  # [n, d], [n]
    start = _start(same, device)
    found = train(start.runs, start.looks, start.data.inputs, responses.to(start.data.inputs), stop)
    start = replace(start, weights=found.start)
    fitted = _fitted(start.each_look, found)
    trained = TrainedMlps(runs, looked(start, fitted), fitted.upper, fitted.steps, start.network)
    sound = finite(trained.networks).tolist()
    kept = trained.take([i for i, well in enumerate(sound) if well])
    weights = kept.networks.weights.double()  # [R', 2, d]
    scales = [run.settings.network.init_scale for run in kept.runs]
    beta, truth = weights[:, 0] - weights[:, 1], sparse_regression.truth(settings.data)
    regression = Regression(beta, truth.to(beta), exactly, responses, scales, settings.network.depth)
    return TrainedDiagonals(kept, regression), [run for run, well in zip(runs, sound, strict=True) if not well]


def _start(same: list[Trajectory], device: str) -> MlpStart:
    """Linear networks with a neuron for each side, which have no weights yet."""
    runs = [one.longest for one in same]
    data, count = training_set(runs[0], device), len(runs)
    like = data.inputs
    network = Mlp(GroupLayout.build((1, -1), 1, device), 2, "linear", None, "square", binary=True)
    output = like.new_tensor([[1.0, -1.0]]).expand(count, 1, 2)
    upper = Upper((), (), output, like.new_zeros(count, 1), like.new_ones(count), like.new_ones(count))
    weights, bias = like.new_zeros(count, 2, like.shape[1]), like.new_zeros(count, 2)
    label = training_labels(runs[0], data.cluster.cpu()).to(device)  # [n]
    return MlpStart(runs, same[0].looks, data, label, network, weights, bias, upper)


def _fitted(start: MlpStart, found: Diagonals) -> MlpFitted:
    """What they have come to. What is left of their start is not known: parts are multiplied, not added to."""
    seen = preactivations_of(start.data.inputs, found.weights, start.bias)  # [R, 2, n]
    of_groups = outputs(seen, found.weights.norm(dim=-1), start.upper, start.network)  # [R, 2, n]
    accuracy = (label_margin(of_groups, start.label) > 0).double().mean(dim=-1)  # [R]
    left = torch.full_like(start.bias, torch.nan)
    return MlpFitted(found.weights, start.bias, start.upper, found.loss, accuracy, left, found.steps)
