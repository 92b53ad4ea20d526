"""What keeps a database from being used, told so that whoever runs it knows what to do."""

import json
import sqlite3

import psycopg

from phaselab.domain.settings.faults import OperatorFault


class DatabaseAway(OperatorFault):
    """The database cannot be reached, or stays locked; nothing was stored. Worth trying again."""

    passes = True


class DatabaseLost(DatabaseAway):
    """The file under the database is not there any more, or another one. The message says so to everyone."""


class DatabaseReadOnly(DatabaseAway):
    """The database lets nobody write. The message says so to everyone."""


class DatabaseDamaged(DatabaseAway):
    """The database's file, or a value in it, cannot be read. The message says so to everyone."""


class NoDatabase(OperatorFault):
    """There is no database where one is looked for; a new one is not made unasked."""

    passes = True


def why_away(error: BaseException | None) -> DatabaseAway | None:
    """What an error of a driver says of the whole database; None when it is about a statement."""
    if isinstance(error, psycopg.Error):
        return _why_server_away(error)
    text = str(error)
    if "readonly database" in text:
        return DatabaseReadOnly(
            "the database cannot be written to: its file or folder is read-only for the user that the service runs as"
        )
    if "malformed" in text or "not a database" in text or "Could not decode to UTF-8" in text:
        return DatabaseDamaged(
            "the database's file is damaged: stop the service, keep a copy of it, and restore the last backup"
        )
    if any(told in text for told in ("database is locked", "unable to open", "disk I/O error", "is full")):
        return DatabaseAway(f"the database cannot be reached: {first_line(error)}")
    return None


def _why_server_away(error: psycopg.Error) -> DatabaseAway | None:
    # No SQLSTATE: the connection itself failed. 08: connection, 53: out of resources, 57: shut down.
    code = str(error.sqlstate or "")
    if code == "25006":
        return DatabaseReadOnly("the database cannot be written to: its server is read-only just now")
    if code[:2] in ("08", "53", "57") or (isinstance(error, psycopg.OperationalError) and not code):
        return DatabaseAway(f"the database cannot be reached: {first_line(error)}")
    return None


def is_about_stored(error: ValueError) -> bool:
    """Whether an error, raised while the database was read, is about a stored value: JSON that is none, a time that is
    none. Whatever comes from outside is read before the database is asked."""
    return isinstance(error, json.JSONDecodeError) or any(one in str(error) for one in _NO_TIME)


def first_line(error: BaseException | None) -> str:
    """The first line of an error's text."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


_NO_TIME = ("isoformat string", "parse datetime string")
"""What SQLAlchemy says, with and without its compiled part."""
DRIVER_ERRORS = (psycopg.Error, sqlite3.Error)
