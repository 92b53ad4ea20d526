"""A run computed again, here: its result, and the trained tensors that no database keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from phaselab.domain.results.results import RunFailure, RunResult
from phaselab.domain.settings.runs import Run
from phaselab.workers.data.data_files import DataFault
from phaselab.workers.trial.run_stack import run_one


class NotComputed(Exception):
    """The run gave no result; the message says why."""


@dataclass(frozen=True, eq=False)
class Computed:
    """What a run gave here: its result and its trained tensors, by name."""

    result: RunResult
    tensors: Mapping[str, npt.NDArray[Any]]


def compute(run: Run, device: str = "cpu") -> Computed:
    """Train, measure and attack a run by itself. Raises NotComputed."""
    try:
        outcome, trained = run_one(run, device)
    except DataFault as fault:
        raise NotComputed(str(fault)) from None
    if trained is None or isinstance(outcome, RunFailure):
        raise NotComputed(outcome.reason if isinstance(outcome, RunFailure) else "it gave no network")
    return Computed(outcome, {name: _plain(tensor) for name, tensor in trained.tensors.items()})


def _plain(tensor: torch.Tensor) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.ascontiguousarray(tensor.detach().cpu().numpy())
    return array
