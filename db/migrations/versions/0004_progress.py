"""How far a run is that is handed out."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("stage", sa.String(16)))
    op.add_column("runs", sa.Column("stage_share", sa.Double()))


def downgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.drop_column("stage_share")
        table.drop_column("stage")
