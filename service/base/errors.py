"""Errors that the service's verbs raise.

ServiceError
├── NotFound      an id, key or name of nothing
├── Conflict      what is asked for does not go with what is there
├── Unauthorized  the token is of no account that may come in
└── Forbidden     the account may not do this
DatabaseAway      the database cannot be reached just now (from db)
InvalidInput      what was sent cannot be used (from domain)
"""

from phaselab.db.schema.database import DatabaseAway as DatabaseAway


class ServiceError(Exception):
    """Something that was asked for cannot be done; the message says why, for the one who asked."""


class NotFound(ServiceError):
    """There is no such experiment, run or account."""


class Conflict(ServiceError):
    """What is asked for does not go with what is there, such as resuming what is finished."""


class Unauthorized(ServiceError):
    """The token is of no account that may come in."""


class Forbidden(ServiceError):
    """The account may not do this."""
