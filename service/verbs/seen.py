"""Experiments that whoever asks may see: the one place of the verbs that finds one by its number."""

from phaselab.db.reading import experiments
from phaselab.db.reading.experiments import ExperimentRow
from phaselab.db.schema.database import Session
from phaselab.service.base.errors import NotFound


def seen_experiment(session: Session, experiment_id: int) -> ExperimentRow:
    """The experiment. Raises NotFound where it is not there and, in the same words, where it is not seen."""
    row = experiments.get_experiment(session, experiment_id)
    if row is None:
        raise not_there(experiment_id)
    return row


def not_there(experiment_id: int) -> NotFound:
    """What is said of an experiment that is not there, or not to be seen."""
    return NotFound(f"there is no experiment {experiment_id}")
