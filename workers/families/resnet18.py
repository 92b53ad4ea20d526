"""From runs of ResNets to their results: train, measure on the features, attack in pixel space."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from phaselab.domain.results.measures import measured
from phaselab.domain.results.results import READOUTS, Curve, Outcome, Readout, RunFailure, RunResult
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.runs import Run
from phaselab.workers.attacks.attacks import Attacked, Attacks
from phaselab.workers.attacks.inputs import InputPoints, InputVictim
from phaselab.workers.attacks.trust import judge
from phaselab.workers.attacks.victim import TARGETS
from phaselab.workers.base.checkpoint import forget, of_attack
from phaselab.workers.base.progress import run_at_work
from phaselab.workers.base.stop import Stop
from phaselab.workers.data.image_data import centred_means, images_of, test_images
from phaselab.workers.families.resnet18_trained import TrainedResNet, batch_of, features_of, train_resnet
from phaselab.workers.families.two_layer_report import provenance
from phaselab.workers.measures import measures
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.resnet import ResNet18
from phaselab.workers.networks.trained import Geometry, geometry


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a trained network makes of the training set."""

    loss: float
    accuracy: float
    centers: Tensor
    """[k, e] centred class means of the features"""


def compute_resnets(runs: Sequence[Run], device: str, stop: Stop | None) -> list[Outcome]:
    """One outcome per run, in order, one run after the other. Raises Stopped, DataFault."""
    outcomes = []
    for run in runs:
        with run_at_work(run.key):
            outcomes.append(_compute(run, device, stop))
    for run in runs:
        forget(run.key, len(TARGETS))
    return outcomes


def _compute(run: Run, device: str, stop: Stop | None) -> Outcome:
    trained = train_resnet(run, device, stop)
    seen = _look(trained, run.settings.data.k, stop)
    if not math.isfinite(seen.loss):
        rate = f"{run.settings.training.learning_rate:g}"
        steps = run.settings.training.steps
        return RunFailure(run.key, f"training diverged: the loss is not finite after {steps} steps at rate {rate}")
    victim = victim_of(run, trained, device)
    attacked = Attacks(run.settings, victim, None, stop, lambda target: of_attack(run.key, target)).all()
    clean = dict(zip(READOUTS, (victim.points.clean > 0).double().mean(dim=1, keepdim=True), strict=True))  # [1] each
    (trust,) = judge(run.settings, victim, clean, attacked, stop)
    return _report(run, trained.network, seen, clean, attacked, trust, device)


def _look(trained: TrainedResNet, k: int, stop: Stop | None) -> _Seen:
    """Look at the training images as they are, without augmentation."""
    label = trained.label
    features = features_of(trained.network, trained.images, stop)  # [n, e]
    outputs = trained.network.head(features)  # [n, c]
    others = outputs.scatter(1, label.unsqueeze(1), -torch.inf).amax(dim=1)  # [n]
    own = outputs.gather(1, label.unsqueeze(1)).squeeze(1)  # [n]
    loss = functional.cross_entropy(outputs.double(), label)
    accuracy = (own > others).double().mean()
    return _Seen(float(loss), float(accuracy), centred_means(features.double(), trained.cluster, k))


def victim_of(run: Run, trained: TrainedResNet, device: str) -> InputVictim:
    """A run's network and its test images."""
    images, dealt = images_of(run.settings.data), label_groups(run.settings)
    cluster, flat = test_images(run)
    shape = (-1, images.channels, images.side, images.side)
    flat = flat.to(device)
    points = InputPoints(
        lambda inputs: trained.network(inputs.view(shape)).T,
        len(dealt.side_of_group),
        dealt.side_of_group.count(1),
        flat,
        torch.tensor(dealt.side_of_cluster)[cluster].to(flat),
        torch.tensor(dealt.group_of_cluster)[cluster].to(device),
        trained.box,
        batch_of(device),
    )
    return InputVictim(points, run.seed)


def _report(
    run: Run,
    network: ResNet18,
    seen: _Seen,
    clean: Mapping[Readout, Tensor],
    attacked: Attacked,
    trust: Trust,
    device: str,
) -> RunResult:
    head = network.head.weight.double()  # [c, e]
    head = head - head.mean(dim=0)  # what all outputs share decides nothing
    shape = geometry(head.unsqueeze(0), seen.centers)
    norms, fraction = measures.of_centers(run.settings, shape, seen.centers)  # [k], [1]
    cosines = measures.cosines(shape, norms.unsqueeze(0))[0]  # [k, c]
    values = {
        "train_loss": seen.loss,
        "train_accuracy": seen.accuracy,
        "test_accuracy": float(clean["max"]),
        "test_accuracy_sum": float(clean["sum"]),
        "feature_fraction": float(fraction),
        **_of_head(run, shape, norms),
    }
    return RunResult(
        key=run.key,
        measures=measured(run.settings, values),
        curves=tuple(
            Curve(readout, method, accuracy[0].double().cpu().numpy())
            for (method, readout), accuracy in attacked.accuracy.items()
        ),
        cosines=cosines.float().cpu().numpy(),
        trust=trust,
        provenance=provenance(run, device),
    )


def _of_head(run: Run, shape: Geometry, norms: Tensor) -> Mapping[str, float]:
    """The measures of neurons, taken of the head's outputs on its features."""
    layout = GroupLayout.build(label_groups(run.settings).side_of_group, 1, norms.device)
    own = measures.own_side(run.settings, layout)  # [c, k]
    even = Geometry(shape.center_products / norms.where(norms > 0, 1.0), shape.weight_products)
    return {
        "averaging_index": float(measures.averaging_index(even, own)),
        "coefficient_ratio": float(measures.coefficient_ratio(shape, own)),
    }
