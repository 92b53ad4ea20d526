"""Private experiments: who sees an experiment, and runs that are an owner's alone."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

CHECK = ("ck_experiments_visibility", "visibility IN ('everyone', 'results', 'owner')")
BEFORE = ("uq_runs_settings_id_seed_recipe", ("settings_id", "seed", "recipe"))
NOW = ("uq_runs_settings_id_seed_recipe_pool", (*BEFORE[1], "pool"))
INDEX = "ix_runs_common_key"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # Added the short way: a table made anew would copy every run.
        kept = f"VARCHAR(16) DEFAULT 'everyone' NOT NULL CONSTRAINT {CHECK[0]} CHECK ({CHECK[1]})"
        op.execute(f"ALTER TABLE experiments ADD COLUMN visibility {kept}")
    else:
        visibility = sa.Column("visibility", sa.String(16), nullable=False, server_default=sa.text("'everyone'"))
        op.add_column("experiments", visibility)
        op.create_check_constraint(op.f(CHECK[0]), "experiments", CHECK[1])
    op.add_column("runs", sa.Column("pool", sa.String(200), nullable=False, server_default=sa.text("''")))
    op.add_column("runs", sa.Column("common_key", sa.String(64)))
    where = sa.text("common_key IS NOT NULL")
    op.create_index(INDEX, "runs", ["common_key"], sqlite_where=where, postgresql_where=where)
    _change_unique(BEFORE, NOW)


def downgrade() -> None:
    private = sa.text("SELECT count(*) FROM experiments WHERE visibility <> 'everyone'")
    if op.get_bind().execute(private).scalar_one():
        raise RuntimeError("an older version would show private experiments to everyone: open or delete them first")
    op.execute("DELETE FROM runs WHERE pool <> ''")  # handed out, and of no experiment any more
    _change_unique(NOW, BEFORE)
    op.drop_index(INDEX, "runs")
    op.drop_column("runs", "common_key")
    op.drop_column("runs", "pool")
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(CHECK[0], "experiments", type_="check")
    op.drop_column("experiments", "visibility")


def _change_unique(old: tuple[str, tuple[str, ...]], new: tuple[str, tuple[str, ...]]) -> None:
    """Let runs be unique by other columns."""
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(old[0], "runs", type_="unique")
        op.create_unique_constraint(new[0], "runs", list(new[1]))
        return
    # The constraint is written into the schema (0008 says why), and its index made anew, which copies no run.
    _write_schema("runs", *(f"CONSTRAINT {name} UNIQUE ({', '.join(columns)})" for name, columns in (old, new)))
    op.execute("REINDEX runs")
    connection = op.get_bind()
    indexes = [row.name for row in connection.execute(sa.text("PRAGMA index_list(runs)")) if row.origin == "u"]
    columns = [
        tuple(row.name for row in connection.execute(sa.text(f"PRAGMA index_info({index})"))) for index in indexes
    ]
    if new[1] not in columns:
        raise RuntimeError(f"this SQLite did not take the schema that was written: {columns}")


def _write_schema(table: str, old: str, new: str) -> None:
    connection = op.get_bind()
    version = connection.execute(sa.text("PRAGMA schema_version")).scalar_one()
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    written = sa.text("UPDATE sqlite_master SET sql = replace(sql, :old, :new) WHERE type = 'table' AND name = :name")
    connection.execute(written, {"old": old, "new": new, "name": table})
    connection.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = OFF"))
