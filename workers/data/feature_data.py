"""Training and test points of a head: what its extractor sees of the images of the run."""

from collections.abc import Mapping

from torch import Tensor

from phaselab.domain.families.extractor import extractor
from phaselab.domain.settings.runs import Run
from phaselab.workers.data import features, image_data
from phaselab.workers.data.features import Features, FeaturesMissing
from phaselab.workers.data.image_sets import load_once
from phaselab.workers.data.training_set import TrainingSet, precision_of


def training_set(run: Run) -> TrainingSet:
    """The features of the training images around the centred means of their classes."""
    classes = load_once(run.settings.data.source).train_class[image_data.rows_of_training(run)]
    inputs = features_seen(run).train.to(precision_of(run))  # [n, e]
    return TrainingSet.around_means(inputs, image_data.clusters_of(run, classes), run.settings.data.k)


def test_features(run: Run) -> tuple[Tensor, Tensor]:
    """Clusters [N] and features [N, e] of the test images of a run."""
    rows = image_data.rows_of_test(run)
    classes = load_once(run.settings.data.source).test_class[rows]
    return image_data.clusters_of(run, classes), features_seen(run).test[rows].to(precision_of(run))


def origin(run: Run) -> Mapping[str, str]:
    """Which extractor made the features of a run."""
    return {"features": _extractor(run).key, "extractor": features_seen(run).about["extractor"]}


def features_seen(run: Run) -> Features:
    """The features that a head is trained on. Raises FeaturesMissing where its extractor has not left them."""
    found = features.load(_extractor(run).key, image_data.origin(run.settings.data))
    if found is None:
        raise FeaturesMissing(f"the features of run {run.key} are not there")
    return found


def _extractor(run: Run) -> Run:
    made_by = extractor(run)
    if made_by is None:
        raise ValueError(f"run {run.key} is not trained on features")
    return made_by
