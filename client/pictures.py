"""Pictures of an experiment as a preset asks for them: a kind, and the query that makes it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from phaselab.client.client import Client

SHOWN = 4
"""Runs whose cosines are shown, one of each setting."""


def save_pictures(client: Client, experiment: int, pictures: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Save them as PNG files into the folder, in their order; of cosines those of the first run of each setting."""
    files: list[Path] = []
    for picture in pictures:
        query, kind = dict(picture["query"]), picture["kind"]
        words = "-".join([kind, *(text for name, text in query.items() if name in ("measure", "where"))])
        file = folder / f"{len(files) + 1}-{''.join(c if c.isalnum() else '-' for c in words)}.png"
        if kind == "diagram":
            files.append(client.save_diagram(experiment, file=file, **query))
        elif kind == "lines":
            files.append(client.save_lines(experiment, file=file, **query))
        elif kind == "curves":
            files.append(client.save_curves(experiment, file, **query))
        else:
            keys = _one_of_each(client, experiment)
            files += [
                client.save_cosines(key, folder / f"{len(files) + 1 + i}-cosines.png") for i, key in enumerate(keys)
            ]
    return files


def _one_of_each(client: Client, experiment: int) -> list[str]:
    """Keys of the first runs that are done, one of each setting."""
    found: dict[str, str] = {}
    for run in client.runs(experiment):
        if run["state"] == "done":
            found.setdefault(str(run["values"]), str(run["key"]))
        if len(found) == SHOWN:
            break
    return list(found.values())
