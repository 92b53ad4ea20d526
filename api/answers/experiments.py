"""What the answers about experiments are made of."""

from phaselab.domain.answers.fields import Field, Many, Maybe, Named, Record, page_of
from phaselab.service.verbs.estimate import Estimate
from phaselab.service.verbs.experiments import Counts, ExperimentView, RunningProgress
from phaselab.service.verbs.portable import Merged

_COUNTS: Record[Counts] = Record(
    (
        Field("total", "integer", lambda counts: counts.total, "Distinct runs; all but `cached` add up to it."),
        Field("done", "integer", lambda counts: counts.done, "Runs with a result."),
        Field(
            "cached",
            "integer",
            lambda counts: counts.cached,
            "Those of them that were there before they were asked for.",
        ),
        Field("running", "integer", lambda counts: counts.running, "Runs that are being computed."),
        Field("failed", "integer", lambda counts: counts.failed, "Runs that ended without a result."),
        Field("cancelled", "integer", lambda counts: counts.cancelled, "Runs that were given up."),
        Field("queued", "integer", lambda counts: counts.queued, "Runs that wait."),
        Field("held", "integer", lambda counts: counts.held, "Runs that a refinement has not let go."),
    )
)
_PROGRESS: Record[RunningProgress] = Record(
    (
        Field("stage", "text", lambda one: one.stage, "`training` or `attack`."),
        Field("share", "number", lambda one: one.share, "The share of the stage that is done, 0 to 1."),
        Field("runs", "integer", lambda one: one.runs, "How many runs are that far."),
    )
)
BRIEF: Record[ExperimentView] = Record(
    (
        Field("id", "integer", lambda view: view.row.id, "Its number."),
        Field("name", "text", lambda view: view.row.name, "Its name."),
        Field("owner", "text", lambda view: view.row.owner, "Whose it is."),
        Field("status", "text", lambda view: view.row.status, "Where it stands."),
        Field("priority", "integer", lambda view: view.row.priority, "Of its owner's, higher goes first."),
        Field("created_at", "time", lambda view: view.row.created_at, "When it was submitted."),
        Field("started_at", Maybe("time"), lambda view: view.row.started_at, "When its first run was handed out."),
        Field("finished_at", Maybe("time"), lambda view: view.row.finished_at, "When it ended."),
        Field("points", "integer", lambda view: view.row.points, "Its points."),
        Field("skipped", "integer", lambda view: view.row.skipped, "Impossible points that were left out."),
        Field("revision", "integer", lambda view: view.row.revision, "Rises with every change of its results."),
        Field("edition", "integer", lambda view: view.row.edition, "Rises with all that is done to it; its ETag."),
        Field("counts", _COUNTS, lambda view: view.counts, "Where its runs stand."),
        Field("note", "text", lambda view: view.row.note, "What somebody has written on it."),
        Field("tags", Many("text"), lambda view: view.row.tags, "Words that it is found by."),
        Field("archived", "boolean", lambda view: view.row.archived, "Whether lists leave it out."),
        Field("visibility", "text", lambda view: view.row.visibility, "Who sees it, and whom its results serve."),
        Field("eta_seconds", Maybe("number"), lambda view: view.eta_seconds, "Seconds left at the pace so far."),
    )
)
"""An experiment as lists show it."""
EXPERIMENT: Record[ExperimentView] = Record(
    (
        *BRIEF.fields,
        Field("running_progress", Many(_PROGRESS), lambda view: view.progress, "How far long runs are that run."),
        Field("spec", Named("any"), lambda view: view.row.spec, "The spec, its defaults filled in."),
    )
)
"""One experiment, by itself."""
EXPERIMENTS = page_of(BRIEF, "Experiments, newest first.")


ESTIMATE: Record[Estimate] = Record(
    (
        Field("points", "integer", lambda estimate: estimate.points, "Its points."),
        Field("skipped", "integer", lambda estimate: estimate.skipped, "Impossible points that would be left out."),
        Field("runs", "integer", lambda estimate: estimate.runs, "Distinct runs."),
        Field("cached", "integer", lambda estimate: estimate.cached, "Those of them that are done already."),
        Field(
            "measured", "integer", lambda estimate: estimate.measured, "Those that a refinement would measure, about."
        ),
        Field("stacks", "integer", lambda estimate: estimate.stacks, "Stacks that the others would make, about."),
        Field("seconds", "number", lambda estimate: estimate.seconds, "Computing time on one core, about."),
    )
)
"""What a spec would come to."""
MERGED: Record[Merged] = Record(
    (
        Field("experiment", "integer", lambda merged: merged.experiment_id, "The experiment here."),
        Field("created", "boolean", lambda merged: merged.created, "Whether it is new here."),
        Field("new", "integer", lambda merged: merged.new, "Results that were not here."),
        Field("known", "integer", lambda merged: merged.known, "Results that were here."),
        Field("conflicts", Many("text"), lambda merged: merged.conflicts, "Keys that the file gives otherwise."),
        Field("trusted", "boolean", lambda merged: merged.trusted, "Whether they stand for everyone, or apart."),
    )
)
"""What importing a file came to."""
