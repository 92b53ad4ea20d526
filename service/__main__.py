"""`phaselab serve | api | scheduler | db | user`: the service's processes, its database, its accounts."""

import os
import sys

import click

from phaselab.service.base.configuration import load_configuration
from phaselab.service.base.exit_codes import UNFIT
from phaselab.service.base.plainly import told_plainly
from phaselab.service.processes.account_commands import account_commands
from phaselab.service.processes.database_commands import database_commands
from phaselab.service.processes.retain_command import retain
from phaselab.service.processes.supervisor import Supervisor


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Phaselab's processes, together or apart."""


@main.command()
@click.option("--host", help="Address the api listens on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port the api listens on; 0 takes a free one.")
def serve(host: str | None, port: int | None) -> None:
    """Run api and scheduler until SIGTERM or Ctrl-C."""
    _supervise(host=host, port=port)


@main.command()
def scheduler() -> None:
    """Run the scheduler alone, until SIGTERM or Ctrl-C."""
    _supervise(with_api=False)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def api(arguments: tuple[str, ...]) -> None:
    """Run the api alone, with the arguments of `python -m phaselab.api`."""
    os.execv(sys.executable, [sys.executable, "-P", "-m", "phaselab.api", *arguments])


database_commands.add_command(retain)
main.add_command(database_commands)
main.add_command(account_commands)


def _supervise(host: str | None = None, port: int | None = None, with_api: bool = True) -> None:
    with told_plainly(lasting=UNFIT):
        Supervisor(load_configuration(host=host, port=port), with_api).run()


if __name__ == "__main__":
    main(prog_name="phaselab")
