"""Refinement: runs that are held, and how many of them an experiment has."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHECKS = {
    ("runs", "state"): ("'queued', 'leased', 'done', 'failed', 'cancelled'", "'held', "),
    ("experiment_runs", "want"): ("'pending', 'done', 'failed', 'cancelled'", "'held', "),
}
"""By table and column, what the column may hold, and what is new before it."""
COUNTS = "done + failed + cancelled"


def upgrade() -> None:
    op.add_column("experiments", sa.Column("held", sa.Integer(), nullable=False, server_default=sa.text("0")))
    changes = {
        (table, f"{column} IN ({old})"): f"{column} IN ({new}{old})" for (table, column), (old, new) in _checks()
    }
    _change_checks(changes | {("experiments", f"{COUNTS} <= total"): f"{COUNTS} + held <= total"})


def downgrade() -> None:
    op.execute("UPDATE experiments SET cancelled = cancelled + held, held = 0")
    op.execute("UPDATE experiment_runs SET want = 'cancelled' WHERE want = 'held'")
    op.execute("UPDATE runs SET state = 'cancelled' WHERE state = 'held'")
    changes = {
        (table, f"{column} IN ({new}{old})"): f"{column} IN ({old})" for (table, column), (old, new) in _checks()
    }
    _change_checks(changes | {("experiments", f"{COUNTS} + held <= total"): f"{COUNTS} <= total"})
    if op.get_bind().dialect.name == "sqlite":
        op.execute("ALTER TABLE experiments DROP COLUMN held")
    else:
        op.drop_column("experiments", "held")


def _checks() -> list[tuple[tuple[str, str], tuple[str, str]]]:
    return list(CHECKS.items())


def _name(table: str, condition: str) -> str:
    column = condition.partition(" IN ")[0]
    return f"ck_{table}_{'counts' if column == condition else column}"


def _change_checks(changes: dict[tuple[str, str], str]) -> None:
    """Change conditions of tables, by table and the condition until now."""
    if op.get_bind().dialect.name != "sqlite":
        for (table, condition), changed in changes.items():
            name = _name(table, condition)
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({changed})")
        return
    # A table made anew would copy every run. Conditions change nothing of what is stored, and SQLite's own way to
    # change one is to write it into the schema (https://www.sqlite.org/lang_altertable.html, section 8).
    connection = op.get_bind()
    version = connection.execute(sa.text("PRAGMA schema_version")).scalar_one()
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    for (table, condition), changed in changes.items():
        written = sa.text(
            "UPDATE sqlite_master SET sql = replace(sql, :old, :new) WHERE type = 'table' AND name = :name"
        )
        connection.execute(written, {"old": condition, "new": changed, "name": table})
    connection.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = OFF"))
