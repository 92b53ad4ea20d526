"""`/accounts`, `/account`, `/tokens` and `/audit`: who may come in, by which tokens, and what was done."""

from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from phaselab.api.answers.accounts import ACCOUNT, ACCOUNTS, DEEDS, SECRET, TOKENS, WHO
from phaselab.api.answers.making import json_answer, json_content
from phaselab.api.base.deps import Account, Db
from phaselab.api.base.describing import fails, gives, reference, takes
from phaselab.api.entrance.bodies import ParsedBody
from phaselab.api.entrance.editions import Seen, edition_headers
from phaselab.api.entrance.kept import Router
from phaselab.api.entrance.queries import AccountName, Id, NoParameters, PageParameters, Strict, TokenName
from phaselab.domain.specs.spec import validate
from phaselab.service.base.errors import Forbidden
from phaselab.service.base.storage import Database
from phaselab.service.verbs import accounts, audit, tokens
from phaselab.service.verbs.account_forms import AccountChanges, NewAccount, NewToken
from phaselab.service.verbs.rights import Caller, Role, Scope

router = Router(tags=["accounts"])
KINDS = ("application/json", "application/yaml")
NOT_TO_BE_STORED = {"Cache-Control": "no-store"}
"""Of answers that hold a secret: nobody keeps them, on the way or here."""


class DeedParameters(PageParameters):
    """A page of what was done: by an `account`, to an `experiment`, of the kind `deed`."""

    account: AccountName | None = None
    experiment: Id | None = None
    deed: Annotated[str, Field(min_length=1, max_length=32)] | None = None

    def page(self, database: Database) -> audit.DeedPage:
        """The page. Raises InvalidInput for a cursor that was never given out."""
        return audit.deeds(database, self.cursor, self.limit, self.account, self.experiment, self.deed)


class RemovalParameters(Strict):
    """`heir` names the account that gets the experiments."""

    heir: AccountName | None = None


def someone(caller: Caller | None) -> Caller:
    """Who asks. Raises Forbidden while there are no accounts: the first is made on the service's machine."""
    if caller is None:
        raise Forbidden("there are no accounts; whoever runs the server makes the first one: phaselab user add NAME")
    return caller


def another(caller: Caller | None, name: str) -> None:
    """Raises Forbidden for the account that somebody came in by: no admin locks itself out, so one is always left."""
    if someone(caller).name == name:
        raise Forbidden(f"{name} is your own account; another admin does this, or `phaselab user` on its machine")


@router.get("/accounts", responses=gives(json_content(ACCOUNTS)))
def list_accounts(nothing: NoParameters, database: Db) -> Response:
    """Every account, by name; for admins."""
    return json_answer(ACCOUNTS, accounts.list_accounts(database))


@router.post(
    "/accounts",
    status_code=201,
    responses=gives(json_content(SECRET), 201) | fails(409),
    openapi_extra=takes(dict.fromkeys(KINDS, reference("NewAccount"))),
)
def make_account(nothing: NoParameters, body: ParsedBody, database: Db, caller: Account) -> Response:
    """Make an account: its first token, which is not shown again; for admins."""
    someone(caller)
    new = validate(NewAccount, body)
    return json_answer(SECRET, accounts.create(database, new.name, role=Role(new.role)), 201, NOT_TO_BE_STORED)


@router.patch(
    "/accounts/{name}",
    responses=gives(json_content(ACCOUNT), headers=("ETag",)) | fails(412),
    openapi_extra=takes(dict.fromkeys(KINDS, reference("AccountChanges"))),
)
def change_account(
    name: AccountName, nothing: NoParameters, seen: Seen, body: ParsedBody, database: Db, caller: Account
) -> Response:
    """Give an account a role, quotas, a part in the fair share, or shut it out; for admins, who leave their own role
    and door to another one."""
    changes = validate(AccountChanges, body).model_dump(exclude_unset=True)
    someone(caller)
    if changes.keys() & {"role", "disabled"}:
        another(caller, name)
    changed = accounts.change(database, name, seen=seen, **changes)
    return json_answer(ACCOUNT, changed, headers=edition_headers(changed.edition))


@router.delete("/accounts/{name}", status_code=204, responses=gives({}, 204))
def delete_account(
    name: AccountName, parameters: Annotated[RemovalParameters, Query()], database: Db, caller: Account
) -> Response:
    """Remove an account, not one's own; `heir` gets its experiments; for admins."""
    another(caller, name)
    accounts.remove(database, name, parameters.heir)
    return Response(status_code=204)


@router.get("/account", responses=gives(json_content(WHO)))
def who(nothing: NoParameters, caller: Account) -> Response:
    """Who asks: the account, its role, and what the token is for."""
    return json_answer(WHO, Caller(accounts.LOCAL, Role.ADMIN) if caller is None else caller)


@router.get("/tokens", responses=gives(json_content(TOKENS)))
def list_tokens(nothing: NoParameters, database: Db, caller: Account) -> Response:
    """Tokens of one's own: what each is for, until when, and when it was last used."""
    return json_answer(TOKENS, tokens.list_tokens(database, someone(caller).name))


@router.post(
    "/tokens",
    status_code=201,
    responses=gives(json_content(SECRET), 201) | fails(409),
    openapi_extra=takes(dict.fromkeys(KINDS, reference("NewToken"))),
)
def make_token(nothing: NoParameters, body: ParsedBody, database: Db, caller: Account) -> Response:
    """Make another token of one's own; it is not shown again."""
    mine, new = someone(caller).name, validate(NewToken, body)
    made = tokens.make(database, mine, new.name, Scope(new.scope), new.days)
    return json_answer(SECRET, made, 201, NOT_TO_BE_STORED)


@router.delete("/tokens/{name}", status_code=204, responses=gives({}, 204))
def revoke_token(name: TokenName, nothing: NoParameters, database: Db, caller: Account) -> Response:
    """Make a token of one's own worth nothing, and every login by it."""
    tokens.revoke(database, someone(caller).name, name)
    return Response(status_code=204)


@router.get("/audit", responses=gives(json_content(DEEDS)))
def list_deeds(parameters: Annotated[DeedParameters, Query()], database: Db) -> Response:
    """What was done, newest first: by whom, from where, to what; for admins."""
    return json_answer(DEEDS, parameters.page(database))
