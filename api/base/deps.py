"""What routes depend on, as annotated aliases. None of it waits for a thread."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from phaselab.service.base.configuration import Configuration
from phaselab.service.base.storage import Database
from phaselab.service.verbs.accounts import LOCAL
from phaselab.service.verbs.rights import Caller


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _configuration(request: Request) -> Configuration:
    configuration: Configuration = request.app.state.configuration
    return configuration


Db = Annotated[Database, Depends(_database)]
ConfigurationOf = Annotated[Configuration, Depends(_configuration)]


async def _account(request: Request) -> Caller | None:
    """Who asks; None while there are no accounts, and everyone may do everything. `api.access` has found it out."""
    caller: Caller | None = request.state.caller
    return caller


Account = Annotated[Caller | None, Depends(_account)]


async def _owner(account: Account) -> str:
    """Whose what is submitted will be."""
    return LOCAL if account is None else account.name


Owner = Annotated[str, Depends(_owner)]
