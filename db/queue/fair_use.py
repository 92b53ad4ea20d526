"""What owners have used of the service, by what has landed: fair use that no restart forgets."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import Want, experiment_runs, experiments, runs
from phaselab.domain.results.results import MOST_SECONDS

HALF_LIVES = 8
"""How far back is looked: what is older counts less than a 256th."""
STEPS = 4
"""Parts that a half-life is cut into; what landed in one is decayed alike, so that it is off by less than a tenth."""


def decayed_seconds(session: Session, half_life_seconds: float) -> Mapping[str, float]:
    """Computing seconds by owner, half of them forgotten every half-life. A run that several owners waited for counts
    to each; one that was done when an experiment was submitted does not count to it, and none that was imported.
    Failures hold no seconds."""
    now = database_time(session)
    step = timedelta(seconds=half_life_seconds) / STEPS
    oldest = now - step * STEPS * HALF_LIVES
    bounds = [(runs.c.landed_at > now - step * (i + 1), i) for i in range(STEPS * HALF_LIVES)]
    part = case(*bounds).label("part")
    # What older versions stored unchecked counts nothing: sums of it would overflow, and nobody's runs go out.
    seconds = case((runs.c.seconds.between(0, MOST_SECONDS), runs.c.seconds), else_=0.0)
    query = (
        select(experiments.c.owner, part, func.sum(seconds).label("seconds"))
        .join(experiment_runs, experiment_runs.c.experiment_id == experiments.c.id)
        .join(runs, runs.c.id == experiment_runs.c.run_id)
        .where(
            or_(experiments.c.finished_at.is_(None), experiments.c.finished_at > oldest),
            experiment_runs.c.want == Want.DONE,
            experiment_runs.c.cached.is_(False),
            runs.c.landed_at > oldest,
            runs.c.seconds.is_not(None),
            runs.c.import_id.is_(None),
        )
        .group_by(experiments.c.owner, part)
    )
    used: defaultdict[str, float] = defaultdict(float)
    for owner, steps, seconds in session.execute(query).all():
        used[owner] += seconds * 0.5 ** ((steps + 0.5) / STEPS)
    return used
