"""Commands on runs: shown, computed again, listed, and taken from one server to another."""

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from phaselab.client.arguments import ID, JSON, ORDER, RUN_WHERE, file_option, output_option
from phaselab.client.client import Client
from phaselab.client.rerun import check_weights
from phaselab.client.show import show_json, show_merged, show_rerun, show_run, show_runs


@click.group()
def commands() -> None:
    """Runs."""


@commands.command()
@click.argument("key")
@JSON
@click.pass_obj
def run(client: Client, key: str, as_json: bool) -> None:
    """Show one run, by its key or the first letters of it."""
    (show_json if as_json else show_run)(client.run(key))


@commands.command()
@click.argument("key")
@file_option("--weights", meaning="File for the trained weights: .npz")
@click.option("--device", default="cpu", show_default=True, help="What to compute on, as cuda.")
@JSON
@click.pass_obj
def rerun(client: Client, key: str, weights: Path | None, device: str, as_json: bool) -> None:
    """Compute a run again on this machine, and save its weights.

    Exit code 1 when a number differs from what is stored by more than rounding.
    """
    check_weights(weights)
    found = client.rerun(key, device)
    show_json(found.told) if as_json else show_rerun(found)
    if weights is not None:
        click.echo(found.save(weights, overwrite=True), err=as_json)
    if not found.close:
        sys.exit(1)


@commands.command()
@click.argument("key")
@output_option(".png .svg .pdf")
@click.pass_obj
def cosines(client: Client, key: str, output: Path) -> None:
    """Save the cosine matrix of a run as a picture."""
    click.echo(client.save_cosines(key, output))


@commands.command()
@ID
@RUN_WHERE
@ORDER
@click.option("-n", "most", default=50, show_default=True, type=click.IntRange(min=1), help="Most runs shown.")
@JSON
@click.pass_obj
def runs(
    client: Client, experiment_id: int, where: Sequence[str], order: Sequence[str], most: int, as_json: bool
) -> None:
    """List runs of an experiment, in the order of its axes or another."""
    found = client.runs(experiment_id, where, order)
    if as_json:
        show_json(list(itertools.islice(found, most)))
    else:
        show_runs(found, most)


@commands.command()
@ID
@RUN_WHERE
@ORDER
@output_option(".csv .parquet .phaselab")
@click.pass_obj
def export(client: Client, experiment_id: int, where: Sequence[str], order: Sequence[str], output: Path) -> None:
    """Save runs of an experiment as a table, or the whole of it for `import`.

    The suffix .phaselab means the whole.
    """
    click.echo(client.export(experiment_id, output, where, order))


@commands.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@JSON
@click.pass_obj
def import_file(client: Client, file: Path, as_json: bool) -> None:
    """Merge an experiment's FILE (.phaselab).

    Exit code 1 when it contradicts results that are there.
    """
    merged = client.import_file(file)
    (show_json if as_json else show_merged)(merged)
    if merged.conflicts:
        sys.exit(1)
