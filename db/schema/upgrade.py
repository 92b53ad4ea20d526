"""Bringing a database's schema to the one that this version needs."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from phaselab.db.schema.database import Database
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.settings.faults import OperatorFault

UPGRADE_COMMAND = "phaselab db upgrade"


class SchemaMismatch(OperatorFault):
    """The database's schema is not the one that this version needs; the message says what to do."""


def upgrade(database: Database) -> None:
    """Run the migrations that the database lacks, all or none. Raises SchemaMismatch for a newer database."""
    with database.transaction() as session:
        config = _config()
        config.attributes["connection"] = session.connection()
        found = MigrationContext.configure(session.connection()).get_current_revision()
        _refuse_newer(found)
        command.upgrade(config, "head")


def current_revision(database: Database) -> str | None:
    """The schema's revision; None for a database without one."""
    with database.reading() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


def head_revision() -> str:
    """The revision that this version needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise SchemaMismatch("this installation holds no migrations; install it again")
    return head


def measures_without_column(connection: Connection) -> list[str]:
    """The measures of the catalogue that runs have no column for."""
    found = inspect(connection)
    if not found.has_table("runs"):
        return []
    columns = {column["name"] for column in found.get_columns("runs")}
    return [name for name in MEASURES if name not in columns]


def make_ready(database: Database) -> None:
    """Upgrade where it is safe (a SQLite file of one's own), else insist that it has been done.

    Columns of new measures are added everywhere: they may be null, so they harm no other version that runs. Raises
    SchemaMismatch, which names the command to run.
    """
    if not _is_ready(database) and (database.is_sqlite or current_revision(database) == head_revision()):
        upgrade(database)
    insist_ready(database)


def insist_ready(database: Database) -> None:
    """Raises SchemaMismatch, which names the command to run, unless the schema is the one that this version needs."""
    if _is_ready(database):
        return
    found = current_revision(database)
    _refuse_newer(found)
    is_at = f"schema is {found or 'not there'}" if found != head_revision() else "runs lack columns of new measures"
    raise SchemaMismatch(
        f"the database's {is_at}, and this version needs {head_revision()}:"
        f" run `{UPGRADE_COMMAND}` once, with no other version of the service running"
    )


def _is_ready(database: Database) -> bool:
    with database.reading() as session:
        connection = session.connection()
        found = MigrationContext.configure(connection).get_current_revision()
        return found == head_revision() and not measures_without_column(connection)


def _refuse_newer(found: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise SchemaMismatch(
            f"the database's schema is {found}, which this version does not know: it was made by a newer version;"
            " install that one"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
