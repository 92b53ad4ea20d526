"""The tables of who may come in, and of what was done."""

from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from phaselab.db.schema.naming import ID, metadata, one_of
from phaselab.db.schema.types import UtcDateTime


class Role(StrEnum):
    """What an account is to the lab."""

    READER = "reader"  # looks at everything, changes nothing
    MEMBER = "member"  # submits, and changes what is its own
    ADMIN = "admin"  # changes what is anyone's, and looks after the accounts


class Scope(StrEnum):
    """What a token is for: never more than its account may do."""

    READ = "read"  # looking
    SUBMIT = "submit"  # submitting, and changing experiments
    ADMIN = "admin"  # all that the account may do, its tokens and other accounts among it


accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False, server_default=text("'member'")),
    Column("weight", Double, nullable=False, server_default=text("1")),
    Column("trials", Integer),
    Column("runs_each", BigInteger),
    Column("runs_queued", BigInteger),
    Column("seconds_a_day", Double),
    Column("bytes_stored", BigInteger),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
    Column("edition", BigInteger, nullable=False, server_default=text("1")),
    CheckConstraint(one_of("role", Role), name="role"),
    CheckConstraint("weight > 0", name="weight"),
    CheckConstraint("trials > 0", name="trials"),
)
"""Who may come in. An account's name is the owner of what it submits; `weight` is its part in the fair share, `trials`
the most that work for it at a time, null for the service's own limit, and so are its quotas: runs of one experiment,
runs that wait, computing seconds in a day, bytes of results. `edition` rises with every change of it."""

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", Integer, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("scope", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("used_at", UtcDateTime),
    UniqueConstraint("account_id", "name"),
    CheckConstraint(one_of("scope", Scope), name="scope"),
)
"""Tokens of accounts, each by the sha256 of it. `used_at` is off by a minute at most."""

identities = Table(
    "identities",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issuer", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("account_id", Integer, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("issuer", "subject"),
    Index(None, "account_id"),
)
"""Who people are at a provider of single sign-on: its issuer, and its subject, which it gives to nobody else. A name is
no identity: providers give names again."""

logins = Table(
    "logins",
    metadata,
    Column("secret_hash", String(64), primary_key=True),
    Column("token_id", Integer, ForeignKey("tokens.id", ondelete="CASCADE")),
    Column("identity_id", Integer, ForeignKey("identities.id", ondelete="CASCADE")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "token_id"),
    Index(None, "identity_id"),
    CheckConstraint("(token_id IS NULL) <> (identity_id IS NULL)", name="way"),
)
"""People who have logged in with a browser: the sha256 of the random secret that its cookie holds, which is no token.
A login by a token may what its token may, one by an identity what its account may. It is gone with the token or the
identity, when they log out, and when their account is disabled."""

audit = Table(
    "audit",
    metadata,
    Column("id", ID, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("account", String(64), nullable=False),
    Column("by", String(80), nullable=False),
    Column("address", String(64), nullable=False),
    Column("request", String(64), nullable=False),
    Column("deed", String(32), nullable=False),
    Column("experiment_id", Integer),
    Column("subject", Text, nullable=False),
    Column("content", JSON, nullable=False),
    Index(None, "experiment_id"),
    Index(None, "account", "id"),
    Index(None, "deed", "id"),
    Index(None, "account", "deed", "id"),
    sqlite_autoincrement=True,
)
"""What was done, by whom, from where; written with the deed itself, and never changed or removed: the database refuses
it. `by` names the token, the login's token, or the command line."""
