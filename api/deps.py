"""What routes depend on, as annotated aliases."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from service.settings import ServiceSettings
from service.storage import Database


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _settings(request: Request) -> ServiceSettings:
    settings: ServiceSettings = request.app.state.settings
    return settings


Db = Annotated[Database, Depends(_database)]
SettingsOf = Annotated[ServiceSettings, Depends(_settings)]


def _owner() -> str:
    """Who asks. Without accounts everyone who reaches the service is the same user."""
    return "local"


Owner = Annotated[str, Depends(_owner)]
