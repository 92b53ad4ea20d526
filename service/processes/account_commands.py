"""`phaselab user add | list | disable | enable | rotate | share`: who may come in."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from phaselab.service.base.configuration import load_configuration
from phaselab.service.base.plainly import told_plainly
from phaselab.service.base.storage import Database, open_database
from phaselab.service.verbs import accounts
from phaselab.service.verbs.accounts import Account

_NAME = click.argument("name")
_TRIALS = click.IntRange(min=0)


@click.group("user")
def account_commands() -> None:
    """Look after the accounts: from the first one on, nobody comes in without a token."""


@account_commands.command()
@_NAME
@click.option("--weight", type=float, default=1.0, show_default=True, help="Part in the fair share.")
@click.option("--trials", type=_TRIALS, default=0, help="Most trials that work for it at a time; 0: no cap of its own.")
def add(name: str, weight: float, trials: int) -> None:
    """Make an account; its token is printed once, alone on standard output."""
    with _database() as database:
        token = accounts.create(database, name, weight, trials or None)
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
    click.echo(f"{'name':{width}}  {'weight':>8}  {'trials':>6}  {'created':16}  state")
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
    """Give an account a new token, printed once, alone on standard output; the former one is worth nothing."""
    with _database() as database:
        token = accounts.rotate(database, name)
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
        accounts.set_share(database, name, weight, capped)
    click.echo(f"The account {name} has weight {weight:g} and {_cap(capped)}.")


def _line(account: Account, width: int) -> str:
    state = "active" if account.disabled_at is None else f"disabled {account.disabled_at:%Y-%m-%d %H:%M}"
    trials = "-" if account.trials is None else str(account.trials)
    created = f"{account.created_at:%Y-%m-%d %H:%M}"
    return f"{account.name:{width}}  {account.weight:8g}  {trials:>6}  {created}  {state}"


def _cap(trials: int | None) -> str:
    return "no cap of its own on trials" if trials is None else f"at most {trials} trials at a time"


@contextmanager
def _database() -> Iterator[Database]:
    with told_plainly(), closing(open_database(load_configuration(needed=("database_url",)))) as database:
        yield database
