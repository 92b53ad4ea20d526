"""The workload as operators watch it."""

from phaselab.db.queue import workload
from phaselab.db.queue.workload import Workload as Workload
from phaselab.db.schema.database import Database


def current_workload(database: Database) -> Workload:
    """The workload at this moment."""
    with database.reading() as session:
        return workload.workload(session)
