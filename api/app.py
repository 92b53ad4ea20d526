"""The application: every router under /api/v1, the pages, every error a problem."""

from collections.abc import Iterator
from functools import cache, partial
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles

from phaselab.api.base.templating import FOLDER
from phaselab.api.description import describe
from phaselab.api.entrance import errors
from phaselab.api.entrance.access import Admission
from phaselab.api.entrance.addresses import Addresses
from phaselab.api.entrance.compressed import Compressed
from phaselab.api.entrance.head import Head
from phaselab.api.entrance.headers import SecurityHeaders
from phaselab.api.entrance.origins import SameOrigin
from phaselab.api.entrance.prefix import Prefixed
from phaselab.api.entrance.rates import Rates
from phaselab.api.entrance.request_ids import RequestIds
from phaselab.api.entrance.turns import Turns
from phaselab.api.routes import (
    account_page,
    accounts,
    admin,
    admin_pages,
    answers,
    catalogues,
    compare,
    events,
    experiments,
    health,
    login,
    metrics,
    overlay,
    pages,
    portable,
    runs,
    sign_on,
    submit_page,
)
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.storage import Database
from phaselab.service.verbs.logins import Refusals

if TYPE_CHECKING:
    from phaselab.service.base.openid import Provider

PREFIX = "/api/v1"
PARTS = (experiments, portable, events, runs, answers, overlay, catalogues, accounts, admin, health, metrics)
"""The modules whose routers make the api."""
PAGES = (pages, submit_page, compare, login, sign_on, admin_pages, account_page)
"""Those whose routers make the pages."""


def _routes() -> Iterator[tuple[str, BaseRoute]]:
    """Every route of the routers below, and the prefix that it has."""
    for prefix, parts in ((PREFIX, PARTS), ("", PAGES)):
        yield from ((prefix, route) for part in parts for route in part.router.routes)


def _provider(configuration: Configuration) -> "Provider | None":
    """The provider of single sign-on. Who has none loads nothing for it."""
    if configuration.sign_on is None:
        return None
    from phaselab.service.base.openid import Provider  # noqa: PLC0415

    return Provider(configuration.sign_on)


def create_app(configuration: Configuration, database: Database) -> FastAPI:
    """The app over a database; the caller closes the database."""
    app = FastAPI(
        title="Phaselab",
        version=health.VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=Response,
        dependencies=[Admission],
    )
    app.state.configuration = configuration
    app.state.database = database
    app.state.metrics = metrics.Metrics()
    app.state.addresses = Addresses(_routes())
    app.state.streams = events.Streams(configuration.max_streams, configuration.max_streams_each)
    app.state.rates = Rates(configuration.requests_a_minute)
    app.state.refusals = Refusals()
    app.state.provider = _provider(configuration)
    routes = APIRouter(prefix=PREFIX)
    for part in PARTS:
        routes.include_router(part.router)
    app.include_router(routes)
    for part in PAGES:
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    app.openapi = cache(partial(describe, app, PREFIX, [part.router for part in PARTS]))  # type: ignore[method-assign]
    errors.install(app)
    app.add_middleware(Turns, at_once=configuration.heavy_requests)
    app.add_middleware(Compressed)
    app.add_middleware(Head)
    app.add_middleware(SameOrigin)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Prefixed, prefix=configuration.root_path)
    app.add_middleware(metrics.Measured, metrics=app.state.metrics)
    app.add_middleware(RequestIds)
    return app
