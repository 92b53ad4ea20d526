"""The tables. Made by the migrations alone; a test proves that these and the migrated schema are one.

An experiment's wish for a run is a want. A run belongs to nobody: experiments that want the same run share its row,
and each has a want of its own. Those of accounts are in `account_tables.py`, those that tell how the service does in
`watch_tables.py`.
"""

from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)

from phaselab.db.schema.account_tables import accounts as accounts
from phaselab.db.schema.account_tables import audit as audit
from phaselab.db.schema.account_tables import identities as identities
from phaselab.db.schema.account_tables import logins as logins
from phaselab.db.schema.account_tables import tokens as tokens
from phaselab.db.schema.kept_tables import kept_answers as kept_answers
from phaselab.db.schema.naming import ID, one_of
from phaselab.db.schema.naming import metadata as metadata
from phaselab.db.schema.types import UtcDateTime
from phaselab.db.schema.watch_tables import nodes as nodes
from phaselab.db.schema.watch_tables import quota_use as quota_use
from phaselab.db.schema.watch_tables import shares as shares
from phaselab.db.schema.watch_tables import sizes as sizes
from phaselab.db.schema.watch_tables import trials as trials
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.domain.specs.visibility import Visibility


class Want(StrEnum):
    """What a run is to one of the experiments that asked for it."""

    HELD = "held"  # of a refinement that has not let it go
    PENDING = "pending"  # still wanted: queued, or handed out
    DONE = "done"  # its result is there
    FAILED = "failed"  # it ended without a result
    CANCELLED = "cancelled"  # wanted no more


settings = Table(
    "settings",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("canonical", Text, nullable=False),
)
"""Canonical settings, each once. `digest` is the sha256 of the text."""

provenances = Table(
    "provenances",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("content", JSON, nullable=False),
)
"""What computed runs, each distinct description once."""

measure_lists = Table(
    "measure_lists",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("content", JSON, nullable=False),
)
"""Names of measures in an order, each distinct list once: which ones runs were given, and the layout of summaries."""

imports = Table(
    "imports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("source", Text, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    UniqueConstraint("owner", "digest"),
)
"""Files that were read in: by whom, of which experiment elsewhere (`digest` of the file's head, and in words)."""

