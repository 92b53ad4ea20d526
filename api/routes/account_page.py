"""`/account`: the page of the account that looks at it. Its data: `/api/v1/account` and `/api/v1/tokens`."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phaselab.api.base.deps import Account, ConfigurationOf, Db
from phaselab.api.base.templating import page
from phaselab.api.entrance.bodies import FormFields
from phaselab.api.entrance.login_form import COOKIE
from phaselab.api.entrance.queries import TokenName
from phaselab.api.routes.accounts import someone
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.specs.spec import validate
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.errors import AccountFault, AccountTaken
from phaselab.service.base.storage import Database
from phaselab.service.verbs import accounts, logins, sign_on, tokens
from phaselab.service.verbs.account_forms import NewToken
from phaselab.service.verbs.own_use import use_of
from phaselab.service.verbs.rights import Caller, Deed, Scope

router = APIRouter(include_in_schema=False)

SCOPES: Mapping[Scope, str] = {
    Scope.READ: "looking",
    Scope.SUBMIT: "submitting and changing experiments",
    Scope.ADMIN: "all that the account may do",
}
"""What tokens are for, in words."""
DAYS = (7, 30, 90, 365)
"""How long those are good that the form makes, or for good."""


@router.get("/account")
def account_page(request: Request, database: Db, configuration: ConfigurationOf, caller: Account) -> Response:
    """Who looks, what it may and has, its tokens and logins."""
    return page(request, "account.html", _values(database, configuration, caller))


@router.post("/account")
def make_token(
    request: Request, fields: FormFields, database: Db, configuration: ConfigurationOf, caller: Account
) -> Response:
    """The form that makes a token: the page, with the token in it, which nobody keeps."""
    name, status = someone(caller).name, 200
    made: dict[str, Any] = {}
    try:
        asked = {"name": fields.get("name", "").strip(), "scope": fields.get("scope"), "days": _days(fields)}
        new = validate(NewToken, asked)
        made = {"made": tokens.make(database, name, new.name, Scope(new.scope), new.days), "called": new.name}
    except AccountFault as fault:
        made, status = {"fault": str(fault)}, 409 if isinstance(fault, AccountTaken) else 422
    except InvalidInput as invalid:
        made, status = {"fault": "; ".join(fault.detail for fault in invalid.faults)}, 422
    answer = page(request, "account.html", _values(database, configuration, caller) | {"asked": fields} | made, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.post("/account/tokens/{name}/revoke")
def revoke_token(name: TokenName, database: Db, caller: Account) -> Response:
    """A button beside a token."""
    tokens.revoke(database, someone(caller).name, name)
    return RedirectResponse("/account", 303)


@router.post("/account/logins/end")
def end_logins(request: Request, database: Db, caller: Account) -> Response:
    """The button that logs the account out everywhere but here."""
    logins.end_others(database, someone(caller).name, request.cookies.get(COOKIE, ""))
    return RedirectResponse("/account", 303)


def _values(database: Database, configuration: Configuration, caller: Caller | None) -> dict[str, Any]:
    """What account.html shows."""
    values: dict[str, Any] = {"caller": caller, "scopes": SCOPES, "days": DAYS, "asked": {}}
    if caller is None:
        return values
    values["way"] = caller.by.replace("login by", "logged in by", 1)
    values["account"] = accounts.get(database, caller.name)
    values["use"] = use_of(database, caller.name, configuration.quotas)
    if caller.may(Deed.OWN):
        values["tokens"] = tokens.list_tokens(database, caller.name)
        values["logins"] = logins.list_logins(database, caller.name)
        values["identities"] = sign_on.identities_of(database, caller.name)
    return values


def _days(fields: Mapping[str, str]) -> float | str | None:
    """The days of the form: nothing is for good; what is no number is refused as it is."""
    text = fields.get("days", "").strip()
    try:
        return float(text) if text else None
    except ValueError:
        return text
