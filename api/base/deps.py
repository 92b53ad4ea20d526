"""What routes depend on, as annotated aliases. None of it waits for a thread."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from phaselab.service.base.configuration import Configuration
from phaselab.service.base.storage import Database
from phaselab.service.verbs.accounts import LOCAL
from phaselab.service.verbs.rights import Caller


async def _whole(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _configuration(request: Request) -> Configuration:
    configuration: Configuration = request.app.state.configuration
    return configuration


WholeDb = Annotated[Database, Depends(_whole)]
"""The database with everything in it: for letting requests in, and nothing else."""
ConfigurationOf = Annotated[Configuration, Depends(_configuration)]


async def _account(request: Request) -> Caller | None:
    """Who asks; None while there are no accounts, and everyone may do everything. `api.access` has found it out."""
    caller: Caller | None = request.state.caller
    return caller


Account = Annotated[Caller | None, Depends(_account)]


async def _database(request: Request, database: WholeDb) -> Database:
    return database.seen_by(request.state.seer)


Db = Annotated[Database, Depends(_database)]
"""The database as whoever asks may see it."""


async def _owner(account: Account) -> str:
    """Whose what is submitted will be."""
    return LOCAL if account is None else account.name


Owner = Annotated[str, Depends(_owner)]
