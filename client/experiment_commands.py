"""Commands on experiments: submit, follow, list, and change what becomes of them."""

import sys

import click

from phaselab.client.arguments import ID, SET
from phaselab.client.client import Client
from phaselab.client.show import follow, show_experiment, show_experiments
from phaselab.client.values import Estimate, Experiment
from phaselab.domain.results.states import ExperimentStatus

REASONS = 5
"""Reasons of failures that are shown of an experiment."""


@click.group()
def commands() -> None:
    """Experiments."""


@commands.command()
@click.argument("spec", metavar="SPEC|preset:NAME")
@SET
@click.option("--dry-run", is_flag=True, help="Tell what it would come to, and store nothing.")
@click.option("--watch", "watched", is_flag=True, help="Follow it to the end.")
@click.pass_obj
def submit(client: Client, spec: str, changes: tuple[str, ...], dry_run: bool, watched: bool) -> None:
    """Submit a spec: a YAML or JSON file, or preset:NAME."""
    if dry_run:
        estimate = client.estimate(spec, changes)
        click.echo(
            f"{estimate.points} points, {estimate.runs} runs, {estimate.cached} of them cached,"
            f" {estimate.skipped} impossible points left out;{_refined(estimate)} about {estimate.stacks} stacks,"
            f" {estimate.seconds:.0f} s on one core"
        )
        return
    experiment = client.submit(spec, changes)
    click.echo(f"experiment {experiment.id}: {experiment.counts.total} runs, {experiment.counts.cached} cached")
    if watched:
        _follow(client, experiment.id)


def _refined(estimate: Estimate) -> str:
    """How many runs a refinement would measure, about; nothing where all are."""
    some = estimate.measured is not None and estimate.measured < estimate.runs
    return f" about {estimate.measured} runs measured," if some else ""


@commands.command()
@ID
@click.pass_obj
def watch(client: Client, experiment_id: int) -> None:
    """Follow an experiment to its end; exit code 1 unless every run has a result."""
    _follow(client, experiment_id)


def _follow(client: Client, experiment_id: int) -> None:
    last = follow(client, experiment_id)
    _show(client, last)
    if last.status is not ExperimentStatus.FINISHED:
        sys.exit(1)


def _show(client: Client, experiment: Experiment) -> None:
    """The experiment, with the most frequent reasons where runs have failed."""
    show_experiment(experiment, client.failures(experiment.id, REASONS) if experiment.counts.failed else ())


@commands.command("list")
@click.option("-n", "most", default=50, show_default=True, type=click.IntRange(min=1), help="Most experiments shown.")
@click.pass_obj
def list_experiments(client: Client, most: int) -> None:
    """List experiments, newest first."""
    show_experiments(client.experiments(), most)


@commands.command()
@ID
@click.pass_obj
def show(client: Client, experiment_id: int) -> None:
    """Show one experiment, and why runs of it failed."""
    _show(client, client.experiment(experiment_id))


def _add_verb(name: str, meaning: str) -> None:
    @commands.command(name, help=meaning)
    @ID
    @click.pass_obj
    def do(client: Client, experiment_id: int) -> None:
        _show(client, getattr(client, name)(experiment_id))


_add_verb("cancel", "Stop an experiment for good; what has landed stays.")
_add_verb("pause", "Hand out nothing more of an experiment until it is resumed.")
_add_verb("resume", "Go on with a paused experiment.")


@commands.command()
@ID
@click.option("--missing", is_flag=True, help="Also those whose results lack a measure that is newer than they are.")
@click.option("--imported", is_flag=True, help="Also compute what was imported and stands apart.")
@click.pass_obj
def retry(client: Client, experiment_id: int, missing: bool, imported: bool) -> None:
    """Queue the failed and cancelled runs of an experiment again."""
    show_experiment(client.retry(experiment_id, missing, imported))
