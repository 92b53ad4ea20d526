"""Imports: where results came from that were not computed here."""

import sqlalchemy as sa
from alembic import op

from phaselab.db.schema.types import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

REFERENCE = "fk_runs_import_id_imports"


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_imports"),
        sa.UniqueConstraint("owner", "digest", name="uq_imports_owner_digest"),
    )
    if op.get_bind().dialect.name == "sqlite":
        # Added the short way: a table made anew would copy every run.
        op.execute(f"ALTER TABLE runs ADD COLUMN import_id INTEGER CONSTRAINT {REFERENCE} REFERENCES imports (id)")
    else:
        op.add_column("runs", sa.Column("import_id", sa.Integer()))
        op.create_foreign_key(REFERENCE, "runs", "imports", ["import_id"], ["id"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("runs") as table:
            table.drop_constraint(REFERENCE, type_="foreignkey")
            table.drop_column("import_id")
    else:
        op.drop_column("runs", "import_id")
    op.drop_table("imports")
