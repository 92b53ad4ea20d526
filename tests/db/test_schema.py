"""The migrations are the only source of the schema: what they make is what the tables say."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import metadata, runs
from phaselab.db.schema.upgrade import (
    SchemaMismatch,
    current_revision,
    head_revision,
    insist_ready,
    make_ready,
    upgrade,
)
from tests.db.rows import finish, store


def test_migrated_schema_is_that_of_the_tables(database: Database) -> None:
    with database.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrated_checks_are_those_of_the_tables(database: Database) -> None:
    with database.reading() as session:
        inspector = inspect(session.connection())
        for table in metadata.sorted_tables:
            migrated = {
                str(check["name"]): _words(check["sqltext"]) for check in inspector.get_check_constraints(table.name)
            }
            declared = {
                str(check.name): _words(str(check.sqltext))
                for check in table.constraints
                if isinstance(check, CheckConstraint)
            }
            assert migrated == declared


def _words(condition: str) -> set[str]:
    """The quoted values of a condition, or its text: databases write the same condition in their own way."""
    plain = condition.replace("(", "").replace(")", "").removesuffix("::double precision")
    return set(condition.split("'")[1::2]) or {plain}


def test_partial_indexes_are_migrated(database: Database) -> None:
    with database.reading() as session:
        indexes = inspect(session.connection()).get_indexes("experiment_runs")
    partial = {index["name"] for index in indexes if any(key.endswith("_where") for key in index["dialect_options"])}
    assert partial == {"ix_experiment_runs_pending_rank", "ix_experiment_runs_pending_shape"}


def test_states_are_checked_by_the_database(database: Database) -> None:
    store(database)
    for change in (
        "UPDATE experiments SET status = 'gone'",
        "UPDATE runs SET state = 'gone'",
        "UPDATE experiment_runs SET want = 'gone'",
        "UPDATE experiments SET done = total + 1",
        "DELETE FROM settings",
    ):
        with pytest.raises(IntegrityError), database.transaction() as session:
            session.execute(text(change))


def test_a_sqlite_file_is_made_ready_by_itself(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/deep/phaselab.db")
    assert current_revision(database) is None
    make_ready(database)
    make_ready(database)
    assert current_revision(database) == head_revision()
    database.close()


def test_a_server_is_not_upgraded_unasked(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    with database.transaction() as session:
        session.execute(text("DELETE FROM alembic_version"))
    with pytest.raises(SchemaMismatch, match="phaselab db upgrade"):
        make_ready(database)
    database.close()


def test_a_measure_without_a_column_gets_it_on_opening(database: Database) -> None:
    finish(database, store(database))
    with database.transaction() as session:
        session.execute(text("ALTER TABLE runs DROP COLUMN coefficient_ratio"))
    with pytest.raises(SchemaMismatch, match=r"columns of new measures.*phaselab db upgrade"):
        insist_ready(database)
    make_ready(database)
    insist_ready(database)
    with database.reading() as session:
        assert session.execute(select(func.count(), func.count(runs.c.coefficient_ratio))).one() == (18, 0)
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_newer_schema_is_refused(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for way in (make_ready, upgrade):
        with pytest.raises(SchemaMismatch, match="newer version"):
            way(database)
