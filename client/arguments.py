"""Arguments and options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class Number(click.IntRange):
    """A whole number from 1 on, in digits: Python's other ways to write one (1_0) are no ids."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Fails for everything else."""
        if isinstance(value, str) and not (value.isascii() and value.isdigit()):
            self.fail(f"{value!r} is not a valid integer: write it in digits", param, ctx)
        return super().convert(value, param, ctx)


ID = click.argument("experiment_id", metavar="ID", type=Number(min=1))
IDS = click.argument("ids", metavar="ID...", nargs=-1, required=True, type=Number(min=1))
SET = click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change the spec; may be repeated.")
WHERE = click.option(
    "--where", multiple=True, help="Condition on a parameter, as data.k=10 or data.d>=1000; may be repeated."
)

RUN_WHERE = click.option(
    "--where", multiple=True, help="Condition, as state=failed, averaging_index>0.5 or data.k=10; may be repeated."
)
ORDER = click.option(
    "--order", multiple=True, help="What to sort by, as seed, or -averaging_index for falling; may be repeated."
)


def output_option(suffixes: str) -> Callable[[Command], Command]:
    """`-o FILE`, whose suffix is one of these and says in which form."""
    file = click.Path(dir_okay=False, writable=True, path_type=Path)
    return click.option("-o", "--output", required=True, type=file, help=f"File: {suffixes}")
