"""Deeds of one kind of one account by an index of their own, however many others there are."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_account_deed_id", "audit", ["account", "deed", "id"])


def downgrade() -> None:
    op.drop_index("ix_audit_account_deed_id", "audit")
