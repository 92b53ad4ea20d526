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


JSON = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
_OVERWRITE = "phaselab.overwrite"


def _overwrite(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    ctx.meta[_OVERWRITE] = value


def _free(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    """The file. Fails for one that is there, unless --overwrite is given."""
    if value is not None and value.is_file() and not ctx.meta.get(_OVERWRITE):
        raise click.BadParameter(f"{value} is there already; --overwrite writes over it", ctx, param)
    return value


def file_option(*names: str, meaning: str, required: bool = False) -> Callable[[Command], Command]:
    """An option of a file that is written, and --overwrite, without which one that is there stays as it is."""
    kind = click.Path(dir_okay=False, writable=True, path_type=Path)
    file = click.option(*names, required=required, type=kind, callback=_free, help=meaning)
    first: dict[str, Any] = {"is_eager": True, "expose_value": False, "callback": _overwrite}
    allowed = click.option("--overwrite", is_flag=True, help="Write over a file that is there.", **first)
    return lambda command: file(allowed(command))


def output_option(suffixes: str, required: bool = True) -> Callable[[Command], Command]:
    """`-o FILE`, whose suffix is one of these and says in which form."""
    return file_option("-o", "--output", meaning=f"File: {suffixes}", required=required)
