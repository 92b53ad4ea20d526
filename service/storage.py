"""The database as the service opens it."""

from db.database import BadDatabaseUrl as BadDatabaseUrl
from db.database import Database as Database
from db.network_files import NetworkFileSystem as NetworkFileSystem
from db.recipe import adopt_recipe, waits_under_older_recipe
from db.upgrade import SchemaMismatch as SchemaMismatch
from db.upgrade import make_ready
from service.settings import ServiceSettings


def open_database(settings: ServiceSettings) -> Database:
    """The configured database, its schema up to date: upgraded here for a SQLite file, insisted on for a server.

    Raises BadDatabaseUrl, NetworkFileSystem or SchemaMismatch, ValueErrors that say what to do, or DatabaseAway.
    """
    database = Database(settings.database_url)
    make_ready(database)
    with database.reading() as session:
        outdated = waits_under_older_recipe(session)
    if outdated:
        with database.transaction() as session:
            adopt_recipe(session)
    return database
