"""The states of experiments and runs, as text."""

from enum import StrEnum


class ExperimentStatus(StrEnum):
    """Where an experiment stands."""

    QUEUED = "queued"  # accepted; none of its runs has been handed out yet
    RUNNING = "running"  # some run has been handed out
    PAUSED = "paused"  # nothing more is handed out until it is resumed
    FINISHED = "finished"  # every run has a result, but for those that a refinement holds
    FINISHED_WITH_FAILURES = "finished_with_failures"  # every run has ended, some without a result
    CANCELLED = "cancelled"  # stopped by a user; what had landed stays

    @property
    def is_finished(self) -> bool:
        """True when nothing more will happen by itself."""
        return self not in (ExperimentStatus.QUEUED, ExperimentStatus.RUNNING, ExperimentStatus.PAUSED)


class RunState(StrEnum):
    """Where a run stands, whichever experiments want it."""

    HELD = "held"  # waits for refinements alone, none of which has let it go
    QUEUED = "queued"  # wanted, not handed out
    LEASED = "leased"  # handed out to a trial, no result yet
    DONE = "done"  # its result is stored
    FAILED = "failed"  # it ended without a result
    CANCELLED = "cancelled"  # no experiment wants it any more

    @property
    def is_finished(self) -> bool:
        """True when no trial will work on it unless it is asked for again."""
        return self not in (RunState.HELD, RunState.QUEUED, RunState.LEASED)


class CellState(StrEnum):
    """What is known of a cell of a diagram."""

    MEASURED = "measured"  # a run of it has a result
    INFERRED = "inferred"  # it lies between measured cells that agree, says a refinement (docs/methods/refinement.md)
    PENDING = "pending"  # none has yet: they wait, run, or were given up before they ended
    FAILED = "failed"  # every run of it ended without a result
    IMPOSSIBLE = "impossible"  # its points are impossible, and were left out (`impossible: skip`)


class Stage(StrEnum):
    """What is being done of a run while a trial works on it."""

    TRAINING = "training"  # its network is trained
    ATTACK = "attack"  # its network is attacked, checked and measured
