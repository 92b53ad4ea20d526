"""`phaselab data fetch | check [SOURCE...]`: the files of the image data sets."""

import logging
import sys
from collections.abc import Callable

import click

from phaselab.domain.settings.images import IMAGE_SETS
from phaselab.workers.data.data_files import DataFault, folder_of
from phaselab.workers.data.fetch import fetch as fetch_source
from phaselab.workers.data.image_sets import load

_SOURCES = click.argument("sources", nargs=-1, type=click.Choice(tuple(IMAGE_SETS)))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The files of the image data sets, under PHASELAB_DATA_DIR (var/data when it is not set)."""
    logging.disable(logging.WARNING)  # what it says is printed


@main.command()
@_SOURCES
def check(sources: tuple[str, ...]) -> None:
    """Say whether the files are there and right; exit code 1 when some are not."""
    _each(sources, lambda source: None)


@main.command()
@_SOURCES
def fetch(sources: tuple[str, ...]) -> None:
    """Download what is not there, with checksums, then check."""
    _each(sources, lambda source: fetch_source(source, click.echo))


def _each(sources: tuple[str, ...], prepare: Callable[[str], None]) -> None:
    bad = False
    for source in sources or tuple(IMAGE_SETS):
        try:
            prepare(source)
            loaded = load(source)
        except DataFault as fault:
            click.echo(f"{source}: {fault}", err=True)
            bad = True
        else:
            counts = f"{len(loaded.train)} training and {len(loaded.test)} test images"
            click.echo(f"{source}: {counts} in {folder_of(source)}; {loaded.origin}")
    sys.exit(bad)


if __name__ == "__main__":
    main(prog_name="phaselab data")
