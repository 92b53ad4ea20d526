"""Commands that show and save what experiments answer: diagrams, lines, curves, runs, and experiments as files."""

import functools
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from phaselab.client.arguments import ID, IDS, JSON, ORDER, RUN_WHERE, WHERE, Command, file_option, output_option
from phaselab.client.client import Client
from phaselab.client.rerun import check_weights
from phaselab.client.show import show_json, show_rerun, show_run, show_runs, show_verdicts
from phaselab.domain.results.statistics import STATISTICS

ANY_FORM = output_option(".png .svg .pdf .csv .parquet .json")
BY = click.option("--by", multiple=True, help="Parameter whose values are told apart; may be repeated.")
CELLS = (
    IDS,
    click.option("--x", required=True, help="Parameter of the horizontal axis, as data.k."),
    click.option("--measure", default="averaging_index", show_default=True, help="What is shown; see `measures`."),
    click.option(
        "--statistic",
        default="mean",
        show_default=True,
        type=click.Choice(STATISTICS),
        help="Which number of the measure over a cell's runs.",
    ),
    WHERE,
    click.option("--marginalize", multiple=True, help="Swept parameter to average over; may be repeated."),
    click.option("--threshold", multiple=True, help="Where phases end, as trained_accuracy:0.8; may be repeated."),
    ANY_FORM,
)
"""Arguments and options of diagrams and lines."""


def of_cells(command: Command) -> Command:
    """The command with what diagrams and lines have in common."""
    return functools.reduce(lambda made, option: option(made), reversed(CELLS), command)


@click.group()
def commands() -> None:
    """Answers."""


@commands.command()
@of_cells
@click.option("--y", required=True, help="Parameter of the vertical axis.")
@click.pass_obj
def diagram(client: Client, /, ids: Sequence[int], x: str, y: str, measure: str, output: Path, **more: Any) -> None:
    """Save the phase diagram of one experiment or several."""
    click.echo(client.save_diagram(ids, x, y, measure, output, **more))


@commands.command()
@of_cells
@BY
@click.pass_obj
def lines(client: Client, /, ids: Sequence[int], x: str, measure: str, output: Path, **more: Any) -> None:
    """Save a measure against one parameter, as lines."""
    click.echo(client.save_lines(ids, x, measure, output, **more))


@commands.command()
@IDS
@BY
@WHERE
@click.option("--method", multiple=True, help="exact, pgd or pgd_native; all when left out.")
@click.option("--readout", multiple=True, help="sum or max; both when left out.")
@click.option("--overlay", type=click.Path(path_type=Path), help="CSV of published values to lay over the picture.")
@ANY_FORM
@click.pass_obj
def curves(client: Client, /, ids: Sequence[int], output: Path, **more: Any) -> None:
    """Save robust accuracy against radius of one experiment or several."""
    click.echo(client.save_curves(ids, output, **more))


@commands.command()
@ID
@JSON
@click.pass_obj
def verdicts(client: Client, experiment_id: int, as_json: bool) -> None:
    """Show what the runs say of an experiment's claims.

    Exit code 1 unless every claim holds.
    """
    found = client.verdicts(experiment_id)
    (show_json if as_json else show_verdicts)(found)
    if any(one.verdict != "holds" for one in found):
        sys.exit(1)


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
@click.pass_obj
def rerun(client: Client, key: str, weights: Path | None, device: str) -> None:
    """Compute a run again on this machine, and save its weights.

    Exit code 1 when a number differs from what is stored by more than rounding.
    """
    check_weights(weights)
    found = client.rerun(key, device)
    show_rerun(found)
    if weights is not None:
        click.echo(found.save(weights, overwrite=True))
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
@click.pass_obj
def import_file(client: Client, file: Path) -> None:
    """Merge an experiment's FILE (.phaselab).

    Exit code 1 when it contradicts results that are there.
    """
    merged = client.import_file(file)
    click.echo(
        f"experiment {merged.experiment}: {merged.new} results are new, {merged.known} were there,"
        f" {len(merged.conflicts)} of them with other values"
    )
    if merged.new and not merged.trusted:
        click.echo("what is new stands apart, for this experiment alone; `phaselab retry --imported` computes it there")
    for key in merged.conflicts:
        click.echo(f"conflict, and what was there stays: run {key}", err=True)
    if merged.conflicts:
        sys.exit(1)
