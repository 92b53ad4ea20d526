"""Errors that the service's verbs raise.

ServiceError            for the one who asked
├── NotFound            an id, key or name of nothing
├── Conflict            what is asked for does not go with what is there
├── Outdated            it has been changed since it was seen
├── Unauthorized        the token is of no account that may come in
├── ProviderFault       the provider of single sign-on is away, or answers what cannot be used
└── Forbidden           the account may not do this: QuotaExceeded
InvalidInput            what was sent cannot be used (from domain)
OperatorFault           for whoever runs the service (from domain)
├── DatabaseAway (DatabaseLost, DatabaseReadOnly, DatabaseDamaged), NoDatabase, BadDatabaseUrl, NetworkFileSystem,
│   SchemaMismatch, NoBackup, NoArchive   (from db)
├── ConfigurationError  a setting cannot be used
├── AccountFault        an account or token cannot be made or changed so: NoAccount, AccountTaken
├── PortTaken           another program listens there
├── RayUnfit            Ray cannot serve
└── DataFault           a file of a data set is missing or wrong (from workers)
"""

from phaselab.db.schema.away import DatabaseAway as DatabaseAway
from phaselab.db.schema.away import DatabaseDamaged as DatabaseDamaged
from phaselab.db.schema.away import DatabaseLost as DatabaseLost
from phaselab.db.schema.away import DatabaseReadOnly as DatabaseReadOnly
from phaselab.domain.settings.faults import OperatorFault


class ServiceError(Exception):
    """Something that was asked for cannot be done; the message says why, for the one who asked."""


class NotFound(ServiceError):
    """There is no such experiment, run or account."""


class Conflict(ServiceError):
    """What is asked for does not go with what is there, such as resuming what is finished."""


class Outdated(ServiceError):
    """What is to be changed has been changed since whoever asks has seen it; `edition` is what it is now."""

    def __init__(self, what: str, edition: int) -> None:
        super().__init__(
            f"{what} has been changed since: it is edition {edition} now; read it again, look at what has changed, and"
            f' ask for your change with If-Match: "{edition}"'
        )
        self.edition = edition


class Unauthorized(ServiceError):
    """The token is of no account that may come in."""


class ProviderFault(ServiceError):
    """The provider of single sign-on cannot be reached, or answers what cannot be used; nobody is refused."""


class Forbidden(ServiceError):
    """The account may not do this."""


class QuotaExceeded(Forbidden):
    """The account has used up what it may; `seconds` until there is room again, where that is known."""

    def __init__(self, detail: str, seconds: int | None = None) -> None:
        super().__init__(detail)
        self.seconds = seconds


class AccountFault(OperatorFault):
    """An account cannot be made or changed so; accounts are made by whoever runs the service."""


class NoAccount(AccountFault):
    """There is no such account, or no such token of it."""


class AccountTaken(AccountFault):
    """There is an account, or a token of it, of this name already."""


class PortTaken(OperatorFault):
    """The port to listen on is taken, or not for this user."""

    passes = True


class RayUnfit(OperatorFault):
    """Ray cannot serve: it cannot be reached, its version differs, or no node holds a trial. A cluster that cannot be
    reached may come back, and nodes that hold a trial may join."""

    passes = True
