"""How long a run takes, estimated from its settings before anything is measured."""

from collections.abc import Iterable

from phaselab.domain.families.rates import OVERHEAD
from phaselab.domain.families.registry import family_of
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import trajectories


def estimate_seconds(settings: Settings) -> float:
    """Seconds on one core, for canonical settings; good to a factor of a few, and replaced by measured times. Of a head
    on features, without its extractor, which it shares with others."""
    return family_of(settings).seconds(settings) + OVERHEAD


def training_seconds(settings: Settings) -> float:
    """Of these, what the steps of the training take, which runs of one training share."""
    without = estimate_seconds(settings.with_values({"training.steps": 0}))
    return max(0.0, estimate_seconds(settings) - without)


def estimate_together(runs: Iterable[Run]) -> float:
    """The same of the runs of a stack: a training that they share counts once."""
    found = trajectories(runs)
    looking = sum(estimate_seconds(run.settings) - training_seconds(run.settings) for one in found for run in one.runs)
    return looking + sum(training_seconds(one.longest.settings) for one in found)
