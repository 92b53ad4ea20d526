"""Answers kept by the keys of their requests; editions of experiments and accounts; the request that submitted."""

import sqlalchemy as sa
from alembic import op

from phaselab.db.schema.types import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("experiments", "accounts"):
        op.add_column(name, sa.Column("edition", sa.BigInteger(), nullable=False, server_default=sa.text("1")))
    op.add_column("experiments", sa.Column("request", sa.String(64), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "kept_answers",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("method", sa.String(8), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account", "key", name="pk_kept_answers"),
    )
    op.create_index("ix_kept_answers_at", "kept_answers", ["at"])
    op.create_index("ix_kept_answers_account_at", "kept_answers", ["account", "at"])
