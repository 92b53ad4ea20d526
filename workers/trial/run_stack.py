"""The edge of this package: from a stack of runs to one outcome per run."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import version
from itertools import chain

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from phaselab.domain.results.measures import measured, measures_of
from phaselab.domain.results.results import Curve, Decision, Outcome, Readout, RunFailure, RunResult
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Method
from phaselab.domain.settings.stacks import Stack, trajectories
from phaselab.workers.attacks.attacks import Accuracies, Attacked, Attacks
from phaselab.workers.attacks.brackets import fed
from phaselab.workers.attacks.landscape import TARGETS
from phaselab.workers.attacks.shrink import attacked_radii
from phaselab.workers.attacks.trust import judge
from phaselab.workers.base.checkpoint import forget, of_attack
from phaselab.workers.base.device import device_name, is_out_of_memory
from phaselab.workers.base.progress import each, run_at_work
from phaselab.workers.base.stop import Stop, Stopped
from phaselab.workers.data.data_files import DataFault
from phaselab.workers.data.sources import source_of
from phaselab.workers.families.contract import Family, Trained
from phaselab.workers.families.extraction import without_features
from phaselab.workers.families.registry import family_of
from phaselab.workers.measures.every import FUNCTIONS, LAYERED, profile
from phaselab.workers.measures.shown import Shown, cosines

__all__ = ["Stopped", "run_stack"]


def run_stack(stack: Stack, device: str = "cpu", stop: Stop | None = None) -> list[Outcome]:
    """Train, measure and attack every run of a stack; one outcome per run, in the order of `stack.runs`.

    `stop` is asked between steps; Stopped is raised once it says true. A run whose numbers stop being finite, or
    that does not fit into memory even alone, becomes a RunFailure; the others are not harmed. A run's numbers do
    not depend on the stack it is in, up to rounding (docs/methods/training.md).
    """
    started = time.perf_counter()
    try:
        computed = _compute_or_split(stack.runs, device, stop)
    except DataFault as fault:
        return [RunFailure(run.key, str(fault)) for run in stack.runs]
    outcomes = {outcome.key: outcome for outcome in computed}
    seconds = (time.perf_counter() - started) / len(stack.runs)
    timed = [
        replace(outcome, seconds=seconds) if isinstance(outcome, RunResult) else outcome
        for outcome in (outcomes[run.key] for run in stack.runs)
    ]
    return list(timed)


def _compute_or_split(runs: Sequence[Run], device: str, stop: Stop | None) -> list[Outcome]:
    """The outcomes of runs; where they do not fit into memory, of each half by itself."""
    try:
        return _compute(runs, device, stop)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
    if torch.device(device).type == "cuda":
        torch.cuda.empty_cache()
    if len(runs) == 1:
        return [RunFailure(runs[0].key, f"does not fit into the memory of {device}: {message}")]
    half = len(runs) // 2
    return _compute_or_split(runs[:half], device, stop) + _compute_or_split(runs[half:], device, stop)


@torch.no_grad()
def _compute(runs: Sequence[Run], device: str, stop: Stop | None) -> list[Outcome]:
    family = family_of(runs[0].settings)
    useless = without_features(runs, device, stop)
    outcomes: list[Outcome] = [RunFailure(key, reason) for key, reason in useless.items()]
    left = [run for run in runs if run.key not in useless]
    if family.together and left:
        outcomes += _train_and_judge(family, left, device, stop)
    for same in () if family.together else trajectories(left):
        outcomes += _train_and_judge_in_turn(family, same.runs, device, stop)
    if family.resumes:
        for run in runs:
            forget(run.key, len(TARGETS))
    return outcomes


def _train_and_judge(family: Family, runs: Sequence[Run], device: str, stop: Stop | None) -> list[Outcome]:
    stack = family.train(runs, device, stop)
    judged = each(list(stack.trained), lambda trained: _judge(trained, family.resumes, device, stop))
    return [*stack.failures, *chain.from_iterable(judged)]


def _train_and_judge_in_turn(family: Family, runs: Sequence[Run], device: str, stop: Stop | None) -> list[Outcome]:
    """Of runs of one training, each before it goes on to the next."""
    stack, judged = family.train(runs, device, stop), list[Outcome]()
    for trained in stack.trained:
        with run_at_work(trained.runs[0].key):
            judged += _judge(trained, family.resumes, device, stop)
    return [*stack.failures, *judged]


@torch.no_grad()
def run_one(run: Run, device: str = "cpu", stop: Stop | None = None) -> tuple[Outcome, Trained | None]:
    """The outcome of a run by itself, and its trained network, null where there is none. Raises Stopped, DataFault."""
    useless = without_features([run], device, stop)
    if useless:
        return RunFailure(run.key, useless[run.key]), None
    family = family_of(run.settings)
    stack = family.train([run], device, stop)
    judged = [(_judge(trained, False, device, stop)[0], trained) for trained in stack.trained]
    if family.resumes:
        forget(run.key, len(TARGETS))
    return judged[0] if judged else (stack.failures[0], None)


def _judge(trained: Trained, resumes: bool, device: str, stop: Stop | None) -> list[RunResult]:
    """Attack, check and measure the networks of some runs, of a single one where attacks resume."""
    settings, key = trained.runs[0].settings, trained.runs[0].key
    checkpoint = partial(of_attack, key) if resumes else None
    attacked = Attacks(settings, trained.victim, trained.exact, trained.exact_label, stop, checkpoint).all()
    shown, (bounds, contradicted) = trained.shown(), fed(trained.victim, trained.exact, attacked)
    trust = judge(settings, trained.victim, shown, attacked, stop, {"beats_certificate": contradicted})
    return _results(trained, shown, replace(attacked, bounds=bounds), trust, device)


def _results(
    trained: Trained, shown: Shown, attacked: Attacked, trust: Sequence[Trust], device: str
) -> list[RunResult]:
    """One result per run, in order; `seconds` is left to `run_stack`."""
    names = measures_of(trained.runs[0].settings)
    shown = replace(
        shown,
        radii=attacked.decided,
        certified=attacked.proof == "certified",
        attacked=_attacked_radii(trained, attacked, names),
    )
    profiles = {name: profile(LAYERED[name], shown) for name in names if name in LAYERED}  # [S, L] each
    found = {name: profiles[name][:, -1] if name in profiles else FUNCTIONS[name](shown) for name in names}
    values = {name: one.tolist() for name, one in found.items()}  # [S] each
    kept = _of_several_layers(profiles)
    matrices = cosines(shown.neurons, shown.center_norms).float().cpu().numpy()  # [S, k, M]
    curves, upper = _on_cpu(attacked.accuracy), _on_cpu(attacked.accuracy_upper)
    return [
        RunResult(
            key=run.key,
            measures=measured(run.settings, {name: column[i] for name, column in values.items()}),
            curves=tuple(
                Curve(readout, method, each[i], upper[method, readout][i] if (method, readout) in upper else None)
                for (method, readout), each in curves.items()
            ),
            cosines=matrices[i],
            trust=trust[i],
            provenance=_provenance(run, device),
            profiles={name: layers[i] for name, layers in kept.items()},
        )
        for i, run in enumerate(trained.runs)
    ]


def _of_several_layers(profiles: Mapping[str, Tensor]) -> Mapping[str, npt.NDArray[np.float64]]:
    """[S, L] each, NaN for what is not finite; none where networks have one layer, whose numbers the measures are."""
    finite = {name: one.double().masked_fill(~one.isfinite(), torch.nan) for name, one in profiles.items()}
    return {name: one.cpu().numpy() for name, one in finite.items() if one.shape[1] > 1}


def _on_cpu(accuracies: Accuracies) -> Mapping[tuple[Method, Readout], npt.NDArray[np.float64]]:
    """[S, radii] each."""
    return {name: accuracy.double().cpu().numpy() for name, accuracy in accuracies.items()}


def _provenance(run: Run, device: str) -> Mapping[str, str]:
    """What computed a run: engine, data, device, versions."""
    return {
        "engine": run.settings.training.engine,
        **source_of(run.settings).origin(run),
        "device": device_name(device),
        **_versions(),
    }


def _attacked_radii(trained: Trained, attacked: Attacked, names: Sequence[str]) -> Mapping[Decision, Tensor]:
    """[S, N] per readout, where a measure looks at them."""
    if not any(name.startswith("attacked_radius") for name in names):
        return {}
    victim, broken = trained.victim, attacked.broken
    found = {one: attacked_radii(victim.readout(one), broken[one]) for one in victim.readouts if one in broken}
    return {readout: found.get(readout, found["sum"]) for readout in broken}  # two groups have one readout


@cache
def _versions() -> Mapping[str, str]:
    return {name: version(name) for name in ("phaselab", "torch", "numpy")}
