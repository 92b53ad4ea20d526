"""`/metrics`: what this process has answered, and the workload of the whole service, for Prometheus."""

import time
from collections.abc import Iterable, Iterator

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phaselab.api.base.deps import Db
from phaselab.api.base.describing import TEXT, gives
from phaselab.api.entrance.queries import NoParameters
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
    """A workload as Prometheus reads it."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family a number."""
        work = self._workload
        yield _family("experiments", "Experiments by status.", "status", work.experiments.items())
        text = "Runs by state, as experiments count them: one that two experiments want counts twice."
        yield _family("runs", text, "state", work.runs.items())
        yield GaugeMetricFamily("phaselab_leases", "Runs that are handed out.", work.leases)
        text = "Seconds since the oldest active experiment with queued runs was submitted; 0 when nothing waits."
        yield GaugeMetricFamily("phaselab_queued_age_seconds", text, work.waited_seconds)
        text = "1 while a scheduler has the lead, 0 while none has."
        yield GaugeMetricFamily("phaselab_scheduler_leads", text, int(work.led))


def _family(name: str, meaning: str, label: str, numbers: Iterable[tuple[str, int]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"phaselab_{name}", meaning, labels=[label])
    for value, number in numbers:
        family.add_metric([str(value)], number)
    return family


@router.get("/metrics", responses=gives({"text/plain": TEXT}))
def metrics(request: Request, nothing: NoParameters, database: Db) -> Response:
    """Prometheus' text format. Requests are this process's own; the rest comes from the database, and is the same
    whichever api is asked."""
    own: Metrics = request.app.state.metrics
    shared = CollectorRegistry()
    shared.register(Gauges(current_workload(database)))
    return Response(generate_latest(own.registry) + generate_latest(shared), media_type=CONTENT_TYPE_LATEST)
