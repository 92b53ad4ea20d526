"""The database's own time, so that processes on several machines agree on what has expired."""

from datetime import datetime

from sqlalchemy import ColumnElement, literal_column, select
from sqlalchemy.orm import Session

from phaselab.db.schema.types import UtcDateTime

_SQLITE = literal_column("strftime('%Y-%m-%d %H:%M:%f', 'now')", UtcDateTime())
_POSTGRESQL = literal_column("clock_timestamp()", UtcDateTime())


def moment(session: Session) -> ColumnElement[datetime]:
    """Now, by the database's clock, in UTC, as a part of a query."""
    return _SQLITE if session.get_bind().dialect.name == "sqlite" else _POSTGRESQL


def database_time(session: Session) -> datetime:
    """Now, by the database's clock, in UTC."""
    return session.execute(select(moment(session))).scalar_one()
