"""The command line: the service's processes, and one command a call of the REST api."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from phaselab.client.client import Client
from phaselab.client.errors import PhaselabError
from phaselab.client.show import follow, show_experiment, show_experiments, show_items, show_run
from phaselab.domain.results.states import ExperimentStatus
from phaselab.domain.results.statistics import STATISTICS

Command = TypeVar("Command", bound=Callable[..., Any])
_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


class PlainErrors(click.Group):
    """A group whose commands end with exit code 1 and plain words when something goes wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. An error of the client becomes its text on standard error."""
        try:
            return super().invoke(ctx)
        except PhaselabError as error:
            click.echo(f"phaselab: {error}", err=True)
            ctx.exit(1)


@click.group(cls=PlainErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", envvar="PHASELAB_URL", show_envvar=True, help="The server; http://127.0.0.1:8000 by default.")
@click.option("--token", envvar="PHASELAB_TOKEN", show_envvar=True, help="Token of your account, if there are any.")
@click.version_option(package_name="phaselab")
@click.pass_context
def cli(ctx: click.Context, url: str | None, token: str | None) -> None:
    """Phaselab: when does gradient descent average features, and when does it learn them one by one?"""
    if ctx.invoked_subcommand not in SERVICE_COMMANDS:
        ctx.obj = ctx.with_resource(Client(url, token))


SERVICE_COMMANDS = {
    "serve": "Start api and scheduler (--host, --port).",
    "api": "Start the api alone (--host, --port).",
    "scheduler": "Start the scheduler alone.",
    "user": "Look after the accounts: add, list, disable, enable, rotate, share.",
    "db": "Look after the database: upgrade, check, rebuild, backup, vacuum.",
    "data": "Fetch or check the files of the image data sets: fetch, check.",
}


def _add_service_command(name: str, meaning: str) -> None:
    @cli.command(name, help=meaning, add_help_option=False, context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def start(arguments: tuple[str, ...]) -> None:
        sys.stdout.flush()
        module = ["phaselab.workers.data.commands"] if name == "data" else ["phaselab.service", name]
        os.execv(sys.executable, [sys.executable, "-P", "-m", *module, *arguments])


for _name, _meaning in SERVICE_COMMANDS.items():
    _add_service_command(_name, _meaning)


def _where(command: Command) -> Command:
    text = "Condition on a parameter, as data.k=10 or data.d>=1000; may be repeated."
    return click.option("--where", multiple=True, help=text)(command)


def _ids(command: Command) -> Command:
    return click.argument("ids", metavar="ID...", nargs=-1, required=True, type=click.IntRange(min=1))(command)


def _id(command: Command) -> Command:
    return click.argument("experiment_id", metavar="ID", type=click.IntRange(min=1))(command)


@cli.command()
@click.argument("spec", metavar="SPEC|preset:NAME")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change the spec; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Tell what it would come to, and store nothing.")
@click.option("--watch", "watched", is_flag=True, help="Follow it to the end.")
@click.pass_obj
def submit(client: Client, spec: str, changes: tuple[str, ...], dry_run: bool, watched: bool) -> None:
    """Submit a spec: a YAML or JSON file, or preset:NAME."""
    if dry_run:
        estimate = client.estimate(spec, changes)
        click.echo(
            f"{estimate.points} points, {estimate.runs} runs, {estimate.cached} of them cached,"
            f" {estimate.skipped} impossible points left out; about {estimate.stacks} stacks,"
            f" {estimate.seconds:.0f} s on one core"
        )
        return
    experiment = client.submit(spec, changes)
    click.echo(f"experiment {experiment.id}: {experiment.counts.total} runs, {experiment.counts.cached} cached")
    if watched:
        _follow(client, experiment.id)


@cli.command()
@_id
@click.pass_obj
def watch(client: Client, experiment_id: int) -> None:
    """Follow an experiment to its end; exit code 1 unless every run has a result."""
    _follow(client, experiment_id)


def _follow(client: Client, experiment_id: int) -> None:
    last = follow(client, experiment_id)
    show_experiment(last)
    if last.status is not ExperimentStatus.FINISHED:
        sys.exit(1)


@cli.command("list")
@click.option("-n", "most", default=50, show_default=True, type=click.IntRange(min=1), help="Most experiments shown.")
@click.pass_obj
def list_experiments(client: Client, most: int) -> None:
    """List experiments, newest first."""
    show_experiments(client.experiments(), most)


@cli.command()
@_id
@click.pass_obj
def show(client: Client, experiment_id: int) -> None:
    """Show one experiment."""
    show_experiment(client.experiment(experiment_id))


def _add_verb(name: str, meaning: str) -> None:
    @cli.command(name, help=meaning)
    @_id
    @click.pass_obj
    def do(client: Client, experiment_id: int) -> None:
        show_experiment(getattr(client, name)(experiment_id))


_add_verb("cancel", "Stop an experiment for good; what has landed stays.")
_add_verb("pause", "Hand out nothing more of an experiment until it is resumed.")
_add_verb("resume", "Go on with a paused experiment.")
_add_verb("retry", "Queue the failed and cancelled runs of an experiment again.")


@cli.command()
@_ids
@click.option("--x", required=True, help="Parameter of the horizontal axis, as data.k.")
@click.option("--y", required=True, help="Parameter of the vertical axis.")
@click.option("--measure", default="averaging_index", show_default=True, help="What is shown; see `measures`.")
@click.option(
    "--statistic",
    default="mean",
    show_default=True,
    type=click.Choice(STATISTICS),
    help="Which number of the measure over a cell's runs.",
)
@_where
@click.option("--marginalize", multiple=True, help="Swept parameter to average over; may be repeated.")
@click.option("-o", "--output", required=True, type=_FILE, help="File: .png .svg .pdf .csv .parquet .json")
@click.pass_obj
def diagram(client: Client, /, ids: Sequence[int], x: str, y: str, measure: str, output: Path, **more: Any) -> None:
    """Save the phase diagram of one experiment or several."""
    click.echo(client.save_diagram(ids, x, y, measure, output, **more))


@cli.command()
@_ids
@click.option("--by", multiple=True, help="Parameter whose values are told apart; may be repeated.")
@_where
@click.option("--method", multiple=True, help="exact, pgd or pgd_native; all when left out.")
@click.option("--readout", multiple=True, help="sum or max; both when left out.")
@click.option("--overlay", type=click.Path(path_type=Path), help="CSV of published values to lay over the picture.")
@click.option("-o", "--output", required=True, type=_FILE, help="File: .png .svg .pdf .csv .parquet .json")
@click.pass_obj
def curves(client: Client, /, ids: Sequence[int], output: Path, **more: Any) -> None:
    """Save robust accuracy against radius of one experiment or several."""
    click.echo(client.save_curves(ids, output, **more))


@cli.command()
@_id
@click.option("-o", "--output", required=True, type=_FILE, help="File: .csv .parquet .phaselab")
@click.pass_obj
def export(client: Client, experiment_id: int, output: Path) -> None:
    """Save every run of an experiment as a table; as .phaselab, the whole of it, for `import` elsewhere."""
    click.echo(client.export(experiment_id, output))


@cli.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def import_file(client: Client, file: Path) -> None:
    """Merge an experiment's FILE (.phaselab); exit code 1 when it contradicts results that are there."""
    merged = client.import_file(file)
    click.echo(
        f"experiment {merged.experiment}: {merged.new} results are new, {merged.known} were there,"
        f" {len(merged.conflicts)} of them with other values"
    )
    for key in merged.conflicts:
        click.echo(f"conflict, and what was there stays: run {key}", err=True)
    if merged.conflicts:
        sys.exit(1)


@cli.command()
@click.argument("key")
@click.pass_obj
def run(client: Client, key: str) -> None:
    """Show one run."""
    show_run(client.run(key))


@cli.command()
@click.argument("key")
@click.option("-o", "--output", required=True, type=_FILE, help="File: .png .svg .pdf")
@click.pass_obj
def cosines(client: Client, key: str, output: Path) -> None:
    """Save the cosine matrix of a run as a picture."""
    click.echo(client.save_cosines(key, output))


def _add_catalogue(name: str, columns: dict[str, str], meaning: str) -> None:
    @cli.command(name, help=meaning)
    @click.pass_obj
    def show_catalogue(client: Client) -> None:
        show_items(client.catalogue(name), columns)


_add_catalogue("presets", {"name": "name", "meaning": "meaning"}, "List the presets.")
_add_catalogue("parameters", {"path": "path", "default": "default", "meaning": "meaning"}, "List the parameters.")
_add_catalogue("measures", {"name": "name", "symbol": "symbol", "meaning": "meaning"}, "List the measures.")


def main() -> None:
    """Entry point of the `phaselab` command."""
    cli(prog_name="phaselab")


if __name__ == "__main__":
    main()
