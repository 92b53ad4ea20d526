"""Computing seconds by owner and hour, so that what a day comes to is not asked of every run."""

from collections import defaultdict
from datetime import datetime, timedelta

import sqlalchemy as sa
from alembic import op

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.types import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MOST_SECONDS = 1e9
"""What older versions stored unchecked counts nothing."""


def upgrade() -> None:
    op.create_table(
        "computed",
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "hour", name="pk_computed"),
    )
    _fill()


def _fill() -> None:
    """The last day, from what has landed."""
    session = sa.orm.Session(op.get_bind())
    metadata = sa.MetaData()
    experiments = sa.Table("experiments", metadata, sa.Column("id", sa.Integer), sa.Column("owner", sa.String))
    wants = [sa.Column(name, sa.Integer) for name in ("experiment_id", "run_id")]
    wanted = sa.Table(
        "experiment_runs", metadata, *wants, sa.Column("want", sa.String), sa.Column("cached", sa.Boolean)
    )
    numbers = [sa.Column("id", sa.Integer), sa.Column("import_id", sa.Integer), sa.Column("seconds", sa.Double)]
    runs = sa.Table("runs", metadata, *numbers, sa.Column("landed_at", UtcDateTime()))
    landed = (
        sa.select(experiments.c.owner, runs.c.landed_at, runs.c.seconds)
        .join(wanted, wanted.c.experiment_id == experiments.c.id)
        .join(runs, runs.c.id == wanted.c.run_id)
        .where(
            wanted.c.want == "done",
            wanted.c.cached.is_(False),
            runs.c.landed_at > database_time(session) - timedelta(hours=24),
            runs.c.seconds.between(0, MOST_SECONDS),
            runs.c.import_id.is_(None),
        )
    )
    seconds: defaultdict[tuple[str, datetime], float] = defaultdict(float)
    for owner, at, one in session.execute(landed):
        seconds[owner, at.replace(minute=0, second=0, microsecond=0)] += one
    rows = [{"owner": owner, "hour": hour, "seconds": total} for (owner, hour), total in seconds.items()]
    columns = [sa.column("owner"), sa.column("hour", UtcDateTime()), sa.column("seconds")]
    if rows:
        session.execute(sa.insert(sa.table("computed", *columns)), rows)
