"""Arguments and options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

ID = click.argument("experiment_id", metavar="ID", type=click.IntRange(min=1))
IDS = click.argument("ids", metavar="ID...", nargs=-1, required=True, type=click.IntRange(min=1))
WHERE = click.option(
    "--where", multiple=True, help="Condition on a parameter, as data.k=10 or data.d>=1000; may be repeated."
)


def output_option(suffixes: str) -> Callable[[Command], Command]:
    """`-o FILE`, whose suffix is one of these and says in which form."""
    file = click.Path(dir_okay=False, writable=True, path_type=Path)
    return click.option("-o", "--output", required=True, type=file, help=f"File: {suffixes}")
