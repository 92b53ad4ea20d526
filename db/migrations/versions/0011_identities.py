"""Identities of single sign-on, and logins by them beside those by tokens; when each login began."""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

from phaselab.db.schema.types import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

LASTED = timedelta(days=30)
"""How long every login before this schema was for."""


def upgrade() -> None:
    connection = op.get_bind()
    expires = sa.column("expires_at", UtcDateTime())
    former = sa.table("logins", sa.column("secret_hash"), sa.column("token_id"), expires)
    kept = connection.execute(sa.select(former)).all()
    op.drop_table("logins")
    _identities()
    _logins()
    logins = sa.table("logins", *(sa.column(c.name, c.type) for c in former.c), sa.column("created_at", UtcDateTime()))
    for row in kept:
        connection.execute(sa.insert(logins).values(**row._mapping, created_at=row.expires_at - LASTED))


def _identities() -> None:
    op.create_table(
        "identities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identities"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_identities_account_id_accounts", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("issuer", "subject", name="uq_identities_issuer_subject"),
    )
    op.create_index("ix_identities_account_id", "identities", ["account_id"])


def _logins() -> None:
    op.create_table(
        "logins",
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("token_id", sa.Integer()),
        sa.Column("identity_id", sa.Integer()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_logins"),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_logins_token_id_tokens", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["identities.id"], name="fk_logins_identity_id_identities", ondelete="CASCADE"
        ),
        sa.CheckConstraint("(token_id IS NULL) <> (identity_id IS NULL)", name=op.f("ck_logins_way")),
    )
    op.create_index("ix_logins_token_id", "logins", ["token_id"])
    op.create_index("ix_logins_identity_id", "logins", ["identity_id"])


def downgrade() -> None:
    raise RuntimeError("logins by single sign-on do not fit the schema before this one: restore the last backup")
