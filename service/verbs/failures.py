"""The verb of failures: why runs of an experiment failed."""

from phaselab.db.reading.failures import read_failures
from phaselab.db.schema.database import Database
from phaselab.domain.answers.failures import Failures, FailuresQuery
from phaselab.service.verbs.seen import seen_experiment


def failures(database: Database, query: FailuresQuery) -> Failures:
    """The failed runs of an experiment by reason, the most frequent first. Raises NotFound."""
    with database.reading() as session:
        row = seen_experiment(session, query.experiment_id)
        found = read_failures(session, query.experiment_id, query.limit) if row.failed else []
    return Failures(tuple(found))
