"""`make demo`: start the service, submit a preset over REST, watch it, save its pictures, stop.

How fine must labels be before a network learns its features one by one? The preset `granularity` answers with a phase
diagram of labels against clusters. The demo runs it with three seeds instead of five.
"""

import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from running import service

from phaselab.client.client import Client
from phaselab.client.pictures import save_pictures
from phaselab.client.values import Experiment

FOLDER = Path("var") / "demo"
PRESET = "granularity"
SEEDS = 3


def watch(client: Client, experiment: Experiment, console: Console) -> Experiment:
    """Follow the experiment with a progress bar until it has ended."""
    latest = experiment
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("runs", total=experiment.counts.total)
        for latest in client.watch(experiment.id):
            progress.update(bar, completed=latest.counts.ended)
    return latest


def main() -> None:
    """Run the demo; exit code 1 when it does not come to its end."""
    console = Console()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with service(FOLDER) as url, Client(url) as client:
        preset = client.preset(PRESET)
        console.print(f"[bold]{PRESET}[/bold]: {preset['meaning']}")
        console.print(f"Service at {url}; submitting the preset with {SEEDS} seeds.")
        experiment = watch(client, client.submit(f"preset:{PRESET}", [f"seeds={SEEDS}"]), console)
        if experiment.status != "finished":
            sys.exit(f"The experiment ended as {experiment.status}: {experiment.counts}")
        files = save_pictures(client, experiment.id, preset["pictures"], FOLDER)
    console.print("Pictures:")
    for file in files:
        console.print(f"  {file.resolve()}", soft_wrap=True)


if __name__ == "__main__":
    main()
