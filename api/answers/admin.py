"""What the answer on the whole service is made of."""

from phaselab.domain.answers.fields import Field, Many, Maybe, Named, Record
from phaselab.service.verbs.concerns import concerns
from phaselab.service.verbs.overview import (
    Failing,
    Lead,
    NodeUse,
    Overview,
    OwnerUse,
    Place,
    QuotaUse,
    Size,
    Storage,
    Trial,
)

_TEXT, _NUMBER, _WHOLE, _TIME = Maybe("text"), Maybe("number"), Maybe("integer"), Maybe("time")

_LEAD: Record[Lead] = Record(
    (
        Field("leads", "boolean", lambda one: one.leads, "Whether a scheduler has the lead."),
        Field("holder", _TEXT, lambda one: one.holder, "Which: its machine and process; null where none has."),
        Field("since", _TIME, lambda one: one.since, "Since when; null where that is not known."),
        Field("reason", _TEXT, lambda one: one.reason, "Why nothing is computed, as far as it is known."),
    )
)
_PLACE: Record[Place] = Record(
    (
        Field("experiment", "integer", lambda one: one.experiment.id, "The experiment's number."),
        Field("name", "text", lambda one: one.experiment.name, "Its name."),
        Field("owner", "text", lambda one: one.experiment.owner, "Whose it is."),
        Field("priority", "integer", lambda one: one.experiment.priority, "Of an owner's, higher goes first."),
        Field("status", "text", lambda one: one.experiment.status, "Where it stands."),
        Field("waiting", "integer", lambda one: one.experiment.waiting, "Runs that wait."),
        Field("running", "integer", lambda one: one.experiment.running, "Runs that are handed out."),
        Field("submitted_at", "time", lambda one: one.experiment.created_at, "Since when it is there."),
        Field("reason", _TEXT, lambda one: one.reason and one.reason.text, "Why they wait; null where none does."),
        Field("until", _TIME, lambda one: one.reason and one.reason.until, "Until when, where that is known."),
        Field("eta_seconds", _NUMBER, lambda one: one.eta_seconds, "Seconds until it is done, at its pace so far."),
    )
)
_OWNER: Record[OwnerUse] = Record(
    (
        Field("owner", "text", lambda one: one.name, "Who waits, or has used the workers lately."),
        Field("experiments", "integer", lambda one: one.experiments, "Experiments of it that have runs left."),
        Field("left", "integer", lambda one: one.left, "Runs that wait or are handed out."),
        Field("oldest", _TIME, lambda one: one.oldest, "When the oldest of the experiments was submitted."),
        Field("stacks", "integer", lambda one: one.stacks, "Stacks of it that are out."),
        Field("seconds", "number", lambda one: one.seconds, "Computing seconds, half forgotten every half-life."),
        Field("used", "number", lambda one: one.used, "The part that these are of everybody's, 0 to 1."),
        Field("weight", "number", lambda one: one.weight, "Its part in the fair share."),
        Field("due", "number", lambda one: one.due, "The part of its weight of all that are listed, 0 to 1."),
    )
)
_NODE: Record[NodeUse] = Record(
    (
        Field("node", "text", lambda one: one.node.id, "Ray's id of it."),
        Field("name", "text", lambda one: one.node.name, "Its name in the network."),
        Field("cpus", "number", lambda one: one.node.cpus, "Its CPUs."),
        Field("gpus", "number", lambda one: one.node.gpus, "Its GPUs."),
        Field("slots", "integer", lambda one: one.node.slots, "Trials that it holds."),
        Field("busy", "integer", lambda one: one.busy, "Trials on it that compute."),
    )
)
_TRIAL: Record[Trial] = Record(
    (
        Field("trial", "text", lambda one: one.id, "Tune's id of it."),
        Field("node", "text", lambda one: one.node_id, "The node that it is on."),
        Field("experiment", _WHOLE, lambda one: one.experiment_id, "Whose stack it computes; null: it waits for one."),
        Field("owner", _TEXT, lambda one: one.owner, "For whom."),
        Field("runs", "integer", lambda one: one.runs, "Runs of the stack."),
        Field("stage", _TEXT, lambda one: one.stage, "`training` or `attack`; null where that is not known."),
        Field("share", _NUMBER, lambda one: one.stage_share, "The part of the stage that is done, 0 to 1."),
        Field("seconds", "number", lambda one: one.seconds, "For how long it has computed it, or waited."),
    )
)
_FAILING: Record[Failing] = Record(
    (
        Field("kind", "text", lambda one: one.kind, "What runs fail of, in a word."),
        Field("hour", "integer", lambda one: one.hour, "Runs that failed so in the last hour."),
        Field("day", "integer", lambda one: one.day, "In the last 24 hours."),
        Field("week", "integer", lambda one: one.week, "In the last 7 days."),
        Field("reason", _TEXT, lambda one: one.reason, "What the newest says; null while it is computed again."),
        Field("key", "text", lambda one: one.key, "The newest of them."),
        Field("at", "time", lambda one: one.at, "When that was."),
    )
)
_SIZE: Record[Size] = Record(
    (
        Field("day", "text", lambda one: one.day, "The day, UTC."),
        Field("bytes", "integer", lambda one: one.bytes, "Bytes at its end, or by now."),
        Field("parts", Maybe(Named("integer")), lambda one: one.parts, "By kind of row; null: not known."),
    )
)
_STORAGE: Record[Storage] = Record(
    (
        Field("backend", "text", lambda one: one.backend, "`sqlite` or `postgresql`."),
        Field("bytes", "integer", lambda one: one.bytes, "Bytes of the database."),
        Field("free_bytes", _WHOLE, lambda one: one.free_bytes, "Bytes free on its disk; null for a server."),
        Field("grows", _NUMBER, lambda one: one.grows, "Bytes a day, over the days below; null with one day."),
        Field("days_left", _NUMBER, lambda one: one.days_left, "Days that the disk lasts so; null: not known."),
        Field("backup_at", _TIME, lambda one: one.backup_at, "When `phaselab db backup` last made one; null: never."),
        Field("days", Many(_SIZE), lambda one: one.days, "Its size day by day, oldest first."),
    )
)
_QUOTA: Record[QuotaUse] = Record(
    (
        Field("account", "text", lambda one: one.account, "The account."),
        Field("quota", "text", lambda one: one.quota, "`runs_queued`, `seconds_a_day` or `bytes_stored`."),
        Field("limit", "number", lambda one: one.limit, "How much there may be."),
        Field("used", _NUMBER, lambda one: one.used, "How much there was when it was counted; null: not yet."),
        Field("room_at", _TIME, lambda one: one.room_at, "When there is room again; null where there is."),
    )
)
OVERVIEW: Record[Overview] = Record(
    (
        Field("at", "time", lambda one: one.at, "The moment."),
        Field("concerns", Many("text"), concerns, "What is not well, each with what to do; none while all is."),
        Field("scheduler", _LEAD, lambda one: one.lead, "Who hands out work."),
        Field("waiting", "integer", lambda one: one.waiting, "Runs that wait, as experiments count them."),
        Field("running", "integer", lambda one: one.running, "Runs that are handed out."),
        Field("queue", Many(_PLACE), lambda one: one.places, "Experiments that have runs left, the oldest 100."),
        Field("more", "integer", lambda one: one.more, "How many experiments more there are."),
        Field("owners", Many(_OWNER), lambda one: one.owners, "Owners, who has most runs left first."),
        Field("slots", _WHOLE, lambda one: one.slots, "Trials at a time; null while that is not known."),
        Field("stack_limit_seconds", "number", lambda one: one.stack_limit_seconds, "Longest time for one stack."),
        Field("nodes", Many(_NODE), lambda one: one.nodes, "Nodes that compute."),
        Field("trials", Many(_TRIAL), lambda one: one.trials, "Trials that live; none while nothing waits for long."),
        Field("failures", Many(_FAILING), lambda one: one.failing, "Failures of the last 7 days, by kind."),
        Field("failures_cut", "boolean", lambda one: one.failures_cut, "Whether only the 10,000 newest are counted."),
        Field("database", _STORAGE, lambda one: one.storage, "The database."),
        Field("quotas", Many(_QUOTA), lambda one: one.quotas, "Quotas of accounts that have some."),
    )
)
