"""`phaselab user`: who may come in, what they may, and by which tokens."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import click

from phaselab.service.base.configuration import Configuration, ConfigurationError, load_configuration
from phaselab.service.base.errors import AccountFault
from phaselab.service.base.plainly import told_plainly
from phaselab.service.base.storage import Database, open_database
from phaselab.service.verbs import accounts, sign_on, tokens
from phaselab.service.verbs.accounts import Account
from phaselab.service.verbs.audit import ACTOR, OPERATOR
from phaselab.service.verbs.rights import Role, Scope

Command = TypeVar("Command", bound=Callable[..., Any])
_NAME = click.argument("name")
_TRIALS = click.IntRange(min=0)
_ROLE = click.Choice([str(role) for role in Role])


@click.group("user")
def account_commands() -> None:
    """Look after the accounts: from the first one on, nobody comes in without a token."""


@account_commands.command()
@_NAME
@click.option("--weight", type=float, default=1.0, show_default=True, help="Part in the fair share.")
@click.option("--trials", type=_TRIALS, default=0, help="Most trials that work for it at a time; 0: no cap of its own.")
@click.option("--role", type=_ROLE, default="member", show_default=True, help="What it may.")
def add(name: str, weight: float, trials: int, role: str) -> None:
    """Make an account; its token is printed once, alone on standard output."""
    with _database() as database:
        token = accounts.create(database, name, weight, trials or None, Role(role))
        plain = database.url.set(drivername=database.url.get_backend_name())
        where = plain.render_as_string(hide_password=True)
    click.echo(f"account {name} is in {where}; this is its token, which is not shown again:", err=True)
    click.echo(token)


@account_commands.command("list")
def show() -> None:
    """List the accounts."""
    with _database() as database:
        found = accounts.list_accounts(database)
    if not found:
        click.echo("There are no accounts: whoever reaches the service may do everything.")
        return
    width = max(len("name"), *(len(account.name) for account in found))
    click.echo(f"{'name':{width}}  {'role':6}  {'weight':>8}  {'trials':>6}  {'created':16}  state")
    for account in found:
        click.echo(_line(account, width))


@account_commands.command()
@_NAME
def disable(name: str) -> None:
    """Refuse an account from now on; what it submitted stays, and goes on."""
    with _database() as database:
        accounts.disable(database, name)
    click.echo(f"The account {name} is refused from now on.")


@account_commands.command()
@_NAME
def enable(name: str) -> None:
    """Let a disabled account in again, with the token it had."""
    with _database() as database:
        accounts.enable(database, name)
    click.echo(f"The account {name} may come in.")


@account_commands.command()
@_NAME
def rotate(name: str) -> None:
    """Give an account a new token, printed once, alone on standard output; all former ones are worth nothing."""
    with _database() as database:
        token = tokens.rotate(database, name)
    click.echo(f"this is the new token of {name}, which is not shown again:", err=True)
    click.echo(token)


@account_commands.command()
@_NAME
@click.option("--weight", type=float, help="Part in the fair share.")
@click.option("--trials", type=_TRIALS, help="Most trials that work for it at a time; 0: no cap of its own.")
def share(name: str, weight: float | None, trials: int | None) -> None:
    """Change an account's part in the fair share, or its cap on trials."""
    with _database() as database:
        account = accounts.get(database, name)
        weight = account.weight if weight is None else weight
        capped = account.trials if trials is None else trials or None
        accounts.change(database, name, weight=weight, trials=capped)
    click.echo(f"The account {name} has weight {weight:g} and {_cap(capped)}.")


def _quota(name: str, least: str) -> Callable[[Command], Command]:
    return click.option(f"--{name}", metavar="N", help=f"{least}; none: the service's own.")


@account_commands.command()
@_NAME
@_quota("runs-each", "Most runs of one experiment")
@_quota("runs-queued", "Most runs that may wait")
@_quota("seconds-a-day", "Most computing seconds in 24 hours")
@_quota("bytes-stored", "Most bytes of results")
def quota(name: str, **given: str | None) -> None:
    """Give an account quotas of its own."""
    with _database() as database:
        changes: dict[str, Any] = {one: _number(text) for one, text in given.items() if text is not None}
        account = accounts.change(database, name, **changes)
    told = (f"{one.replace('_', ' ')}: {_told(getattr(account, one))}" for one in accounts.QUOTAS)
    click.echo(f"The account {name} has {', '.join(told)}.")


def _number(text: str) -> int | None:
    """Raises AccountFault for what is neither a whole number nor `none`."""
    if text == "none":
        return None
    if not (text.isascii() and text.isdigit()):
        raise AccountFault(f"a quota is a whole number, or none, not {text[:40]!r}")
    return int(text)


