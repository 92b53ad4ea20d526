"""The tables of what the service tells of itself: its workers, who has used them, how large the database is."""

from sqlalchemy import JSON, BigInteger, Column, Double, Integer, String, Table

from phaselab.db.schema.naming import metadata
from phaselab.db.schema.types import UtcDateTime

nodes = Table(
    "nodes",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("cpus", Double, nullable=False),
    Column("gpus", Double, nullable=False),
    Column("slots", Integer, nullable=False),
)
"""Nodes that compute, by Ray's ids: what each has, and how many trials it holds. Written by who has the lead, and gone
with it, as `trials` and `shares` are."""

trials = Table(
    "trials",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("node_id", String(64), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("experiment_id", Integer),
    Column("owner", String(200)),
    Column("runs", Integer, nullable=False),
    Column("stage", String(16)),
    Column("stage_share", Double),
)
"""Trials by Tune's ids: the stack that each computes, of so many `runs` of an experiment, since when, and how far it
is; without an experiment it waits for one."""

shares = Table(
    "shares",
    metadata,
    Column("owner", String(200), primary_key=True),
    Column("seconds", Double, nullable=False),
    Column("stacks", Integer, nullable=False),
)
"""What the fair share goes by: computing seconds of owners, of which half is forgotten every half-life, and how many
of their stacks are out."""

quota_use = Table(
    "quota_use",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("noted_at", UtcDateTime, nullable=False),
)
"""How many bytes of results the accounts had that have a quota of them. Counting is dear, so it is done now and then,
not when somebody asks."""

sizes = Table(
    "sizes",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("parts", JSON(none_as_null=True)),
)
"""How large the database was, at the end of every day (UTC, as 2026-01-31), and, where it was found out, how many bytes
each kind of row took."""
