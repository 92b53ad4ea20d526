"""Commands that show and save what experiments answer: diagrams, differences, lines, curves, verdicts."""

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import click

from phaselab.client.arguments import (
    ID,
    IDS,
    JSON,
    WHERE,
    Command,
    Number,
    output_option,
)
from phaselab.client.client import Client
from phaselab.client.heat import show_diagram
from phaselab.client.show import (
    show_curves,
    show_differences,
    show_json,
    show_lines,
    show_verdicts,
)
from phaselab.domain.results.statistics import STATISTICS


class Answer(Protocol):
    """What was asked of experiments: `content` is the server's answer."""

    @property
    def content(self) -> Mapping[str, Any]:
        """The answer in JSON's own types."""


Shown = TypeVar("Shown", bound=Answer)
ANY_FORM = output_option(".png .svg .pdf .csv .parquet .json", required=False)
BY = click.option("--by", multiple=True, help="Parameter whose values are told apart; may be repeated.")
MEASURE = click.option("--measure", default="averaging_index", show_default=True, help="What is shown; see `measures`.")
MARGINALIZE = click.option("--marginalize", multiple=True, help="Swept parameter to average over; may be repeated.")
CELLS = (
    IDS,
    click.option("--x", help="Parameter of the horizontal axis, as data.k; the first that is swept."),
    MEASURE,
    click.option(
        "--statistic",
        default="mean",
        show_default=True,
        type=click.Choice(STATISTICS),
        help="Which number of the measure over a cell's runs.",
    ),
    WHERE,
    MARGINALIZE,
    click.option("--threshold", multiple=True, help="Where phases end, as trained_accuracy:0.8; may be repeated."),
)
"""Arguments and options of diagrams and lines."""
FORMS = (ANY_FORM, click.option("--text", "as_text", is_flag=True, help="On the terminal, as without -o."), JSON)
"""What an answer is given as: a file, text, JSON."""


def of_cells(command: Command) -> Command:
    """The command with what diagrams and lines have in common."""
    return _with(CELLS, command)


def in_forms(command: Command) -> Command:
    """The command with the forms that answers have."""
    return _with(FORMS, command)


def _with(options: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


class Forms(NamedTuple):
    """The forms that an answer is asked for in."""

    output: Path | None
    as_text: bool
    as_json: bool


def _forms(given: dict[str, Any]) -> Forms:
    """The forms among the options of a command, which are taken out of them."""
    return Forms(*(given.pop(name) for name in Forms._fields))


def _give(forms: Forms, save: Callable[[Path], Path], ask: Callable[[], Shown], show: Callable[[Shown], None]) -> None:
    """Give an answer in the forms that are asked for: as a file, as JSON, as text where it is neither."""
    if forms.output is not None:
        click.echo(save(forms.output), err=forms.as_json)
    if forms.as_json:
        show_json(ask().content)
    elif forms.as_text or forms.output is None:
        show(ask())


@click.group()
def commands() -> None:
    """Answers."""


@commands.command()
@of_cells
@click.option("--y", help="Parameter of the vertical axis; the second that is swept.")
@in_forms
@click.pass_obj
def diagram(client: Client, /, ids: Sequence[int], x: str | None, y: str | None, measure: str, **more: Any) -> None:
    """Show the phase diagram of one experiment or several, or save it.

    On the terminal, its cells as coloured blocks; with -o, as a picture or a table.
    """
    forms = _forms(more)
    plane = (x, y) if x and y else client.experiment(ids[0]).plane(x, y)
    _give(
        forms,
        lambda file: client.save_diagram(ids, *plane, measure, file, **more),
        lambda: client.diagram(ids, *plane, measure, **more),
        show_diagram,
    )


@commands.command()
@click.argument("first", type=Number(min=1))
@click.argument("second", type=Number(min=1))
@click.option("--x", help="Parameter of one axis, as data.k; the first that is swept.")
@click.option("--y", help="Parameter of the other; the second that is swept.")
@MEASURE
@WHERE
@MARGINALIZE
@in_forms
@click.pass_obj
def differences(
    client: Client, /, first: int, second: int, x: str | None, y: str | None, measure: str, **more: Any
) -> None:
    """Show how a measure of a second experiment differs from that of a first.

    Cell by cell, the second less the first with a 95 % interval; with -o as a picture or a table.
    """
    forms = _forms(more)
    plane = (x, y) if x and y else client.experiment(first).plane(x, y)
    _give(
        forms,
        lambda file: client.save_differences(first, second, *plane, measure, file, **more),
        lambda: client.ask_differences(first, second, *plane, measure, **more),
        show_differences,
    )


@commands.command()
@of_cells
@BY
@in_forms
@click.pass_obj
def lines(client: Client, /, ids: Sequence[int], x: str | None, measure: str, by: Sequence[str], **more: Any) -> None:
    """Show a measure against one parameter, or save it as lines.

    Where --by is left out, the other parameters that are swept tell the lines apart.
    """
    forms = _forms(more)
    along, others = client.experiment(ids[0]).along(x)
    apart = by or [path for path in others if path not in more["marginalize"]]
    _give(
        forms,
        lambda file: client.save_lines(ids, along, measure, file, apart, **more),
        lambda: client.ask_lines(ids, along, measure, apart, **more),
        show_lines,
    )


@commands.command()
@IDS
@BY
@WHERE
@click.option("--method", multiple=True, help="exact, pgd or pgd_native; all when left out.")
@click.option("--readout", multiple=True, help="sum or max; both when left out.")
@click.option("--overlay", type=click.Path(path_type=Path), help="CSV of published values to lay over the picture.")
@in_forms
@click.pass_obj
def curves(client: Client, /, ids: Sequence[int], overlay: Path | None, **more: Any) -> None:
    """Show robust accuracy against radius of one experiment or several, or save it."""
    forms = _forms(more)
    if overlay is not None and forms.output is None:
        raise click.UsageError("published values are laid over a picture: name its file with -o")
    _give(
        forms,
        lambda file: client.save_curves(ids, file, overlay=overlay, **more),
        lambda: client.ask_curves(ids, **more),
        show_curves,
    )


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
