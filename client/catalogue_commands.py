"""Commands that list the catalogues of a server."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from phaselab.client.arguments import JSON
from phaselab.client.client import Client
from phaselab.client.errors import PartMissing, Unreachable
from phaselab.client.show import plain, show_items, show_json


@click.group()
def commands() -> None:
    """Catalogues."""


def _entries(client: Client, name: str) -> Sequence[Mapping[str, Any]]:
    """The server's catalogue, or this installation's own where no server answers, which is said."""
    try:
        return client.catalogue(name)
    except Unreachable as error:
        from phaselab.client.catalogues import own_catalogue  # noqa: PLC0415 - who has a server has no use for it

        try:
            found = own_catalogue(name, plain)
        except PartMissing as missing:
            raise Unreachable(f"{error}; {missing}") from None
        click.echo(f"no server answers at {client.url}: this is what is installed here", err=True)
        return found


def _add_catalogue(name: str, columns: dict[str, str], meaning: str) -> None:
    @commands.command(name, help=meaning)
    @JSON
    @click.pass_obj
    def show_catalogue(client: Client, as_json: bool) -> None:
        found = _entries(client, name)
        if as_json:
            show_json(found)
        else:
            show_items(found, columns)


_add_catalogue("presets", {"name": "name", "meaning": "meaning"}, "List the presets.")
_add_catalogue("parameters", {"path": "path", "default": "default", "meaning": "meaning"}, "List the parameters.")
_add_catalogue("measures", {"name": "name", "symbol": "symbol", "meaning": "meaning"}, "List the measures.")
