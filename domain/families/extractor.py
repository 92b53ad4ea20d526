"""The run that trains the extractor of a head on features."""

from phaselab.domain.families.on_features import extractor_settings, on_features
from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.runs import Run


def extractor(run: Run) -> Run | None:
    """The run of the ResNet whose features a run's network is trained on; None for a network without features.

    It is a run like any other, a pure function of the settings `features` and `data` and of the data seed, so heads
    that have these in common have one extractor.
    """
    if not on_features(run.settings):
        return None
    settings = extractor_settings(run.settings)
    seeded = settings.model_copy(update={"data": settings.data.model_copy(update={"seed": run.data_seed})})
    return Run.of(resolve(seeded), run.settings.features.seed or 0)
