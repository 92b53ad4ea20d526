"""`/login/oidc` and `/login/oidc/callback`: a browser leaves for the provider of single sign-on, and comes back."""

import secrets
import time
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phaselab.api.base.deps import ConfigurationOf, Db
from phaselab.api.base.problems import Problem
from phaselab.api.base.templating import page
from phaselab.api.entrance.access import unauthorized
from phaselab.api.entrance.login_form import keep_login, local_address, login_form
from phaselab.service.base import trips
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.errors import Forbidden, ProviderFault, Unauthorized
from phaselab.service.base.storage import Database
from phaselab.service.base.trips import Trip
from phaselab.service.verbs import sign_on
from phaselab.service.verbs.logins import SINGLE_SIGN_ON

if TYPE_CHECKING:
    from phaselab.service.base.openid import Provider

router = APIRouter(include_in_schema=False)

COOKIE = "phaselab_trip"
CALLBACK = "/login/oidc/callback"


@router.get("/login/oidc")
async def leave(request: Request, after: str = "/", afresh: bool = False) -> Response:
    """To the provider, to log in there `afresh` after a log-out here; to the login page where there is none. The cookie
    comes back from another site (`Lax`), which that of a login does not."""
    provider: Provider | None = request.app.state.provider
    if provider is None:
        return RedirectResponse("/login", 303)
    secret, after = secrets.token_urlsafe(32), local_address(after)
    try:
        trip = trips.begin(secret, after, time.time())
        address = await provider.address(trip, _redirect(request), afresh)
    except ProviderFault as fault:
        return _told(request, Problem(503, str(fault)), after)
    answer = RedirectResponse(address, 303)
    path, secure = _path(request), request.url.scheme == "https"
    answer.set_cookie(COOKIE, secret, trips.SECONDS, path=path, httponly=True, samesite="lax", secure=secure)
    return answer


@router.get(CALLBACK)
async def come_back(request: Request, database: Db, configuration: ConfigurationOf) -> Response:
    """From the provider: a login, or why there is none."""
    provider: Provider | None = request.app.state.provider
    if provider is None:
        return RedirectResponse("/login", 303)
    after = "/"
    try:
        trip = trips.end(request.cookies.get(COOKIE), request.query_params.get("state", ""), time.time())
        after = local_address(trip.after)
        secret = await _arrive(request, provider, trip, database, configuration)
    except ProviderFault as fault:
        answer = _told(request, Problem(503, str(fault)), after)
    except (Unauthorized, Forbidden) as refused:
        await run_in_threadpool(request.app.state.refusals.note, database, SINGLE_SIGN_ON, str(refused))
        is_known = isinstance(refused, Forbidden)
        problem = Problem(403, str(refused)) if is_known else unauthorized(str(refused), invalid=True)
        answer = _told(request, problem, after)
    else:
        # A page that leads on, and no redirect: a browser that comes from another site would not send the new cookie.
        answer = page(request, "arrived.html", {"after": after})
        keep_login(request, answer, secret, provider.settings.login_seconds)
    answer.delete_cookie(COOKIE, path=_path(request), httponly=True, samesite="lax")
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def _arrive(
    request: Request, provider: "Provider", trip: Trip, database: Database, configuration: Configuration
) -> str:
    """The secret of a login. Raises ProviderFault, Unauthorized, Forbidden, DatabaseAway."""
    given, issuer = request.query_params, provider.settings.issuer
    if given.get("iss", issuer) != issuer:  # RFC 9207
        raise Unauthorized("another provider has answered than was asked; log in again")
    if "error" in given:
        refused = "access_denied" in given["error"]
        detail = "you were not let in there, or did not agree" if refused else "it has ended the log-in with an error"
        raise Unauthorized(f"{provider.settings.name}: {detail}; nothing was changed; log in again")
    claims = await provider.claims(trip, _redirect(request), given.get("code", ""))
    return await run_in_threadpool(sign_on.log_in, database, configuration, provider.settings, claims)


def _told(request: Request, problem: Problem, after: str) -> Response:
    """The login page, with what went wrong."""
    answer = login_form(request, problem, after, tells=True)
    answer.headers.update(problem.headers)
    return answer


def _redirect(request: Request) -> str:
    """The address that the provider sends browsers back to: this service's own, as the browser knows it."""
    root = request.app.state.configuration.root_path
    return str(request.url.replace(path=root + CALLBACK, query="", fragment=""))


def _path(request: Request) -> str:
    return f"{request.app.state.configuration.root_path}/login"