runs = Table(
    "runs",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=False),
    Column("key", String(64), nullable=False, unique=True),
    Column("settings_id", BigInteger, ForeignKey("settings.id"), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("recipe", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("leased_by", String(200)),
    Column("lease_expires_at", UtcDateTime),
    Column("landed_at", UtcDateTime),
    Column("seconds", Double),
    Column("reason", Text),
    Column("traceback", Text),
    Column("trust", String(16)),
    Column("flags", JSON(none_as_null=True)),
    Column("provenance_id", Integer, ForeignKey("provenances.id")),
    Column("import_id", Integer, ForeignKey("imports.id")),
    Column("stage", String(16)),
    Column("stage_share", Double),
    Column("measure_list_id", Integer, ForeignKey("measure_lists.id")),
    Column("pool", String(200), nullable=False, server_default=text("''")),
    Column("common_key", String(64)),
    *(Column(name, Double) for name in MEASURES),
    UniqueConstraint("settings_id", "seed", "recipe", "pool"),
    CheckConstraint(one_of("state", RunState), name="state"),
    CheckConstraint("trust IN ('ok', 'suspect')", name="trust"),
    Index(
        "ix_runs_leased_by",
        "leased_by",
        sqlite_where=text("leased_by IS NOT NULL"),
        postgresql_where=text("leased_by IS NOT NULL"),
    ),
    Index(
        "ix_runs_failed",
        "landed_at",
        sqlite_where=text("state = 'failed'"),
        postgresql_where=text("state = 'failed'"),
    ),
    Index(
        "ix_runs_common_key",
        "common_key",
        sqlite_where=text("common_key IS NOT NULL"),
        postgresql_where=text("common_key IS NOT NULL"),
    ),
)
"""One row a run, shared by every experiment that wants it. `stage` and `stage_share` tell how far a run is that is
handed out; null where nothing is known, and once it has ended. `import_id` tells where a result came from that was not
computed here (`db.writing.imports`).

`pool` is empty for runs of everyone, and else the owner whose private experiments have it (`db.writing.pools`): such a
run has a key of its own, and in `common_key` the one of the run of everyone that it is the same as.

Every measure of the catalogue has a typed column; one that is new gets it when the database is opened. The list of a
result names the measures that it was given: what is null in a run was undefined if it is among them, and not measured
if it is not."""

run_arrays = Table(
    "run_arrays",
    metadata,
    Column("run_id", ID, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
"""Curves, cosine matrix and profiles of a run (`db/writing/arrays.py`), apart from it so that its row stays narrow."""

experiments = Table(
    "experiments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("idempotency_key", String(200)),
    Column("priority", Integer, nullable=False),
    Column("status", String(32), nullable=False),
    Column("spec", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("points", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("cached", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("failed", Integer, nullable=False, server_default=text("0")),
    Column("cancelled", Integer, nullable=False, server_default=text("0")),
    Column("held", Integer, nullable=False, server_default=text("0")),
    Column("revision", BigInteger, nullable=False, server_default=text("1")),
    Column("note", Text, nullable=False, server_default=text("''")),
    Column("tags", JSON, nullable=False, server_default=text("'[]'")),
    Column("archived", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("edition", BigInteger, nullable=False, server_default=text("1")),
    Column("request", String(64), nullable=False, server_default=text("''")),
    Column("visibility", String(16), nullable=False, server_default=text("'everyone'")),
    UniqueConstraint("owner", "idempotency_key"),
    CheckConstraint(one_of("status", ExperimentStatus), name="status"),
    CheckConstraint(one_of("visibility", Visibility), name="visibility"),
    CheckConstraint("done + failed + cancelled + held <= total", name="counts"),
    Index("ix_experiments_status", "status"),
    sqlite_autoincrement=True,
)
"""What users submitted. `total` counts distinct runs; `done`, `failed`, `cancelled` and `held` count its wants, the
rest is pending; `cached` of them were done before it asked for them. `revision` rises with every change of its
results, `edition` with everything that somebody does to it. `note`, `tags` (a list of texts) and `archived` are what
people say of it, `visibility` who sees it; `request` names the request that submitted it."""

notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("experiment_id", Integer, ForeignKey("experiments.id", ondelete="CASCADE"), nullable=False),
    Column("url", Text, nullable=False),
    Column("content", JSON, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("next_at", UtcDateTime, nullable=False),
    Index(None, "experiment_id"),
)
"""Ends of experiments that somebody is still to be told of; written with the end itself, removed once told.
`tries` counts the attempts that failed, `next_at` is the moment of the next."""

points = Table(
    "points",
    metadata,
    Column("experiment_id", Integer, ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("settings_id", BigInteger, ForeignKey("settings.id"), nullable=False),
    Column("axis_values", JSON, nullable=False),
    Column("summary", LargeBinary, nullable=False),
    Column("measure_list_id", Integer, ForeignKey("measure_lists.id"), nullable=False),
    Index(None, "settings_id", "experiment_id"),
    sqlite_with_rowid=False,
)
"""One value for every axis, as submitted, and its runs summed up (`domain/results/summaries.py`) in the layout of its
list of measures. The runs of a point are its experiment's runs with its settings."""

experiment_runs = Table(
    "experiment_runs",
    metadata,
    Column("experiment_id", Integer, ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True),
    Column("run_id", BigInteger, ForeignKey("runs.id"), primary_key=True),
    Column("want", String(16), nullable=False),
    Column("cached", Boolean(create_constraint=False), nullable=False),
    Column("rank", BigInteger, nullable=False),
    Column("shape", BigInteger, nullable=False),
    Column("data", BigInteger, nullable=False),
    CheckConstraint(one_of("want", Want), name="want"),
    Index(None, "run_id", "experiment_id"),
    Index(
        "ix_experiment_runs_pending_rank",
        "experiment_id",
        "rank",
        sqlite_where=text("want = 'pending'"),
        postgresql_where=text("want = 'pending'"),
    ),
    Index(
        "ix_experiment_runs_pending_shape",
        "experiment_id",
        "shape",
        "rank",
        sqlite_where=text("want = 'pending'"),
        postgresql_where=text("want = 'pending'"),
    ),
    sqlite_with_rowid=False,
)
"""The wants. `rank` orders an experiment's runs coarse to fine; runs of equal `shape` stack, and those of equal
`data` also share their training data."""

PENDING = experiment_runs.c.want == literal_column("'pending'")
"""That a want is pending; written out, not bound, so that planners see that the indexes over pending wants serve."""

FAILED = runs.c.state == literal_column("'failed'")
"""That a run has failed; written out for the same reason."""

computed = Table(
    "computed",
    metadata,
    Column("owner", String(200), primary_key=True),
    Column("hour", UtcDateTime, primary_key=True),
    Column("seconds", Double, nullable=False),
)
"""Computing seconds that landed for an owner in an hour, by when it began. They stay when experiments go."""

leader = Table(
    "leader",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("since", UtcDateTime),
)
"""Who holds a lock that only one process may hold, and since when."""

troubles = Table(
    "troubles",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("noted_at", UtcDateTime, nullable=False),
)
"""What keeps a process from its work, by the name of its lock, or an experiment (`experiment 7`) from being handed out;
gone once it works."""
