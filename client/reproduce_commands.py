"""`phaselab reproduce`: run the presets through the service and hold their claims to the runs."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from phaselab.client.arguments import SET
from phaselab.client.client import Client
from phaselab.client.errors import Invalid, PhaselabError
from phaselab.client.files import written
from phaselab.client.pictures import save_pictures
from phaselab.client.report import html
from phaselab.client.reproduction import Change, Reproduced, Reproduction, changed, read
from phaselab.client.show import follow, show_experiment, show_verdicts
from phaselab.client.values import Experiment

TABLE = "reproduction.json"


@click.group()
def commands() -> None:
    """Reproducing."""


@commands.command()
@click.argument("names", metavar="[PRESET]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    "folder",
    default="reproduction",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the table (JSON, CSV), the report (HTML) and the pictures.",
)
@click.option(
    "--against",
    type=click.Path(dir_okay=False, path_type=Path),
    help="An earlier reproduction.json: tell what has changed; exit code 1 when a verdict has.",
)
@click.option("--overwrite", is_flag=True, help="Write over an earlier reproduction in the folder.")
@SET
@click.pass_obj
def reproduce(
    client: Client, /, names: Sequence[str], folder: Path, against: Path | None, overwrite: bool, changes: Sequence[str]
) -> None:
    """Run presets and hold their claims to the runs: table, report, pictures.

    When none is named, all that are sized for a CPU. Runs that the server knows are not computed again, so it goes on
    where it was broken off. After each preset the files are written anew.
    """
    earlier = None if against is None else read(against)
    if (folder / TABLE).exists() and not overwrite:
        raise Invalid(f"there is a reproduction in {folder}: choose another folder with -o, or give --overwrite", 409)
    chosen = _chosen(client.catalogue("presets"), names)
    submitted = [(preset, client.submit(f"preset:{preset['name']}", changes)) for preset in chosen]
    told: Sequence[Change] | None = None
    for found in _followed(client, submitted, folder):
        told = None if earlier is None else changed(earlier, found)
        files = _written(found, told, folder)
    click.echo("\n".join(map(str, files)))
    click.echo(", ".join(f"{found.count(ruling)} {ruling}" for ruling in ("holds", "fails", "undecided")))
    if told is not None:
        _tell(told)


def _chosen(presets: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """The presets of these names, in their order; all that are sized for a CPU without any. Raises Invalid."""
    there = {str(preset["name"]): preset for preset in presets}
    unknown = [name for name in names if name not in there]
    if unknown:
        raise Invalid(f"there is no preset {', '.join(unknown)}; there are {', '.join(there)}", 404)
    return [there[name] for name in names] or [one for one in presets if one.get("sized_for", "cpu") == "cpu"]


def _followed(
    client: Client, submitted: Sequence[tuple[Mapping[str, Any], Experiment]], folder: Path
) -> Iterator[Reproduction]:
    """What became of each, told as it ends: after each one of all so far."""
    version, found = client.version(), list[Reproduced]()
    for number, (preset, experiment) in enumerate(submitted, 1):
        click.echo(f"{preset['name']} ({number} of {len(submitted)}): {preset['meaning']}")
        one = _reproduced(client, preset, experiment, folder)
        show_verdicts(one.verdicts)
        found.append(one)
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        yield Reproduction(str(version["version"]), int(version["recipe"]), now, tuple(found))


def _written(found: Reproduction, told: Sequence[Change] | None, folder: Path) -> list[Path]:
    """The table's files and the report, written."""
    contents = {
        TABLE: found.json(),
        "reproduction.csv": found.frame().to_csv(index=False),
        "report.html": html(found, folder, told),
    }
    return [written(folder / name, [content.encode()]) for name, content in contents.items()]


def _reproduced(client: Client, preset: Mapping[str, Any], experiment: Experiment, folder: Path) -> Reproduced:
    started = time.monotonic()
    last, name = follow(client, experiment.id), str(preset["name"])
    show_experiment(last, client.failures(last.id, 5) if last.counts.failed else ())
    seconds, place = time.monotonic() - started, folder / name
    _make(place)
    pictures: list[Path] = []
    try:
        pictures = save_pictures(client, last.id, preset["pictures"], place)
    except PhaselabError as error:  # where every run failed there is nothing to draw, and the others go on
        click.echo(f"  no picture: {error}", err=True)
    return Reproduced(
        name,
        str(preset["meaning"]),
        last.id,
        str(last.status),
        last.counts.total,
        last.counts.failed,
        seconds,
        tuple(client.verdicts(last.id)),
        tuple(str(file.relative_to(folder)) for file in pictures),
        sum(run["seconds"] or 0.0 for run in client.runs(last.id)),
    )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(f"{folder} cannot be made: {error.strerror or type(error).__name__}", 400) from None


def _tell(told: Sequence[Change]) -> None:
    """What has changed; exit code 1 when a verdict is another one."""
    for one in told:
        click.echo(f"{one.preset}: {one.text}: {one.before or 'was not there'} -> {one.now or 'is gone'}")
    if not told:
        click.echo("nothing has changed")
    if any(one.ruling for one in told):
        sys.exit(1)
