"""Who may come in: every call but a few needs an account's token, in a header, or a login in the cookie of the login
page."""

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from phaselab.api.base.deps import ConfigurationOf, WholeDb
from phaselab.api.base.problems import Problem
from phaselab.api.entrance.login_form import COOKIE
from phaselab.api.entrance.origins import host_name
from phaselab.api.entrance.request_ids import REQUEST_ID
from phaselab.service.base.addresses import is_loopback
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.errors import DatabaseAway, Forbidden, Unauthorized
from phaselab.service.base.storage import Database
from phaselab.service.verbs import accounts, logins, tokens
from phaselab.service.verbs.audit import ACTOR, Actor
from phaselab.service.verbs.rights import Caller, Deed, insist

OPEN_TO_ALL = frozenset(
    {"/api/v1/health", "/api/v1/ready", "/api/v1/version", "/login", "/login/oidc", "/login/oidc/callback", "/logout"}
)
"""What needs no token. Nothing here tells what is stored."""

NOBODY = ""
"""Who sees what needs no token: no account has this name."""

ONLY_LOOKS = ("/api/v1/curves", "/submit/look")
"""What takes a body and changes nothing."""

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""Headers by which proxies say whom they speak for."""


async def admit(request: Request, database: WholeDb, configuration: ConfigurationOf) -> None:
    """Let a request in and note whose it is in `request.state.caller`, and who sees what it reads in
    `request.state.seer`; raises Problem 401, Forbidden or Problem 403, and 404 or 405 where there is nothing to let it
    in to.

    It is asked of the database each time: an account that has just been made, disabled or given another token counts
    at once.
    """
    request.state.caller = request.state.account = None
    request.state.alone = False
    request.state.seer = NOBODY
    request.app.state.addresses.check(request)
    if request.url.path not in OPEN_TO_ALL:
        await run_in_threadpool(_admit, request, database, configuration)
        caller = request.state.caller
        request.state.seer = None if caller is None else caller.sees
        if request.state.account is not None:
            request.app.state.rates.check(request.state.account)
    ACTOR.set(_actor(request))


def _admit(request: Request, database: Database, configuration: Configuration) -> None:
    try:
        caller = _caller(request, database)  # one look at the database, where there is a caller
    except (Unauthorized, Problem) as refused:
        if accounts.is_open(database, configuration):
            _refuse_other_names(request)
            request.state.alone = True
            return
        raise (refused if isinstance(refused, Problem) else unauthorized(str(refused), invalid=True)) from None
    request.state.caller, request.state.account = caller, caller.name
    insist(caller, deed_of(request.method, request.url.path))


def _caller(request: Request, database: Database) -> Caller:
    """Whose token or login a request has. Raises Unauthorized, or Problem 401 for one that has none."""
    header, secret = request.headers.get("authorization"), request.cookies.get(COOKIE)
    if header is None and secret:
        return logins.caller_of_login(database, secret)
    return tokens.caller_of(database, _token(header or ""))


def deed_of(method: str, path: str) -> Deed:
    """What a call wants to do, whatever it is about. That an experiment is another's is looked at where it is read."""
    first, _, rest = path.removeprefix("/api/v1/").partition("/")
    if path.startswith("/api/v1/") and first in ("accounts", "audit", "admin"):
        return Deed.ADMINISTER
    if path == "/admin" or path.startswith("/admin/"):
        return Deed.ADMINISTER
    if path.startswith(("/api/v1/tokens", "/account/")) or (path == "/account" and method == "POST"):
        return Deed.OWN
    if method in ("GET", "HEAD") or path.startswith(ONLY_LOOKS):
        return Deed.READ
    submits = path == "/submit" or (path.startswith("/api/v1/experiments") and rest in ("", "import"))
    return Deed.SUBMIT if method == "POST" and submits else Deed.CHANGE


def _actor(request: Request) -> Actor:
    """Whose deeds those of a request are."""
    caller, address = request.state.caller, request.client.host if request.client else ""
    name, by = (accounts.LOCAL, "") if caller is None else (caller.name, caller.by)
    return Actor(name, by, address, request.scope.get(REQUEST_ID, ""))


Admission = Depends(admit)


def credential(request: Request) -> str:
    """What a request is let in by: requests that are let in by the same may be asked after together."""
    return request.headers.get("authorization") or request.cookies.get(COOKIE, "")


async def is_still_admitted(request: Request) -> bool:
    """Whether a request that was let in, and goes on, would be let in now. True while the database is away."""
    state = request.app.state
    caller = request.state.caller
    try:
        await run_in_threadpool(_admit, request, state.database, state.configuration)
    except (Problem, Forbidden):
        return False
    except DatabaseAway:
        return True
    return bool(request.state.caller == caller)


def unauthorized(detail: str, invalid: bool = False) -> Problem:
    """The 401 of a request without a token, or with one that is `invalid` (RFC 6750)."""
    challenge = 'Bearer realm="phaselab"' + (', error="invalid_token"' if invalid else "")
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})


def _token(header: str) -> str:
    """The token in an Authorization header. Raises Problem 401."""
    scheme, _, token = header.partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    if not token:
        raise unauthorized(
            "this server has accounts: send `Authorization: Bearer TOKEN` (the command line: --token or"
            " PHASELAB_TOKEN); whoever runs it makes a token with `phaselab user add NAME`"
        )
    return token


def _refuse_other_names(request: Request) -> None:
    """Without accounts this machine alone may come in, under its own name: not a page of some other site that gives
    its name this address, nor the rest of the world through a proxy."""
    forwarded = next((name for name in FORWARDED if name in request.headers), None)
    if forwarded is not None:
        detail = (
            f"there are no accounts, so this server answers to nobody that a proxy speaks for ({forwarded}); make an"
            " account with `phaselab user add NAME`"
        )
        raise Problem(403, detail)
    name = host_name(request.headers.get("host", ""))
    if not is_loopback(name):
        detail = (
            f"there are no accounts, so this server answers to this machine's own names (127.0.0.1, localhost), not to"
            f" {name[:100]!r}; make an account with `phaselab user add NAME`"
        )
        raise Problem(403, detail)
