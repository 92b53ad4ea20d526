"""Commands that list the catalogues of a server."""

import click

from phaselab.client.arguments import JSON
from phaselab.client.client import Client
from phaselab.client.show import show_items, show_json


@click.group()
def commands() -> None:
    """Catalogues."""


def _add_catalogue(name: str, columns: dict[str, str], meaning: str) -> None:
    @commands.command(name, help=meaning)
    @JSON
    @click.pass_obj
    def show_catalogue(client: Client, as_json: bool) -> None:
        found = client.catalogue(name)
        if as_json:
            show_json(found)
        else:
            show_items(found, columns)


_add_catalogue("presets", {"name": "name", "meaning": "meaning"}, "List the presets.")
_add_catalogue("parameters", {"path": "path", "default": "default", "meaning": "meaning"}, "List the parameters.")
_add_catalogue("measures", {"name": "name", "symbol": "symbol", "meaning": "meaning"}, "List the measures.")
