"""What the service tells of itself: workers, shares, use of quotas, sizes; failures and deeds by index."""

import sqlalchemy as sa
from alembic import op

from phaselab.db.schema.types import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("leader", sa.Column("since", UtcDateTime()))
    failed = sa.text("state = 'failed'")
    op.create_index("ix_runs_failed", "runs", ["landed_at"], sqlite_where=failed, postgresql_where=failed)
    op.create_index("ix_audit_account_id", "audit", ["account", "id"])
    op.create_index("ix_audit_deed_id", "audit", ["deed", "id"])
    op.create_table(
        "nodes",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("cpus", sa.Double(), nullable=False),
        sa.Column("gpus", sa.Double(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_nodes"),
    )
    op.create_table(
        "trials",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("node_id", sa.String(64), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("experiment_id", sa.Integer()),
        sa.Column("owner", sa.String(200)),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(16)),
        sa.Column("stage_share", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_trials"),
    )
    op.create_table(
        "shares",
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("stacks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name="pk_shares"),
    )
    op.create_table(
        "quota_use",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("room_at", UtcDateTime()),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_quota_use"),
    )
    op.create_table(
        "sizes",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.JSON()),
        sa.PrimaryKeyConstraint("day", name="pk_sizes"),
    )


def downgrade() -> None:
    for name in ("sizes", "quota_use", "shares", "trials", "nodes"):
        op.drop_table(name)
    op.drop_index("ix_audit_deed_id", "audit")
    op.drop_index("ix_audit_account_id", "audit")
    op.drop_index("ix_runs_failed", "runs")
    op.drop_column("leader", "since")
