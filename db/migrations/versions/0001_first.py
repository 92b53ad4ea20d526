"""The first schema."""

import sqlalchemy as sa
from alembic import op

from phaselab.db.schema.types import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PENDING = sa.text("claim = 'pending'")
LEASED = sa.text("leased_by IS NOT NULL")


def upgrade() -> None:
    _settings()
    _runs()
    _experiments()
    _points()
    _experiment_runs()
    op.create_table(
        "leader",
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leader"),
    )


def downgrade() -> None:
    for table in (
        "leader",
        "experiment_runs",
        "points",
        "experiments",
        "run_arrays",
        "runs",
        "provenances",
        "settings",
    ):
        op.drop_table(table)


def _settings() -> None:
    op.create_table(
        "settings",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("canonical", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_settings"),
        sa.UniqueConstraint("digest", name="uq_settings_digest"),
    )
    op.create_table(
        "provenances",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_provenances"),
        sa.UniqueConstraint("digest", name="uq_provenances_digest"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("settings_id", sa.BigInteger(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("recipe", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("leased_by", sa.String(200)),
        sa.Column("lease_expires_at", UtcDateTime()),
        sa.Column("landed_at", UtcDateTime()),
        sa.Column("seconds", sa.Double()),
        sa.Column("reason", sa.Text()),
        sa.Column("traceback", sa.Text()),
        sa.Column("trust", sa.String(16)),
        sa.Column("flags", sa.JSON(none_as_null=True)),
        sa.Column("provenance_id", sa.Integer()),
        sa.Column("train_loss", sa.Double()),
        sa.Column("train_accuracy", sa.Double()),
        sa.Column("test_accuracy", sa.Double()),
        sa.Column("test_accuracy_sum", sa.Double()),
        sa.Column("averaging_index", sa.Double()),
        sa.Column("feature_fraction", sa.Double()),
        sa.Column("coefficient_ratio", sa.Double()),
        sa.Column("robust_radius_sum", sa.Double()),
        sa.Column("robust_radius_max", sa.Double()),
        sa.Column("robust_radius_sum_relative", sa.Double()),
        sa.Column("robust_radius_max_relative", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(["settings_id"], ["settings.id"], name="fk_runs_settings_id_settings"),
        sa.ForeignKeyConstraint(["provenance_id"], ["provenances.id"], name="fk_runs_provenance_id_provenances"),
        sa.UniqueConstraint("key", name="uq_runs_key"),
        sa.UniqueConstraint("settings_id", "seed", "recipe", name="uq_runs_settings_id_seed_recipe"),
        sa.CheckConstraint("state IN ('queued', 'leased', 'done', 'failed', 'cancelled')", name=op.f("ck_runs_state")),
        sa.CheckConstraint("trust IN ('ok', 'suspect')", name=op.f("ck_runs_trust")),
    )
    op.create_index("ix_runs_leased_by", "runs", ["leased_by"], sqlite_where=LEASED, postgresql_where=LEASED)
    op.create_table(
        "run_arrays",
        sa.Column("run_id", ID, autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_arrays"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_arrays_run_id_runs", ondelete="CASCADE"),
    )


def _experiments() -> None:
    op.create_table(
        "experiments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("idempotency_key", sa.String(200)),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime()),
        sa.Column("finished_at", UtcDateTime()),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("cached", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_experiments"),
        sa.UniqueConstraint("owner", "idempotency_key", name="uq_experiments_owner_idempotency_key"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'paused', 'finished', 'finished_with_failures', 'cancelled')",
            name=op.f("ck_experiments_status"),
        ),
        sa.CheckConstraint("done + failed + cancelled <= total", name=op.f("ck_experiments_counts")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_experiments_status", "experiments", ["status"])


def _points() -> None:
    op.create_table(
        "points",
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("settings_id", sa.BigInteger(), nullable=False),
        sa.Column("axis_values", sa.JSON(), nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "position", name="pk_points"),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name="fk_points_experiment_id_experiments", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["settings_id"], ["settings.id"], name="fk_points_settings_id_settings"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_points_settings_id_experiment_id", "points", ["settings_id", "experiment_id"])


def _experiment_runs() -> None:
    op.create_table(
        "experiment_runs",
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("claim", sa.String(16), nullable=False),
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
            "claim IN ('pending', 'done', 'failed', 'cancelled')", name=op.f("ck_experiment_runs_claim")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_experiment_runs_run_id_experiment_id", "experiment_runs", ["run_id", "experiment_id"])
    for name, columns in (
        ("ix_experiment_runs_pending_rank", ["experiment_id", "rank"]),
        ("ix_experiment_runs_pending_shape", ["experiment_id", "shape", "rank"]),
    ):
        op.create_index(name, "experiment_runs", columns, sqlite_where=PENDING, postgresql_where=PENDING)
