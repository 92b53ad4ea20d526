"""Which error becomes which problem; every fault that leaves a route passes here."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from phaselab.api.base.problems import Problem, respond
from phaselab.api.base.templating import page
from phaselab.api.entrance.addresses import Addresses
from phaselab.api.entrance.editions import edition_headers
from phaselab.api.entrance.login_form import login_form
from phaselab.api.entrance.request_ids import REQUEST_ID
from phaselab.domain.settings.faults import Fault, InvalidInput, plain_words, pointer
from phaselab.service.base.errors import (
    AccountFault,
    AccountTaken,
    Conflict,
    DatabaseAway,
    DatabaseDamaged,
    DatabaseLost,
    DatabaseReadOnly,
    Forbidden,
    NoAccount,
    NotFound,
    Outdated,
    QuotaExceeded,
)
from phaselab.service.base.yaml_marks import with_lines

log = logging.getLogger("phaselab.api")


def install(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(InvalidInput, _invalid)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(Outdated, _outdated)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(QuotaExceeded, _quota)
    app.add_exception_handler(AccountFault, _account_fault)
    app.add_exception_handler(DatabaseAway, _away)
    app.add_exception_handler(RequestValidationError, _bad_parameters)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _internal)


def invalid_input(faults: Sequence[Fault]) -> Problem:
    """The problem of an input with these faults."""
    detail = faults[0].detail if len(faults) == 1 else f"{len(faults)} things are wrong; see errors"
    return Problem(422, detail, faults)


def _answer(request: Request, problem: Problem) -> Response:
    """The problem as a page for a browser that asked for a page, else as problem+json."""
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    if not wants_page:
        return respond(request, problem)
    title = HTTPStatus(problem.status).phrase
    if problem.status == 401:
        answer = login_form(request, problem)
    else:
        answer = page(request, "error.html", {"problem": problem, "title": title}, problem.status)
    answer.headers.update(problem.headers)
    return answer


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _answer(request, error)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidInput)
    text = getattr(request.state, "yaml", None)
    return _answer(request, invalid_input(error.faults if text is None else with_lines(error.faults, text)))


def _not_found(request: Request, error: Exception) -> Response:
    return _answer(request, Problem(404, str(error)))


def _conflict(request: Request, error: Exception) -> Response:
    return _answer(request, Problem(409, str(error)))


def _outdated(request: Request, error: Exception) -> Response:
    assert isinstance(error, Outdated)
    return _answer(request, Problem(412, str(error), headers=edition_headers(error.edition)))


def _forbidden(request: Request, error: Exception) -> Response:
    return _answer(request, Problem(403, str(error)))


def _quota(request: Request, error: Exception) -> Response:
    assert isinstance(error, QuotaExceeded)
    headers = {} if error.seconds is None else {"Retry-After": str(error.seconds)}
    return _answer(request, Problem(403, str(error), headers=headers, name="quota-exceeded"))


def _account_fault(request: Request, error: Exception) -> Response:
    status = 404 if isinstance(error, NoAccount) else 409 if isinstance(error, AccountTaken) else 422
    return _answer(request, Problem(status, str(error)))


def _away(request: Request, error: Exception) -> Response:
    log.error("%s %s (request %s): %s", request.method, request.url.path, _name(request), error)
    told = isinstance(error, DatabaseLost | DatabaseReadOnly | DatabaseDamaged)  # others may name addresses
    detail = str(error) if told else "the database cannot be reached just now; nothing was stored; try again shortly"
    return _answer(request, Problem(503, detail, headers={"Retry-After": "5"}))


def _bad_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if any(entry["loc"][0] == "path" for entry in error.errors()):
        return _answer(request, Problem(404, f"there is nothing at {request.url.path}"))
    return _answer(request, invalid_input([_parameter_fault(entry) for entry in error.errors()]))


def _parameter_fault(entry: Any) -> Fault:
    """One of FastAPI's errors about a path, query or header parameter as a fault; /name/i is its i-th value."""
    path = list(entry["loc"][1:])
    if entry["type"] == "missing":
        return Fault(pointer(*path), "this query parameter is required")
    if entry["type"] == "extra_forbidden":
        return Fault(pointer(*path), "unknown query parameter")
    given = repr(entry.get("input"))
    message = plain_words(str(entry["msg"]))
    return Fault(pointer(*path), f"{message[:1].lower()}{message[1:]}, not {given[:60]}")


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    addresses: Addresses = request.app.state.addresses
    problem = addresses.problem(request) if error.status_code in (404, 405) else None
    return _answer(request, problem or Problem(error.status_code, str(error.detail), headers=error.headers))


def _gone(request: Request, error: Exception) -> Response:
    return _answer(request, Problem(400, "the connection ended before the body did; nothing was stored"))


def _internal(request: Request, error: Exception) -> Response:
    log.error("%s %s failed (request %s)", request.method, request.url.path, _name(request), exc_info=error)
    told = f"the server's log tells more of this request, {_name(request)}"
    return _answer(request, Problem(500, f"an error of the server, not of what was sent; {told}"))


def _name(request: Request) -> str:
    """What the request is called in its answer, the audit and the log."""
    return str(request.scope.get(REQUEST_ID, "without a name"))
