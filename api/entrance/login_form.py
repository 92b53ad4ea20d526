"""The form that asks a person for a token, and the cookie that keeps the login."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from phaselab.api.base.problems import Problem
from phaselab.api.base.templating import page

COOKIE = "phaselab_login"
FORMER_COOKIE = "phaselab_token"
"""What older versions set: the token itself. It is taken away where it is met, and lets nobody in."""
COOKIE_SECONDS = 30 * 86400
_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def login_form(
    request: Request, problem: Problem | None = None, after: str | None = None, tells: bool = False
) -> Response:
    """The form. It leads on to `after`, or else to the page that was asked for and refused. It tells the problem to
    those who tried to come in, or had done so, and where it is said that it does."""
    asked = "/"
    if request.method == "GET" and request.url.path != "/login":
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    # To others it need not be told what is missing.
    was_in = tells or request.method == "POST" or COOKIE in request.cookies
    values: dict[str, Any] = {"after": after or asked, "fault": problem.detail if problem and was_in else None}
    values |= {"provider": request.app.state.provider, "afresh": request.query_params.get("afresh") == "true"}
    return page(request, "login.html", values, problem.status if problem else 200)


def local_address(text: str) -> str:
    """An address of this server's own, so that a forged form leads nowhere else; the first page in its stead."""
    return text if _LOCAL.fullmatch(text) else "/"


def keep_login(request: Request, answer: Response, secret: str, seconds: float = COOKIE_SECONDS) -> None:
    """Give the browser the secret of a login, for so many seconds."""
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, secret, int(seconds), httponly=True, samesite="strict", secure=secure)
    answer.delete_cookie(FORMER_COOKIE, httponly=True, samesite="strict")
