"""An experiment's wish for a run is called a want; runs and summaries tell which measures they hold."""

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FIRST_MEASURES = [
    "train_loss",
    "train_accuracy",
    "test_accuracy",
    "test_accuracy_sum",
    "averaging_index",
    "feature_fraction",
    "coefficient_ratio",
    "robust_radius_sum",
    "robust_radius_max",
    "robust_radius_sum_relative",
    "robust_radius_max_relative",
]
"""Those of every run, and the layout of every summary, until now."""
LIST = "measure_list_id"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _measure_lists()
    if op.get_bind().dialect.name == "sqlite":
        _remake_wants("claim", "want")
        _remake_points(with_list=True)
        # A column with a reference, added the short way: a table made anew would copy every run.
        op.execute(f"ALTER TABLE runs ADD COLUMN {LIST} INTEGER CONSTRAINT {_reference('runs')} {_REFERENCES}")
    else:
        _rename_want("claim", "want")
        for table in ("points", "runs"):
            op.add_column(table, sa.Column(LIST, sa.Integer()))
            op.create_foreign_key(_reference(table), table, "measure_lists", [LIST], ["id"])
        op.execute(f"UPDATE points SET {LIST} = 1")
        op.alter_column("points", LIST, nullable=False)
    op.execute(f"UPDATE runs SET {LIST} = 1 WHERE state = 'done'")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _remake_wants("want", "claim")
        _remake_points(with_list=False)
        with op.batch_alter_table("runs") as table:
            table.drop_constraint(_reference("runs"), type_="foreignkey")
            table.drop_column(LIST)
    else:
        _rename_want("want", "claim")
        for name in ("points", "runs"):
            op.drop_column(name, LIST)
    op.drop_table("measure_lists")


_REFERENCES = "REFERENCES measure_lists (id)"


def _reference(table: str) -> str:
    return f"fk_{table}_{LIST}_measure_lists"


def _measure_lists() -> None:
    lists = op.create_table(
        "measure_lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_measure_lists"),
        sa.UniqueConstraint("digest", name="uq_measure_lists_digest"),
    )
    digest = hashlib.sha256(json.dumps(FIRST_MEASURES).encode()).hexdigest()
    op.execute(sa.insert(lists).values(digest=digest, content=FIRST_MEASURES))


def _rename_want(old: str, new: str) -> None:
    """On PostgreSQL, where the indexes' conditions follow by themselves."""
    op.alter_column("experiment_runs", old, new_column_name=new)
    op.execute(f"ALTER TABLE experiment_runs RENAME CONSTRAINT ck_experiment_runs_{old} TO ck_experiment_runs_{new}")


def _remake_wants(old: str, new: str) -> None:
    """On SQLite, where a constraint cannot be renamed: the table made anew with its rows."""
    op.rename_table("experiment_runs", "before")
    op.create_table(
        "experiment_runs",
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column(new, sa.String(16), nullable=False),
        sa.Column("cached", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("shape", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "run_id", name="pk_experiment_runs"),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiments.id"],
            name="fk_experiment_runs_experiment_id_experiments",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_experiment_runs_run_id_runs"),
        sa.CheckConstraint(
            f"{new} IN ('pending', 'done', 'failed', 'cancelled')", name=op.f(f"ck_experiment_runs_{new}")
        ),
        sqlite_with_rowid=False,
    )
    rest = "cached, rank, shape, data"
    op.execute(
        f"INSERT INTO experiment_runs (experiment_id, run_id, {new}, {rest})"
        f" SELECT experiment_id, run_id, {old}, {rest} FROM before ORDER BY experiment_id, run_id"
    )
    op.drop_table("before")
    op.create_index("ix_experiment_runs_run_id_experiment_id", "experiment_runs", ["run_id", "experiment_id"])
    pending = sa.text(f"{new} = 'pending'")
    for name, columns in (
        ("ix_experiment_runs_pending_rank", ["experiment_id", "rank"]),
        ("ix_experiment_runs_pending_shape", ["experiment_id", "shape", "rank"]),
    ):
        op.create_index(name, "experiment_runs", columns, sqlite_where=pending)


def _remake_points(with_list: bool) -> None:
    """On SQLite, which adds no column that may not be null."""
    op.rename_table("points", "before")
    columns: list[sa.Column[Any]] = [
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("settings_id", sa.BigInteger(), nullable=False),
        sa.Column("axis_values", sa.JSON(), nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=False),
    ]
    constraints: list[sa.Constraint] = [
        sa.PrimaryKeyConstraint("experiment_id", "position", name="pk_points"),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name="fk_points_experiment_id_experiments", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["settings_id"], ["settings.id"], name="fk_points_settings_id_settings"),
    ]
    names = ", ".join(column.name for column in columns)
    if with_list:
        columns.append(sa.Column(LIST, sa.Integer(), nullable=False))
        constraints.append(sa.ForeignKeyConstraint([LIST], ["measure_lists.id"], name=_reference("points")))
    op.create_table("points", *columns, *constraints, sqlite_with_rowid=False)
    into, given = (f"{names}, {LIST}", f"{names}, 1") if with_list else (names, names)
    op.execute(f"INSERT INTO points ({into}) SELECT {given} FROM before ORDER BY experiment_id, position")
    op.drop_table("before")
    op.create_index("ix_points_settings_id_experiment_id", "points", ["settings_id", "experiment_id"])
