"""`/login` and `/logout`: a person's token, kept in a cookie that scripts cannot read and other sites cannot send."""

from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phaselab.api.base.deps import ConfigurationOf, Db
from phaselab.api.base.problems import Problem
from phaselab.api.entrance.access import unauthorized
from phaselab.api.entrance.bodies import RawBody, media_type
from phaselab.api.entrance.login_form import COOKIE, COOKIE_SECONDS, local_address, login_form
from phaselab.service.base.errors import Unauthorized
from phaselab.service.verbs import accounts

router = APIRouter(include_in_schema=False)


@router.get("/login")
def login_page(request: Request, database: Db, configuration: ConfigurationOf) -> Response:
    """The form; nothing to do while there are no accounts."""
    if accounts.is_open(database, configuration):
        return RedirectResponse("/", 303)
    return login_form(request)


@router.post("/login")
def login(request: Request, body: RawBody, database: Db) -> Response:
    """Take the token of the form."""
    if media_type(request) != "application/x-www-form-urlencoded":
        raise Problem(415, "this address is for the form; programs send `Authorization: Bearer TOKEN`")
    fields = parse_qs(body.decode(errors="replace"), max_num_fields=10)
    token, after = fields.get("token", [""])[0].strip(), local_address(fields.get("after", ["/"])[0])
    try:
        accounts.owner_of(database, token)
    except Unauthorized as error:
        return login_form(request, unauthorized(str(error), invalid=True), after)
    answer = RedirectResponse(after, 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, token, COOKIE_SECONDS, httponly=True, samesite="strict", secure=secure)
    return answer


@router.post("/logout")
def logout() -> Response:
    """Forget the cookie; the token stays good."""
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer
