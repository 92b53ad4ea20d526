"""What people say of experiments: a note, tags, and that they are archived."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("experiments", sa.Column("note", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("experiments", sa.Column("tags", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
    op.add_column("experiments", sa.Column("archived", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for name in ("archived", "tags", "note"):
        op.drop_column("experiments", name)
