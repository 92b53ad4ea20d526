"""Logins of people, apart from their tokens; and why no scheduler works."""

import sqlalchemy as sa
from alembic import op

from phaselab.db.schema.types import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "logins",
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_logins"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_logins_account_id_accounts", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_logins_account_id", "logins", ["account_id"])
    op.create_table(
        "troubles",
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_troubles"),
    )


def downgrade() -> None:
    op.drop_table("troubles")
    op.drop_table("logins")
