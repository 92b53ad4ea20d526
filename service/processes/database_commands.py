"""`phaselab db upgrade | check | rebuild | backup | vacuum`: looking after the database."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import click

from phaselab.db.care import maintenance
from phaselab.db.care.check import check as find_faults
from phaselab.db.care.sizes import BACKUP
from phaselab.db.schema.away import DatabaseAway
from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import current_revision, head_revision, insist_ready
from phaselab.db.schema.upgrade import upgrade as upgrade_schema
from phaselab.db.writing import audit
from phaselab.service.base.configuration import load_configuration
from phaselab.service.base.plainly import told_plainly
from phaselab.service.verbs.audit import ACTOR, OPERATOR

NOTE_SECONDS = 5.0
"""How long a backup that is made waits for others who write, to be noted."""


@click.group("db")
def database_commands() -> None:
    """Look after the database that PHASELAB_DATABASE_URL names."""


@database_commands.command()
def upgrade() -> None:
    """Bring the schema to what this version needs. Safe to repeat."""
    with _database(creates=True) as database:
        upgrade_schema(database)
    click.echo(f"The schema is at {head_revision()}.")


@database_commands.command()
def check() -> None:
    """Check that what is kept twice agrees; exit code 1 when something is wrong."""
    with _database(ready=True) as database, database.reading() as session:
        found = find_faults(session)
    for finding in found:
        click.echo(finding.detail + (" (phaselab db rebuild mends this)" if finding.rebuild else ""))
    if found:
        sys.exit(1)
    click.echo("The database is sound.")


@database_commands.command()
def rebuild() -> None:
    """Make counts, statuses and summaries anew from the runs."""
    with _database(ready=True) as database, database.transaction() as session:
        points = maintenance.rebuild(session)
    click.echo(f"{points} points summed up.")


def _note_backup(database: Database, file: Path) -> None:
    """Note that it was done, where this version writes the database; whoever cannot write it has its backup."""
    if current_revision(database) != head_revision():
        return
    ACTOR.set(OPERATOR)
    with database.driver() as driver:  # whose connection the transaction takes
        driver.execute(f"PRAGMA busy_timeout = {round(1000 * NOTE_SECONDS)}")
    with suppress(DatabaseAway), database.transaction() as session:
        audit.note(session, BACKUP, subject=file.name)


@database_commands.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy a SQLite database to FILE, while the service runs."""
    with _database() as database:
        maintenance.backup(database, file)
        _note_backup(database, file)
    click.echo(f"Backed up to {file}.")


@database_commands.command()
def vacuum() -> None:
    """Remove runs that no experiment has, and give space back."""
    with _database(ready=True) as database:
        removed = maintenance.vacuum(database)
    click.echo(f"{removed} runs that no experiment has were removed.")


@contextmanager
def _database(ready: bool = False, creates: bool = False) -> Iterator[Database]:
    """The database; `ready` for what reads or writes rows, and so needs the schema of this version. Only what `creates`
    makes a new one."""
    url = load_configuration(needed=("database_url",)).database_url
    with told_plainly(), closing(Database(url, creates=creates)) as database:
        if ready:
            insist_ready(database)
        yield database
