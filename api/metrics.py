"""`/metrics`: what this process has answered, for Prometheus."""

import time

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.queries import NoParameters

router = APIRouter(tags=["health"])


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
    """Times every request. An address that no route knows counts under `none`, so that labels stay few."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        started = time.perf_counter()

        async def measured_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                labels = (scope["method"], route, str(message["status"]))
                self.metrics.seconds.labels(*labels).observe(time.perf_counter() - started)
            await send(message)

        await self.app(scope, receive, measured_send if scope["type"] == "http" else send)


@router.get("/metrics")
def metrics(request: Request, nothing: NoParameters) -> Response:
    """Prometheus' text format."""
    own: Metrics = request.app.state.metrics
    return Response(generate_latest(own.registry), media_type=CONTENT_TYPE_LATEST)
