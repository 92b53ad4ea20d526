"""The workload as operators watch it."""

from db import workload
from db.database import Database
from db.workload import Workload as Workload


def current_workload(database: Database) -> Workload:
    """The workload at this moment."""
    with database.reading() as session:
        return workload.workload(session)
