"""`/login` and `/logout`: a login of its own for a person's browser, in a cookie that scripts cannot read and other
sites cannot send. It holds no token, and ends with the login."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phaselab.api.base.deps import ConfigurationOf, Db
from phaselab.api.entrance.access import unauthorized
from phaselab.api.entrance.bodies import FormFields
from phaselab.api.entrance.login_form import (
    COOKIE,
    COOKIE_SECONDS,
    FORMER_COOKIE,
    keep_login,
    local_address,
    login_form,
)
from phaselab.service.base.errors import Unauthorized
from phaselab.service.verbs import accounts, logins

router = APIRouter(include_in_schema=False)


@router.get("/login")
def login_page(request: Request, database: Db, configuration: ConfigurationOf) -> Response:
    """The form; nothing to do while there are no accounts."""
    if accounts.is_open(database, configuration):
        return RedirectResponse("/", 303)
    return login_form(request)


@router.post("/login")
def login(request: Request, fields: FormFields, database: Db) -> Response:
    """Take the token of the form."""
    token, after = fields.get("token", "").strip(), local_address(fields.get("after", "/"))
    try:
        secret = logins.log_in(database, token, COOKIE_SECONDS)
    except Unauthorized as error:
        request.app.state.refusals.note(database, "token", str(error))
        return login_form(request, unauthorized(str(error), invalid=True), after)
    answer = RedirectResponse(after, 303)
    keep_login(request, answer, secret)
    return answer


@router.post("/logout")
def logout(request: Request, database: Db) -> Response:
    """End the login, wherever its cookie has got to; the token stays good. Who logs in next in this browser, where
    people log in at a provider, is asked there who it is."""
    if secret := request.cookies.get(COOKIE):
        logins.log_out(database, secret)
    answer = RedirectResponse("/login?afresh=true" if request.app.state.provider else "/login", 303)
    for name in (COOKIE, FORMER_COOKIE):
        answer.delete_cookie(name, httponly=True, samesite="strict")
    return answer
