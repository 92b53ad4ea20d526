"""The table of answers that are kept by the Idempotency-Key of their requests."""

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from phaselab.db.schema.naming import metadata
from phaselab.db.schema.types import UtcDateTime

kept_answers = Table(
    "kept_answers",
    metadata,
    Column("account", String(64), nullable=False),
    Column("key", String(200), nullable=False),
    Column("method", String(8), nullable=False),
    Column("address", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("account", "key"),
    Index(None, "at"),
    Index(None, "account", "at"),
)
"""What was answered to a request that changed something, written with the change itself: whose request it was and its
key, its method, its path with its query, the sha256 of its body; the answer's status, headers and body (compressed by
zlib; null where it held a secret)."""
