"""What accounts have computed is summed up as it lands (0014), and no more noted beside."""

import sqlalchemy as sa
from alembic import op

from phaselab.db.schema.types import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("quota_use", "room_at")
    op.drop_column("quota_use", "seconds")


def downgrade() -> None:
    op.add_column("quota_use", sa.Column("seconds", sa.Double(), nullable=False, server_default=sa.text("0")))
    op.add_column("quota_use", sa.Column("room_at", UtcDateTime()))
