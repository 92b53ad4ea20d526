"""The edge of this package: from a stack of runs to one outcome per run."""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import torch

from phaselab.domain.results.results import Outcome, RunFailure, RunResult
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.attacks.attacks import Attacks
from phaselab.workers.attacks.trust import judge
from phaselab.workers.base.progress import each
from phaselab.workers.base.stop import Stop, Stopped
from phaselab.workers.data.data_files import DataFault
from phaselab.workers.families.extraction import without_features
from phaselab.workers.families.memory import is_out_of_memory, runs_at_once
from phaselab.workers.families.resnet18 import compute_resnets
from phaselab.workers.families.two_layer import exact_method, train_networks, victim_of
from phaselab.workers.families.two_layer_report import report
from phaselab.workers.networks.trained import Networks, clean_accuracy
from phaselab.workers.networks.two_layer import network_of

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
    if runs[0].settings.network.kind == "resnet18":
        return compute_resnets(runs, device, stop)
    useless = without_features(runs, device, stop)
    failed: list[Outcome] = [RunFailure(key, reason) for key, reason in useless.items()]
    return failed + _compute_two_layer([run for run in runs if run.key not in useless], device, stop)


def _compute_two_layer(runs: Sequence[Run], device: str, stop: Stop | None) -> list[Outcome]:
    if not runs:
        return []
    finished, networks = train_networks(runs, device, stop)
    done = {run.key for run in finished}
    outcomes: list[Outcome] = [_diverged(run) for run in runs if run.key not in done]
    most = runs_at_once(runs[0].settings, device)
    chunks = [slice(first, first + most) for first in range(0, len(finished), most)]
    evaluated = each(chunks, lambda chunk: _evaluate(finished[chunk], networks.take(chunk), device, stop))
    return outcomes + list(chain.from_iterable(evaluated))


def _evaluate(runs: Sequence[Run], networks: Networks, device: str, stop: Stop | None) -> list[Outcome]:
    """Attack, check and measure the networks of some runs."""
    settings, network = runs[0].settings, network_of(runs[0].settings, device)
    victim = victim_of(runs, networks, network, device)
    attacked = Attacks(settings, victim, exact_method(networks, network), stop).all()
    trust = judge(settings, victim, clean_accuracy(networks, network), attacked, stop)
    return report(runs, networks, network, attacked, trust, device)


def _diverged(run: Run) -> RunFailure:
    training = run.settings.training
    return RunFailure(
        run.key,
        f"training diverged: the weights or what the network computes are not finite in {training.precision}"
        f" after {training.steps} steps at learning rate {training.learning_rate:g}",
    )
