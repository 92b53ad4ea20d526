"""The command line: the service's processes, and one command a call of the REST api."""

import difflib
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from phaselab.client.errors import PhaselabError
from phaselab.client.terminal import write_anything

SERVICE_COMMANDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "serve": ("Start api and scheduler (--host, --port).", ("server", "worker")),
    "api": ("Start the api alone (--host, --port).", ("server",)),
    "scheduler": ("Start the scheduler alone.", ("server", "worker")),
    "user": ("Look after the accounts: add, list, role, token, rotate, disable, delete, ...", ("server",)),
    "db": ("Look after the database: upgrade, check, rebuild, backup, vacuum.", ("server",)),
    "data": ("Fetch or check the files of the image data sets: fetch, check.", ("worker",)),
}
"""Commands that are handed over to a process of the service: what each does, and the parts it needs."""
CLIENT_COMMANDS: Mapping[str, tuple[str, str]] = {
    "submit": ("Submit a spec: a YAML or JSON file, preset:NAME, or - for what comes in.", "experiment_commands"),
    "watch": ("Follow an experiment to its end; exit code 1 unless every run has a result.", "experiment_commands"),
    "list": ("List experiments, newest first.", "experiment_commands"),
    "show": ("Show one experiment, and why runs of it failed.", "experiment_commands"),
    "cancel": ("Stop an experiment for good; what has landed stays.", "experiment_commands"),
    "pause": ("Hand out nothing more of an experiment until it is resumed.", "experiment_commands"),
    "resume": ("Go on with a paused experiment.", "experiment_commands"),
    "retry": ("Queue the failed and cancelled runs of an experiment again.", "experiment_commands"),
    "change": (
        "Change the name, priority, note or tags of an experiment, who sees it, or archive it.",
        "experiment_commands",
    ),
    "delete": ("Remove an experiment, and the runs that no other experiment has.", "experiment_commands"),
    "diagram": ("Show the phase diagram of one experiment or several, or save it.", "answer_commands"),
    "differences": ("Show how a measure of a second experiment differs from that of a first.", "answer_commands"),
    "lines": ("Show a measure against one parameter, or save it as lines.", "answer_commands"),
    "curves": (
        "Show robust accuracy against radius of one experiment or several, or save it.",
        "answer_commands",
    ),
    "verdicts": ("Show what the runs say of an experiment's claims.", "answer_commands"),
    "run": ("Show one run, by its key or the first letters of it.", "run_commands"),
    "rerun": ("Compute a run again on this machine, and save its weights.", "run_commands"),
    "cosines": ("Save the cosine matrix of a run as a picture.", "run_commands"),
    "runs": ("List runs of an experiment, in the order of its axes or another.", "run_commands"),
    "export": ("Save runs of an experiment as a table, or the whole of it for `import`.", "run_commands"),
    "import": ("Merge an experiment's FILE (.phaselab).", "run_commands"),
    "reproduce": (
        "Run presets and hold their claims to the runs: table, report, pictures.",
        "reproduce_commands",
    ),
    "admin": ("Show the service: who waits and why, what the workers do, what fails.", "admin_commands"),
    "presets": ("List the presets.", "catalogue_commands"),
    "parameters": ("List the parameters.", "catalogue_commands"),
    "measures": ("List the measures.", "catalogue_commands"),
}
"""Commands that ask a server: what each does, and the file of this folder that it is in."""
TITLES: Mapping[str, str] = {
    "experiment_commands": "Experiments",
    "answer_commands": "Answers and runs",
    "run_commands": "Answers and runs",
    "reproduce_commands": "Answers and runs",
    "admin_commands": "Service",
    "catalogue_commands": "Catalogues",
}
"""What help calls the commands of each file."""


class Commands(click.Group):
    """Every command by its name. The file of one is loaded when it is called, so that help comes at once; errors of the
    client end with exit code 1 and plain words."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of help."""
        return [*SERVICE_COMMANDS, *CLIENT_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name in SERVICE_COMMANDS:
            return _service_command(cmd_name)
        if cmd_name not in CLIENT_COMMANDS:
            return None
        module = import_module(f"phaselab.client.{CLIENT_COMMANDS[cmd_name][1]}")
        found: click.Command | None = module.commands.get_command(ctx, cmd_name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands in help, of which none is loaded for it."""
        groups = {"Service": [(name, entry[0]) for name, entry in SERVICE_COMMANDS.items()]}
        for name, (meaning, file) in CLIENT_COMMANDS.items():
            groups.setdefault(TITLES[file], []).append((name, meaning))
        for title, entries in groups.items():
            with formatter.section(title):
                formatter.write_dl(entries)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called. Fails for a name of none, with those that may be meant."""
        if self.get_command(ctx, args[0]) is None:
            close = difflib.get_close_matches(args[0], self.list_commands(ctx), 3, 0.6)
            meant = f" Did you mean {' or '.join(close)}?" if close else " `phaselab -h` lists them."
            ctx.fail(f"No such command {args[0]!r}.{meant}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. An error of the client becomes its text on standard error."""
        try:
            return super().invoke(ctx)
        except PhaselabError as error:
            click.echo(f"phaselab: {error}", err=True)
            ctx.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", envvar="PHASELAB_URL", show_envvar=True, help="The server; http://127.0.0.1:8000 by default.")
@click.option("--token", envvar="PHASELAB_TOKEN", show_envvar=True, help="Token of your account, if there are any.")
@click.version_option(package_name="phaselab")
@click.pass_context
def cli(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Phaselab: when does gradient descent average features, and when does it learn them one by one?

    Commands are completed by Tab after `eval "$(_PHASELAB_COMPLETE=bash_source phaselab)"` (or zsh_source, in zsh).
    """
    if ctx.invoked_subcommand not in SERVICE_COMMANDS:
        from phaselab.client.client import Client  # noqa: PLC0415 - help has no use for it, and it takes time

        ctx.obj = ctx.with_resource(Client(url, token))


def _service_command(name: str) -> click.Command:
    meaning, parts = SERVICE_COMMANDS[name]

    @click.command(name, help=meaning, add_help_option=False, context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def start(arguments: tuple[str, ...]) -> None:
        from phaselab.client.parts import check_parts  # noqa: PLC0415 - help has no use for it, and it takes time

        check_parts(f"phaselab {name}", parts)
        sys.stdout.flush()
        module = ["phaselab.workers.data.commands"] if name == "data" else ["phaselab.service", name]
        os.execv(sys.executable, [sys.executable, "-P", "-m", *module, *arguments])

    return start


def main() -> None:
    """Entry point of the `phaselab` command."""
    write_anything()
    cli(prog_name="phaselab")


if __name__ == "__main__":
    main()
