"""The run that trains the extractor of a head on features."""

from phaselab.domain.families.resolve import resolve
from phaselab.domain.families.sources import source_of
from phaselab.domain.settings.runs import Run


def extractor(run: Run) -> Run | None:
    """The run of the network whose features a run's network is trained on; None for a network without features.

    It is a run like any other, a pure function of the settings `features` and `data` and of the data seed, so heads
    that have these in common have one extractor.
    """
    settings = source_of(run.settings).extractor(run.settings)
    if settings is None:
        return None
    return Run.of(resolve(settings.with_values({"data.seed": run.data_seed})), run.settings.features.seed or 0)
