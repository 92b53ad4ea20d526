"""Extractors: the networks whose features heads are trained on. Trained once, by whichever worker needs one first."""

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from phaselab.domain.families.extractor import extractor
from phaselab.domain.settings.runs import Run
from phaselab.workers.base.checkpoint import Checkpoint
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.data import features
from phaselab.workers.data.features import Features
from phaselab.workers.data.image_data import origin
from phaselab.workers.families.registry import EXTRACTORS

LOOK_SECONDS = 0.25
"""How often a worker looks whether another one has made the features that it waits for."""


def without_features(runs: Sequence[Run], device: str, stop: Stop | None) -> dict[str, str]:
    """See to it that the features of the heads among runs are there. Gives the run keys of those whose extractor is of
    no use, with the reason. Raises Stopped, DataFault.
    """
    extractors = {run.key: extractor(run) for run in runs}
    distinct = {one.key: one for one in extractors.values() if one is not None}
    useless = {key for key, one in distinct.items() if not made_once(one, device, stop).finite}
    return {
        key: f"the extractor diverged: the features of its run {one.key} are not finite; use a smaller"
        " features.learning_rate"
        for key, one in extractors.items()
        if one is not None and one.key in useless
    }


def made_once(run: Run, device: str, stop: Stop | None) -> Features:
    """The features of an extractor's run: as they are kept, or made now, while other workers wait. Raises Stopped."""
    images = origin(run.settings.data)
    found = features.load(run.key, images)
    if found is None:
        with _alone(run.key, stop):
            found = features.load(run.key, images)
            if found is None:
                found = EXTRACTORS[run.settings.network.kind].extract(run, device, stop)
                features.save(run.key, found)
                Checkpoint(run.key).remove()
    return found


@contextmanager
def _alone(key: str, stop: Stop | None) -> Iterator[None]:
    """Hold the lock of an extractor, which ends with the process that holds it. Raises Stopped while it waits."""
    place = features.path_of(key).with_suffix(".lock")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("w") as file:
        while True:
            check(stop)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(LOOK_SECONDS)
        yield
