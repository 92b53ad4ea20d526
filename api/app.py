"""The application: every router under /api/v1, the pages, every error a problem."""

from fastapi import APIRouter, FastAPI
from starlette.staticfiles import StaticFiles

from phaselab.api.base.templating import FOLDER
from phaselab.api.entrance import errors
from phaselab.api.entrance.access import Admission
from phaselab.api.entrance.head import Head
from phaselab.api.entrance.headers import SecurityHeaders
from phaselab.api.entrance.origins import SameOrigin
from phaselab.api.entrance.turns import Turns
from phaselab.api.routes import (
    answers,
    catalogues,
    events,
    experiments,
    health,
    login,
    metrics,
    overlay,
    pages,
    portable,
    runs,
)
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.storage import Database

PREFIX = "/api/v1"
PARTS = (experiments, portable, events, runs, answers, overlay, catalogues, health, metrics)
"""The modules whose routers make the api."""


def create_app(configuration: Configuration, database: Database) -> FastAPI:
    """The app over a database; the caller closes the database."""
    app = FastAPI(
        title="Phaselab",
        version=health.VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Admission],
    )
    app.state.configuration = configuration
    app.state.database = database
    app.state.metrics = metrics.Metrics()
    app.state.streams = events.Streams(configuration.max_streams)
    routes = APIRouter(prefix=PREFIX)
    for part in PARTS:
        routes.include_router(part.router)
    app.include_router(routes)
    app.include_router(pages.router)
    app.include_router(login.router)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    errors.install(app)
    app.add_middleware(Turns, at_once=configuration.heavy_requests)
    app.add_middleware(Head)
    app.add_middleware(SameOrigin)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(metrics.Measured, metrics=app.state.metrics)
    return app
