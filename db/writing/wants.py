"""Wants: what runs are to the experiments that asked for them, and the counts that follow from it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import among
from phaselab.db.schema.tables import Want, experiment_runs, experiments


def wants_of(session: Session, run_ids: Sequence[int], only: Want | None = None) -> list[tuple[int, int, Want]]:
    """(experiment, run, want) of every want of the runs, or of those that stand so."""
    table = experiment_runs.c
    query = select(table.experiment_id, table.run_id, table.want).where(among(session, table.run_id, run_ids))
    if not run_ids:
        return []
    if only is not None:
        query = query.where(table.want == only)
    return [(experiment, run, Want(want)) for experiment, run, want in session.execute(query).all()]


def set_wants(session: Session, run_ids: Sequence[int], want: Want, only: Want | None = None) -> None:
    """Let every want of the runs, or those that stand so, stand otherwise."""
    if not run_ids:
        return
    change = update(experiment_runs).where(among(session, experiment_runs.c.run_id, run_ids))
    change = change.values(want=want.value)
    session.execute(change if only is None else change.where(experiment_runs.c.want == only))


def note_cached(session: Session, run_ids: Sequence[int]) -> None:
    """Mark held wants of runs whose results have come as cached: their experiments did not ask for them."""
    if run_ids:
        held = update(experiment_runs).where(among(session, experiment_runs.c.run_id, run_ids))
        session.execute(held.where(experiment_runs.c.want == Want.HELD).values(cached=True))


def count(session: Session, changes: Mapping[int, Mapping[str, int]]) -> None:
    """Add to experiments' counts of wants, and raise their revisions."""
    for experiment_id, change in changes.items():
        values: dict[str, Any] = {name: experiments.c[name] + more for name, more in change.items() if more}
        values["revision"] = experiments.c.revision + 1
        session.execute(update(experiments).where(experiments.c.id == experiment_id).values(values))
