"""From tensors to results: the measures, curves, cosine matrix and provenance of finished runs."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import version

import torch
from torch import Tensor

from phaselab.domain.families.extractor import extractor
from phaselab.domain.families.on_images import image_set
from phaselab.domain.results.measures import measured
from phaselab.domain.results.results import READOUTS, Curve, Outcome, RunResult
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.runs import Run
from phaselab.workers.attacks.attacks import Attacked
from phaselab.workers.data import image_data
from phaselab.workers.exact.exact import RobustRadii
from phaselab.workers.measures import measures
from phaselab.workers.networks.trained import Networks, clean_accuracy
from phaselab.workers.networks.two_layer import TwoLayer

GAP = 1e-3
"""Relative gap of the bounds up to which their midpoint is the robust radius; beyond it is the certified lower one."""


def report(
    runs: Sequence[Run],
    networks: Networks,
    network: TwoLayer,
    attacked: Attacked,
    trust: Sequence[Trust],
    device: str,
) -> list[Outcome]:
    """One result per run, in order; `seconds` is left to the caller."""
    values = {name: column.tolist() for name, column in _measures(runs, networks, network, attacked).items()}
    cosines = measures.cosines(networks.geometry, networks.center_norms).float().cpu().numpy()  # [S, k, M]
    curves = {name: accuracy.double().cpu().numpy() for name, accuracy in attacked.accuracy.items()}  # [S, radii]
    return [
        RunResult(
            key=run.key,
            measures=measured(run.settings, {name: column[i] for name, column in values.items()}),
            curves=tuple(Curve(readout, method, each[i]) for (method, readout), each in curves.items()),
            cosines=cosines[i],
            trust=trust[i],
            provenance=provenance(run, device),
        )
        for i, run in enumerate(runs)
    ]


def _measures(runs: Sequence[Run], networks: Networks, network: TwoLayer, attacked: Attacked) -> Mapping[str, Tensor]:
    """[S] per measure of the catalogue; nan or inf where undefined."""
    shape, norms = networks.geometry, networks.center_norms  # [S, k]
    even = replace(shape, center_products=shape.center_products / norms.where(norms > 0, 1.0).unsqueeze(1))
    own = measures.own_side(runs[0].settings, network.layout)  # [M, k]
    accuracy = clean_accuracy(networks, network)
    robust = {readout: _robust_radius(attacked.exact.get(readout), networks.loss) for readout in READOUTS}
    scale = norms.square().mean(dim=1).sqrt()  # [S], R
    return {
        "train_loss": networks.loss,
        "train_accuracy": networks.accuracy,
        "test_accuracy": accuracy["max"],
        "test_accuracy_sum": accuracy["sum"],
        "averaging_index": measures.averaging_index(even, own),
        "feature_fraction": networks.feature_fraction,
        "coefficient_ratio": measures.coefficient_ratio(shape, own),
        "robust_radius_sum": robust["sum"],
        "robust_radius_max": robust["max"],
        "robust_radius_sum_relative": robust["sum"] / scale,
        "robust_radius_max_relative": robust["max"] / scale,
    }


def _robust_radius(bounds: RobustRadii | None, like: Tensor) -> Tensor:
    """[S]: median over points of the robust radii; nan where they were not asked for."""
    if bounds is None:
        return torch.full_like(like, torch.nan)
    lower, upper = bounds.lower, bounds.upper  # [S, N]
    tight = (upper - lower) <= GAP * upper  # false for inf - inf
    return measures.median(torch.where(tight, (lower + upper) / 2, lower))


def provenance(run: Run, device: str) -> dict[str, str]:
    """What computed a run: engine, data, device, versions."""
    return {
        "engine": run.settings.training.engine,
        **_data(run),
        "device": device_name(device),
        **_versions(),
    }


def _data(run: Run) -> dict[str, str]:
    """Where the points come from."""
    if image_set(run.settings.data) is None:
        return {"draw": run.settings.data.draw}
    images = {"images": image_data.origin(run.settings.data)}
    made_by = extractor(run)
    if made_by is None:
        return images | {"box": "pgd and pgd_native keep pixels inside their box, exact does not"}
    return images | {"features": made_by.key, "extractor": image_data.features_seen(run).about["extractor"]}


@cache
def device_name(device: str) -> str:
    """What a device is called in provenance."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device} ({platform.machine()})"


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("phaselab", "torch", "numpy")}
