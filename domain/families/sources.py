"""Every source by its name."""

from collections.abc import Mapping

from phaselab.domain.families.clusters import CLUSTERS
from phaselab.domain.families.contract import Source
from phaselab.domain.families.grid import GRID
from phaselab.domain.families.heads import FEATURES
from phaselab.domain.families.on_features import on_features
from phaselab.domain.families.on_images import IMAGES
from phaselab.domain.families.orthogonal import ORTHOGONAL
from phaselab.domain.families.sparse_regression import SPARSE_REGRESSION
from phaselab.domain.settings.settings import Settings

SOURCES: Mapping[str, Source] = {
    source.name: source for source in (CLUSTERS, IMAGES, FEATURES, ORTHOGONAL, SPARSE_REGRESSION, GRID)
}


def source_of(settings: Settings) -> Source:
    """What the network of these settings is trained on."""
    if on_features(settings):
        return FEATURES
    return SOURCES.get(settings.data.source, IMAGES)
