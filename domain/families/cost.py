"""How long a run takes, estimated from its settings before anything is measured."""

from phaselab.domain.families.rates import OVERHEAD
from phaselab.domain.families.registry import family_of
from phaselab.domain.settings.settings import Settings


def estimate_seconds(settings: Settings) -> float:
    """Seconds on one core, for canonical settings; good to a factor of a few, and replaced by measured times. Of a head
    on features, without its extractor, which it shares with others."""
    return family_of(settings).seconds(settings) + OVERHEAD
