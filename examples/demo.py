"""`make demo`: start the service, submit a preset over REST, watch it, save its pictures, stop.

How fine must labels be before a network learns its features one by one? The preset `granularity` answers with a phase
diagram of labels against clusters. The demo runs it with three seeds instead of five.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from phaselab.client.client import Client
from phaselab.client.values import Experiment

FOLDER = Path("var") / "demo"
PRESET = "granularity"
SEEDS = 3


@contextmanager
def service() -> Iterator[str]:
    """The service on a free port of this machine, with a database of its own; its address."""
    environment = os.environ | {"PHASELAB_DATABASE_URL": f"sqlite:///{FOLDER}/phaselab.db"}
    command = [sys.executable, "-P", "-m", "phaselab.service", "serve", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield _address(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Phaselab at "):
            return line.removeprefix("Phaselab at ").strip()
    sys.exit("The service did not start; its messages are above.")


def watch(client: Client, experiment: Experiment, console: Console) -> Experiment:
    """Follow the experiment with a progress bar until it has ended."""
    latest = experiment
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("runs", total=experiment.counts.total)
        for latest in client.watch(experiment.id):
            progress.update(bar, completed=latest.counts.ended)
    return latest


def save_pictures(client: Client, experiment: Experiment, pictures: list[Mapping[str, Any]]) -> list[Path]:
    """The pictures that the preset asks for, diagrams and curves."""
    files = []
    for picture in pictures:
        query = picture["query"]
        if picture["kind"] == "diagram":
            file = FOLDER / f"diagram-{query['measure'].replace('_', '-')}.png"
            client.save_diagram(experiment.id, query["x"], query["y"], query["measure"], file)
        else:
            file = FOLDER / "curves.png"
            client.save_curves(experiment.id, file, **{name: [text] for name, text in query.items()})
        files.append(file)
    return files


def main() -> None:
    """Run the demo; exit code 1 when it does not come to its end."""
    console = Console()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with service() as url, Client(url) as client:
        preset = client.preset(PRESET)
        console.print(f"[bold]{PRESET}[/bold]: {preset['meaning']}")
        console.print(f"Service at {url}; submitting the preset with {SEEDS} seeds.")
        experiment = watch(client, client.submit(f"preset:{PRESET}", [f"seeds={SEEDS}"]), console)
        if experiment.status != "finished":
            sys.exit(f"The experiment ended as {experiment.status}: {experiment.counts}")
        files = save_pictures(client, experiment, preset["pictures"])
    console.print("Pictures:")
    for file in files:
        console.print(f"  {file.resolve()}", soft_wrap=True)


if __name__ == "__main__":
    main()
