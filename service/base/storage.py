"""The database as the service opens it."""

from phaselab.db.schema.database import BadDatabaseUrl as BadDatabaseUrl
from phaselab.db.schema.database import Database as Database
from phaselab.db.schema.network_files import NetworkFileSystem as NetworkFileSystem
from phaselab.db.schema.upgrade import SchemaMismatch as SchemaMismatch
from phaselab.db.schema.upgrade import make_ready
from phaselab.db.writing.recipe import adopt_recipe, waits_under_older_recipe
from phaselab.service.base.configuration import Configuration


def open_database(configuration: Configuration, creates: bool = False) -> Database:
    """The configured database, its schema up to date: upgraded here for a SQLite file, insisted on for a server. A
    SQLite file that is not there is made only if it is told so.

    Raises BadDatabaseUrl, NoDatabase, NetworkFileSystem, SchemaMismatch or DatabaseAway.
    """
    database = Database(configuration.database_url, creates=creates)
    make_ready(database)
    with database.reading() as session:
        outdated = waits_under_older_recipe(session)
    if outdated:
        with database.transaction() as session:
            adopt_recipe(session)
    return database
