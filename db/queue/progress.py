"""How far the runs are that are handed out: written with their lease by its holder, gone with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import among
from phaselab.db.schema.tables import PENDING, experiment_runs, runs
from phaselab.domain.results.states import Stage

SHARE_DIGITS = 3
_STAGES = frozenset(stage.value for stage in Stage)
"""What is known; a scheduler of another version may write others."""


@dataclass(frozen=True, order=True)
class RunningProgress:
    """Of so many `runs` of an experiment, `share` (0..1) of a stage is done."""

    stage: Stage
    share: float
    runs: int


def note(session: Session, holder: str, keys: Sequence[str], stage: Stage, share: float) -> None:
    """How far the runs of these keys are; nothing happens to one that the holder holds no more."""
    mine = update(runs).where(among(session, runs.c.key, keys), runs.c.leased_by == holder)
    session.execute(mine.values(stage=stage.value, stage_share=round(share, SHARE_DIGITS)))


def progress_of(session: Session, experiment_id: int) -> list[RunningProgress]:
    """How far the experiment's runs are that are handed out and of which it is known; runs that are equally far, as
    those of a stack are, together."""
    noted = select(runs.c.id, runs.c.stage, runs.c.stage_share).where(
        runs.c.leased_by.is_not(None), runs.c.stage.is_not(None)
    )
    rows = session.execute(noted).all()
    far = {run_id: (Stage(stage), share) for run_id, stage, share in rows if stage in _STAGES}
    if not far:
        return []
    table = experiment_runs.c
    here = select(table.run_id).where(table.experiment_id == experiment_id, among(session, table.run_id, list(far)))
    found = sorted(far[run_id] for run_id in session.execute(here.where(PENDING)).scalars())
    return [RunningProgress(stage, share, len(list(alike))) for (stage, share), alike in groupby(found)]
