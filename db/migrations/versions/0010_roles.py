"""Roles, quotas and several tokens of accounts; logins by token; what was done, kept for good."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from phaselab.db.schema.types import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ACCOUNT = ("id", "name", "weight", "trials", "created_at", "disabled_at")
ROLES, SCOPES = "role IN ('reader', 'member', 'admin')", "scope IN ('read', 'submit', 'admin')"
QUOTAS: tuple[tuple[str, Any], ...] = (
    ("runs_each", sa.BigInteger),
    ("runs_queued", sa.BigInteger),
    ("seconds_a_day", sa.Double),
    ("bytes_stored", sa.BigInteger),
)


def upgrade() -> None:
    connection = op.get_bind()
    tokens = connection.execute(sa.text("SELECT id, token_hash, created_at FROM accounts")).all()
    logins = connection.execute(sa.text("SELECT secret_hash, account_id, expires_at FROM logins")).all()
    op.drop_table("logins")
    _accounts()
    _tokens()
    _logins()
    for account_id, token_hash, created_at in tokens:
        row = {"id": account_id, "hash": token_hash, "at": created_at}
        connection.execute(
            sa.text(
                "INSERT INTO tokens (id, account_id, name, token_hash, scope, created_at)"
                " VALUES (:id, :id, 'first', :hash, 'admin', :at)"
            ),
            row,
        )
    if tokens and connection.dialect.name != "sqlite":
        op.execute("SELECT setval(pg_get_serial_sequence('tokens', 'id'), (SELECT max(id) FROM tokens))")
    for secret_hash, account_id, expires_at in logins:
        connection.execute(
            sa.text("INSERT INTO logins (secret_hash, token_id, expires_at) VALUES (:hash, :id, :at)"),
            {"hash": secret_hash, "id": account_id, "at": expires_at},
        )
    _audit()


def _accounts() -> None:
    role = sa.Column("role", sa.String(16), server_default=sa.text("'member'"), nullable=False)
    quotas: list[sa.Column[Any]] = [sa.Column(name, kind()) for name, kind in QUOTAS]
    if op.get_bind().dialect.name != "sqlite":
        op.drop_column("accounts", "token_hash")
        for column in (role, *quotas):
            op.add_column("accounts", column)
        op.create_check_constraint(op.f("ck_accounts_role"), "accounts", ROLES)
        return
    op.create_table(
        "accounts_anew",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        role,
        sa.Column("weight", sa.Double(), server_default=sa.text("1"), nullable=False),
        sa.Column("trials", sa.Integer()),
        *quotas,
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
        sa.CheckConstraint(ROLES, name=op.f("ck_accounts_role")),
        sa.CheckConstraint("weight > 0", name=op.f("ck_accounts_weight")),
        sa.CheckConstraint("trials > 0", name=op.f("ck_accounts_trials")),
    )
    op.execute(f"INSERT INTO accounts_anew ({', '.join(ACCOUNT)}) SELECT {', '.join(ACCOUNT)} FROM accounts")
    op.drop_table("accounts")
    op.rename_table("accounts_anew", "accounts")


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime()),
        sa.Column("used_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_tokens_account_id_accounts", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("token_hash", name="uq_tokens_token_hash"),
        sa.UniqueConstraint("account_id", "name", name="uq_tokens_account_id_name"),
        sa.CheckConstraint(SCOPES, name=op.f("ck_tokens_scope")),
    )


def _logins() -> None:
    op.create_table(
        "logins",
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_logins"),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_logins_token_id_tokens", ondelete="CASCADE"),
    )
    op.create_index("ix_logins_token_id", "logins", ["token_id"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("deed", sa.String(32), nullable=False),
        sa.Column("experiment_id", sa.Integer()),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_experiment_id", "audit", ["experiment_id"])
    if op.get_bind().dialect.name == "sqlite":
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_keeps_{deed.lower()} BEFORE {deed} ON audit"
                " BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the audit is only added to'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_keeps()"
    )


def downgrade() -> None:
    raise RuntimeError("several tokens of an account do not fit the schema before this one: restore the last backup")