def _told(value: float | None) -> str:
    return "the service's own" if value is None else f"{value:,.0f}"


@account_commands.command("role")
@_NAME
@click.argument("role", type=_ROLE)
def give_role(name: str, role: str) -> None:
    """Make an account a reader (looks), a member (submits) or an admin (looks after everything)."""
    with _database() as database:
        accounts.change(database, name, role=Role(role))
    click.echo(f"The account {name} is {'an' if role == 'admin' else 'a'} {role}.")


@account_commands.command("delete")
@_NAME
@click.option("--heir", help="The account that gets its experiments.")
def remove(name: str, heir: str | None) -> None:
    """Remove an account, with its tokens; its experiments become the heir's."""
    with _database() as database:
        given = accounts.remove(database, name, heir)
    click.echo(f"The account {name} is gone" + (f"; its {given} experiments are {heir}'s." if given else "."))


@account_commands.command("tokens")
@_NAME
def show_tokens(name: str) -> None:
    """List the tokens of an account: what each is for, until when, when it was last used."""
    with _database() as database:
        found = tokens.list_tokens(database, name)
    for one in found:
        until = "for good" if one.expires_at is None else f"until {one.expires_at:%Y-%m-%d %H:%M}"
        used = "never used" if one.used_at is None else f"used {one.used_at:%Y-%m-%d %H:%M}"
        click.echo(f"{one.name}  {one.scope}  {until}  {used}")


@account_commands.command("token")
@_NAME
@click.argument("called")
@click.option("--scope", type=click.Choice([str(scope) for scope in Scope]), default="admin", show_default=True)
@click.option("--days", type=float, help="How long it is good; left out, for good.")
def add_token(name: str, called: str, scope: str, days: float | None) -> None:
    """Give an account another token, CALLED so; it is printed once, alone on standard output."""
    with _database() as database:
        token = tokens.make(database, name, called, Scope(scope), days)
    click.echo(f"this is the token {called} of {name}, which is not shown again:", err=True)
    click.echo(token)


@account_commands.command()
@_NAME
@click.argument("called")
def revoke(name: str, called: str) -> None:
    """Make the token that is CALLED so worth nothing, and every login by it."""
    with _database() as database:
        tokens.revoke(database, name, called)
    click.echo(f"The token {called} of {name} is worth nothing from now on.")


@account_commands.command("link")
@_NAME
@click.argument("subject")
def link_identity(name: str, subject: str) -> None:
    """Let who is this SUBJECT at the provider of single sign-on come in as an account; the login page tells people
    theirs."""
    with _database() as database:
        sign_on.link(database, name, _issuer(), subject)
    click.echo(f"Whoever is {subject} at the provider comes in as {name}.")


@account_commands.command("unlink")
@_NAME
@click.argument("subject")
def unlink_identity(name: str, subject: str) -> None:
    """Let who is this SUBJECT at the provider come in as the account no more, and end the logins by that."""
    with _database() as database:
        sign_on.unlink(database, name, _issuer(), subject)
    click.echo(f"{subject} does not come in as {name} any more.")


@account_commands.command("identities")
@_NAME
def show_identities(name: str) -> None:
    """List who comes in as an account by single sign-on: subject, provider, since when."""
    with _database() as database:
        found = sign_on.identities_of(database, name)
    for one in found:
        click.echo(f"{one.subject}  {one.issuer}  since {one.created_at:%Y-%m-%d %H:%M}")


def _issuer() -> str:
    """The provider's. Raises ConfigurationError where there is none."""
    oidc = [name for name in Configuration.model_fields if name.startswith("oidc_")]
    issuer = load_configuration(needed=oidc).oidc_issuer
    if issuer is None:
        raise ConfigurationError("PHASELAB_OIDC_ISSUER is not set: there is no provider of single sign-on")
    return issuer


def _line(account: Account, width: int) -> str:
    state = "active" if account.disabled_at is None else f"disabled {account.disabled_at:%Y-%m-%d %H:%M}"
    trials = "-" if account.trials is None else str(account.trials)
    created = f"{account.created_at:%Y-%m-%d %H:%M}"
    return f"{account.name:{width}}  {account.role:6}  {account.weight:8g}  {trials:>6}  {created}  {state}"


def _cap(trials: int | None) -> str:
    return "no cap of its own on trials" if trials is None else f"at most {trials} trials at a time"


@contextmanager
def _database() -> Iterator[Database]:
    ACTOR.set(OPERATOR)
    with told_plainly(), closing(open_database(load_configuration(needed=("database_url",)))) as database:
        yield database
