"""`/metrics`: what this process has answered, and the workload of the whole service, for Prometheus."""

import time
from collections.abc import Iterable, Iterator

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phaselab.api.base.deps import ConfigurationOf, Db
from phaselab.api.base.describing import TEXT, gives
from phaselab.api.entrance.queries import NoParameters
from phaselab.domain.results.failure_kinds import FailureKind
from phaselab.service.verbs.overview import Overview, overview
from phaselab.service.verbs.workload import Workload, current_workload

router = APIRouter(tags=["health"])


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""Methods that count under their own name; a client can make up any number of others."""


class Metrics:
    """Times of the requests that one app has answered, by method, route and status; each has its own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "phaselab_request_seconds",
            "Time from a request to the start of its answer.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)


class Measured:
    """Times every request. An address that no route knows counts under `none`, a method that HTTP does not know under
    `other`, so that labels stay few."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        started = time.perf_counter()

        async def measured_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in METHODS else "other"
                labels = (method, route, str(message["status"]))
                self.metrics.seconds.labels(*labels).observe(time.perf_counter() - started)
            await send(message)

        await self.app(scope, receive, measured_send if scope["type"] == "http" else send)


class Gauges(Collector):
    """The workload and the overview as Prometheus reads them."""

    def __init__(self, workload: Workload, seen: Overview) -> None:
        self._workload = workload
        self._seen = seen

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family a number."""
        yield from _of_work(self._workload)
        yield from _of_scheduler(self._seen)
        yield from _of_trials(self._seen)
        yield from _of_storage(self._seen)


def _of_work(work: Workload) -> Iterator[GaugeMetricFamily]:
    yield _family("experiments", "Experiments by status.", "status", work.experiments.items())
    text = "Runs by state, as experiments count them: one that two experiments want counts twice."
    yield _family("runs", text, "state", work.runs.items())
    yield GaugeMetricFamily("phaselab_leases", "Runs that are handed out.", work.leases)
    text = "Seconds since the oldest active experiment with queued runs was submitted; 0 when nothing waits."
    yield GaugeMetricFamily("phaselab_queued_age_seconds", text, work.waited_seconds)
    text = "1 while a scheduler has the lead, 0 while none has."
    yield GaugeMetricFamily("phaselab_scheduler_leads", text, int(work.led))
    text = "Seconds for which a run is handed out beyond its lease; 0 when none is."
    yield GaugeMetricFamily("phaselab_lease_overdue_seconds", text, work.overdue_seconds)


def _of_scheduler(seen: Overview) -> Iterator[GaugeMetricFamily]:
    text = "1 while it is known why the scheduler cannot work, as /ready says it; 0 else."
    yield GaugeMetricFamily("phaselab_scheduler_trouble", text, int(seen.lead.reason is not None))
    if seen.lead.since is not None:
        text = "When the scheduler that leads took the lead."
        yield GaugeMetricFamily("phaselab_lead_since_timestamp_seconds", text, seen.lead.since.timestamp())
    text = "Runs that failed in the last hour, by kind of failure."
    failed = dict.fromkeys(FailureKind, 0) | {one.kind: one.hour for one in seen.failing}
    yield _family("recent_failures", text, "kind", failed.items())


def _of_trials(seen: Overview) -> Iterator[GaugeMetricFamily]:
    busy = [one for one in seen.trials if one.experiment_id is not None]
    text = "Trials that live, by whether they compute a stack or wait for one."
    counted = {"busy": len(busy), "waiting": len(seen.trials) - len(busy)}
    yield _family("trials", text, "state", counted.items())
    yield GaugeMetricFamily("phaselab_nodes", "Nodes that compute.", len(seen.nodes))
    text = "Trials that may live at a time; 0 while no scheduler leads."
    yield GaugeMetricFamily("phaselab_trial_slots", text, seen.slots or 0)
    text = "Longest time for which a trial has computed its stack; 0 when none computes."
    yield GaugeMetricFamily("phaselab_oldest_stack_seconds", text, max((one.seconds for one in busy), default=0.0))
    text = "Time after which a trial that computes one stack is taken for stuck, and killed."
    yield GaugeMetricFamily("phaselab_stack_limit_seconds", text, seen.stack_limit_seconds)


def _of_storage(seen: Overview) -> Iterator[GaugeMetricFamily]:
    """The disk of a server, and backups that were never made, are not known, and left out."""
    storage = seen.storage
    yield GaugeMetricFamily("phaselab_database_bytes", "Bytes that the database takes.", storage.bytes)
    if storage.free_bytes is not None:
        text = "Bytes that are free on the disk of the database, where it is a SQLite file."
        yield GaugeMetricFamily("phaselab_disk_free_bytes", text, storage.free_bytes)
    if storage.backup_at is not None:
        text = "When `phaselab db backup` last made a backup."
        yield GaugeMetricFamily("phaselab_last_backup_timestamp_seconds", text, storage.backup_at.timestamp())


def _family(name: str, meaning: str, label: str, numbers: Iterable[tuple[str, int]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"phaselab_{name}", meaning, labels=[label])
    for value, number in numbers:
        family.add_metric([str(value)], number)
    return family


@router.get("/metrics", responses=gives({"text/plain": TEXT}))
def metrics(request: Request, nothing: NoParameters, database: Db, configuration: ConfigurationOf) -> Response:
    """Prometheus' text format. Requests and `process_` are this process's own; the rest comes from the database, and is
    the same whichever api is asked."""
    own: Metrics = request.app.state.metrics
    shared = CollectorRegistry()
    shared.register(Gauges(current_workload(database), overview(database, configuration)))
    return Response(generate_latest(own.registry) + generate_latest(shared), media_type=CONTENT_TYPE_LATEST)
