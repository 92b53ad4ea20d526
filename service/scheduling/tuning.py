"""One busy period: a Tuner whose trials take stacks out of a mailbox. The only file that runs Tune."""

import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from ray import tune
from ray.tune import Callback, FailureConfig, RunConfig, Stopper, TuneConfig, Tuner
from ray.tune.search import Searcher

from phaselab.domain.results.parcels import Parcel
from phaselab.service.base.configuration import Configuration
from phaselab.service.scheduling import ray_session
from phaselab.service.scheduling.results_let_go import let_results_go
from phaselab.workers.trial.mailbox import MailboxClient
from phaselab.workers.trial.trainable import StackTrainable

# It warns after every period that it misses the files of loggers that are off.
logging.getLogger("ray.tune.analysis.experiment_analysis").setLevel(logging.ERROR)


class Unwritten:
    """Base of what Tune is given from this process: Tune writes it to a file to restore it later, which is never done,
    and its locks and connections cannot be written. So nothing of it is written, and copies are the thing itself."""

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class TrialSupply(Unwritten, Searcher):
    """Tune's searcher: offers a trial whenever fewer live than `wanted`, and none after the end.

    `wanted` may be raised at any time by any thread, as nodes join.
    """

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self.wanted = wanted
        self._live: set[str] = set()

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """The config of a new trial, or None when there are enough."""
        if len(self._live) >= self.wanted:
            return None
        self._live.add(trial_id)
        return {"trial": trial_id}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """A trial that ended is replaced."""
        self._live.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Tune writes its state at the end; there is none here."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Nothing is ever restored: the database is the truth."""


class PeriodStopper(Unwritten, Stopper):
    """Ends the Tuner when the period is over; no trial ends by itself before."""

    def __init__(self, over: threading.Event) -> None:
        self._over = over

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """No single trial is stopped."""
        return False

    def stop_all(self) -> bool:
        """Whether the period is over."""
        return self._over.is_set()


class ParcelCallback(Unwritten, Callback):
    """Hands every parcel, every death of a trial's worker and every turn of Tune's loop to the scheduler."""

    def __init__(
        self, on_parcel: Callable[[Parcel], None], on_death: Callable[[str], None], on_turn: Callable[[], None]
    ) -> None:
        self._on_parcel = on_parcel
        self._on_death = on_death
        self._on_turn = on_turn

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Tune's loop turns."""
        self._on_turn()

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """A trial has finished a stack, or waited in vain."""
        parcel = result.pop("parcel", None)
        if parcel is not None:
            self._on_parcel(parcel)

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's worker died; Tune will start another one for it."""
        self._on_death(trial.trial_id)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's worker died while it started; another trial will take its place."""
        self._on_death(trial.trial_id)


class Tuning:
    """The mailbox and the Tuner of one busy period."""

    def __init__(self, configuration: Configuration, trials: int) -> None:
        self._configuration = configuration
        self._over = threading.Event()
        self.supply = TrialSupply(trials)
        self.mailbox = MailboxClient.open(ray_session.NAMESPACE)

    def run(self, callback: ParcelCallback) -> None:
        """Run trials until `end`; blocks. Exceptions of the callback come out here."""
        let_results_go()
        folder = tempfile.mkdtemp(prefix=f"{ray_session.TEMP_PREFIX}{os.getpid()}-tune-", dir="/tmp")
        try:
            Tuner(
                tune.with_resources(StackTrainable, self._resources()),
                param_space=self._config(),
                tune_config=TuneConfig(
                    search_alg=self.supply, num_samples=-1, metric=None, mode=None, reuse_actors=False
                ),
                run_config=RunConfig(
                    name="trials",
                    storage_path=folder,
                    stop=PeriodStopper(self._over),
                    callbacks=[callback],
                    failure_config=FailureConfig(max_failures=-1),
                    verbose=0,
                ),
            ).fit()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def end(self) -> None:
        """Make `run` return: no trial gets another stack."""
        self.mailbox.close()
        self._over.set()

    def _resources(self) -> dict[str, float]:
        return {"cpu": self._configuration.trial_cpus, "gpu": self._configuration.trial_gpus}

    def _config(self) -> dict[str, Any]:
        return {
            "mailbox": self.mailbox.name,
            "namespace": self.mailbox.namespace,
            "compute": self._configuration.compute,
            "device": "cuda" if self._configuration.trial_gpus > 0 else "cpu",
            "threads": max(1, int(self._configuration.trial_cpus)),
            "limit_seconds": self._configuration.stack_limit_seconds,
            "log_level": self._configuration.log_level,
        }
