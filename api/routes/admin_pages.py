"""Pages for admins: the service at a look, the accounts, the audit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phaselab.api.base.deps import Account, ConfigurationOf, Db
from phaselab.api.base.problems import Problem
from phaselab.api.base.templating import page
from phaselab.api.entrance.bodies import FormFields
from phaselab.api.entrance.editions import form_edition
from phaselab.api.entrance.queries import AccountName
from phaselab.api.routes.accounts import DeedParameters, another, someone
from phaselab.domain.settings.faults import Fault, InvalidInput
from phaselab.domain.specs.spec import validate
from phaselab.service.base.errors import AccountFault, NoAccount, Outdated
from phaselab.service.base.storage import Database
from phaselab.service.verbs import accounts, audit
from phaselab.service.verbs.account_forms import AccountChanges, NewAccount
from phaselab.service.verbs.concerns import concerns
from phaselab.service.verbs.overview import overview
from phaselab.service.verbs.rights import Role

router = APIRouter(prefix="/admin", include_in_schema=False)

DEEDS = 50
"""Deeds on a page of the audit."""
NUMBERS = ("weight", "trials", *accounts.QUOTAS)
"""Fields of an account's form that are numbers; an empty one is the service's own."""


@router.get("")
def overview_page(request: Request, database: Db, configuration: ConfigurationOf) -> Response:
    """The service at a look."""
    seen = overview(database, configuration)
    return page(request, "admin.html", {"seen": seen, "concerns": [*concerns(seen)]})


@router.get("/accounts")
def accounts_page(request: Request, database: Db, configuration: ConfigurationOf) -> Response:
    """Every account with its quotas and use, and the forms to make and change them."""
    return page(request, "admin_accounts.html", _account_values(database, configuration))


@router.post("/accounts")
def make_account(
    request: Request, fields: FormFields, database: Db, configuration: ConfigurationOf, caller: Account
) -> Response:
    """Make an account; the answer shows its token, which nothing shows again."""
    someone(caller)
    try:
        new = validate(NewAccount, {name: fields[name] for name in ("name", "role") if name in fields})
        token = accounts.create(database, new.name, role=Role(new.role))
    except (InvalidInput, AccountFault) as fault:
        return _with_faults(request, database, configuration, fault)
    values = _account_values(database, configuration) | {"made": new.name, "token": token}
    answer = page(request, "admin_accounts.html", values)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.post("/accounts/{name}")
def change_account(
    request: Request,
    name: AccountName,
    fields: FormFields,
    database: Db,
    configuration: ConfigurationOf,
    caller: Account,
) -> Response:
    """What is given of an account's role, door, weight and quotas."""
    someone(caller)
    before = accounts.get(database, name)
    try:
        changes = validate(AccountChanges, dict(_given(fields))).model_dump(exclude_unset=True)
        changed = {key: value for key, value in changes.items() if value != _is(before, key)}
        if changed.keys() & {"role", "disabled"}:
            another(caller, name)
        if changed:
            accounts.change(database, name, seen=form_edition(fields), **changed)
    except NoAccount:
        raise
    except (InvalidInput, AccountFault) as fault:
        return _with_faults(request, database, configuration, fault)
    except Outdated:
        told = AccountFault(f"{name} has been changed since you saw it; here it is as it is now, to be changed again")
        return _with_faults(request, database, configuration, told, 412)
    return RedirectResponse("/admin/accounts", 303)


@router.get("/accounts/{name}/delete")
def delete_page(request: Request, name: AccountName, database: Db, caller: Account) -> Response:
    """Asks whether an account is to be removed, and who gets its experiments."""
    another(caller, name)
    return page(request, "admin_delete.html", _deletion(database, name))


@router.post("/accounts/{name}/delete")
def delete_account(request: Request, name: AccountName, fields: FormFields, database: Db, caller: Account) -> Response:
    """The button of that page."""
    another(caller, name)
    try:
        accounts.remove(database, name, fields.get("heir"))
    except NoAccount:
        raise
    except AccountFault as fault:
        return page(request, "admin_delete.html", _deletion(database, name) | {"fault": str(fault)}, 422)
    return RedirectResponse("/admin/accounts", 303)


@router.get("/audit")
def audit_page(request: Request, database: Db) -> Response:
    """What was done, newest first: all, or by an account, to an experiment, of a kind."""
    given = {name: text for name, text in request.query_params.items() if text.strip()}
    try:
        asked = DeedParameters.model_validate({"limit": str(DEEDS)} | given)
    except ValidationError:
        raise Problem(422, "nothing can be looked for like this; use the form of the page") from None
    found = asked.page(database)
    query = {name: text for name, text in given.items() if name != "cursor"}
    further = urlencode(query | {"cursor": found.next or ""})
    values = {"asked": asked, "found": found, "query": urlencode(query), "further": further}
    return page(request, "admin_audit.html", values | {"deeds": audit.kinds(database)})


def _account_values(database: Database, configuration: ConfigurationOf) -> dict[str, Any]:
    seen = overview(database, configuration)
    used = {(one.account, one.quota): one for one in seen.quotas}
    left = {one.name: one.left for one in seen.owners}
    return {
        "accounts": accounts.list_accounts(database),
        "roles": [*Role],
        "quotas": accounts.QUOTAS,
        "usual": configuration.quotas,
        "used": used,
        "left": left,
    }


def _with_faults(
    request: Request, database: Database, configuration: ConfigurationOf, fault: Exception, status: int = 422
) -> Response:
    """The page of accounts as they are, with what is wrong with what its form sent."""
    faults: Sequence[Fault] = fault.faults if isinstance(fault, InvalidInput) else [Fault("", str(fault))]
    return page(request, "admin_accounts.html", _account_values(database, configuration) | {"faults": faults}, status)


def _given(fields: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """The changes that a form asks for; what it has no field for stays."""
    if "role" in fields:
        yield "role", fields["role"]
    if "state" in fields:
        yield "disabled", fields["state"] == "disabled"
    for name in NUMBERS if "numbers" in fields else ():
        text = fields.get(name, "").strip()
        if text or name != "weight":
            yield name, _number(text) if text else None


def _number(text: str) -> int | float | str:
    """The number that somebody wrote; the text where it is none, which the form's rules refuse."""
    try:
        return int(text) if text.isascii() and text.isdigit() else float(text)
    except ValueError:
        return text


def _is(account: accounts.Account, name: str) -> object:
    """What an account has of what can be changed."""
    return account.disabled_at is not None if name == "disabled" else getattr(account, name)


def _deletion(database: Database, name: str) -> dict[str, Any]:
    account, owned = accounts.get(database, name), accounts.owned(database, name)
    heirs = [one.name for one in accounts.list_accounts(database) if one.name != name]
    return {"account": account, "owned": owned, "heirs": heirs}
