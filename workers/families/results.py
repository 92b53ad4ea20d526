"""From trained and attacked networks to results: measures, curves, cosine matrix, trust and provenance."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import version

import torch

from phaselab.domain.results.measures import measured, measures_of
from phaselab.domain.results.results import Curve, RunResult
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.runs import Run
from phaselab.workers.attacks.attacks import Attacked
from phaselab.workers.data.sources import source_of
from phaselab.workers.families.contract import Trained
from phaselab.workers.measures.measures import FUNCTIONS
from phaselab.workers.measures.shown import cosines


def results(trained: Trained, attacked: Attacked, trust: Sequence[Trust], device: str) -> list[RunResult]:
    """One result per run, in order; `seconds` is left to the caller."""
    shown = replace(trained.shown(), radii=attacked.exact)
    names = measures_of(trained.runs[0].settings)
    values = {name: FUNCTIONS[name](shown).tolist() for name in names}  # [S] each
    matrices = cosines(shown.neurons, shown.center_norms).float().cpu().numpy()  # [S, k, M]
    curves = {name: accuracy.double().cpu().numpy() for name, accuracy in attacked.accuracy.items()}  # [S, radii]
    return [
        RunResult(
            key=run.key,
            measures=measured(run.settings, {name: column[i] for name, column in values.items()}),
            curves=tuple(Curve(readout, method, each[i]) for (method, readout), each in curves.items()),
            cosines=matrices[i],
            trust=trust[i],
            provenance=provenance(run, device),
        )
        for i, run in enumerate(trained.runs)
    ]


def provenance(run: Run, device: str) -> Mapping[str, str]:
    """What computed a run: engine, data, device, versions."""
    return {
        "engine": run.settings.training.engine,
        **source_of(run.settings).origin(run),
        "device": device_name(device),
        **_versions(),
    }


@cache
def device_name(device: str) -> str:
    """What a device is called in provenance."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device} ({platform.machine()})"


@cache
def _versions() -> Mapping[str, str]:
    return {name: version(name) for name in ("phaselab", "torch", "numpy")}
