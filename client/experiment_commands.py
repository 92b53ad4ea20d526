"""Commands on experiments: submit, follow, list, and change what becomes of them."""

import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import click

from phaselab.client.arguments import ID, JSON, SET
from phaselab.client.client import Client
from phaselab.client.show import follow, show_experiment, show_experiments, show_json, show_json_line
from phaselab.client.specs import SpecSource
from phaselab.client.values import Estimate, Experiment, Failure
from phaselab.domain.results.states import ExperimentStatus
from phaselab.domain.settings.texts import shown, span
from phaselab.domain.specs.visibility import Visibility

REASONS = 5
"""Reasons of failures that are shown of an experiment."""
INTERRUPTED = 130
"""Exit code of a command that Ctrl-C has ended, as shells have it."""


@click.group()
def commands() -> None:
    """Experiments."""


@commands.command()
@click.argument("spec", metavar="SPEC|preset:NAME")
@SET
@click.option("--dry-run", is_flag=True, help="Tell what it would come to, and store nothing.")
@click.option("--watch", "watched", is_flag=True, help="Follow it to the end.")
@JSON
@click.pass_obj
def submit(client: Client, spec: str, changes: tuple[str, ...], dry_run: bool, watched: bool, as_json: bool) -> None:
    """Submit a spec: a YAML or JSON file, preset:NAME, or - for what comes in."""
    source: SpecSource = sys.stdin.buffer.read() if spec == "-" else spec
    if dry_run:
        _show_estimate(client.estimate(source, changes), as_json)
        return
    experiment = client.submit(source, changes)
    if as_json and not watched:
        show_json(experiment)
    elif not as_json:
        counts = experiment.counts
        click.echo(f"experiment {experiment.id}: {counts.total} runs, {counts.cached} cached; {experiment.address}")
    if watched:
        _follow(client, experiment.id, as_json)


def _show_estimate(estimate: Estimate, as_json: bool) -> None:
    if as_json:
        show_json(estimate)
        return
    click.echo(
        f"{estimate.points} points, {estimate.runs} runs, {estimate.cached} of them cached,"
        f" {estimate.skipped} impossible points left out;{_refined(estimate)} about {estimate.stacks} stacks,"
        f" {span(estimate.seconds)} on one core"
    )


def _refined(estimate: Estimate) -> str:
    """How many runs a refinement would measure, about; nothing where all are."""
    some = estimate.measured is not None and estimate.measured < estimate.runs
    return f" about {estimate.measured} runs measured," if some else ""


@commands.command()
@ID
@JSON
@click.pass_obj
def watch(client: Client, experiment_id: int, as_json: bool) -> None:
    """Follow an experiment to its end; exit code 1 unless every run has a result."""
    _follow(client, experiment_id, as_json)


def _follow(client: Client, experiment_id: int, as_json: bool) -> None:
    """Follow it; as JSON a line for every time that it has gone on."""
    try:
        last = _followed_in_json(client, experiment_id) if as_json else follow(client, experiment_id)
    except KeyboardInterrupt:
        click.echo(
            f"\nexperiment {experiment_id} goes on by itself; to look again: phaselab watch {experiment_id},"
            f" to stop it: phaselab cancel {experiment_id}",
            err=True,
        )
        sys.exit(INTERRUPTED)
    if not as_json:
        _show(client, last)
    if last.status is not ExperimentStatus.FINISHED:
        sys.exit(1)


def _followed_in_json(client: Client, experiment_id: int) -> Experiment:
    last = client.experiment(experiment_id)
    seen = [last] if last.status.is_finished else client.watch(experiment_id)
    for last in seen:
        show_json_line(last)
    return last


def _show(client: Client, experiment: Experiment, as_json: bool = False) -> None:
    """The experiment, with the most frequent reasons where runs have failed."""
    failures = client.failures(experiment.id, REASONS) if experiment.counts.failed else []
    if as_json:
        show_json(_with_failures(experiment, failures))
    else:
        show_experiment(experiment, failures)


def _with_failures(experiment: Experiment, failures: Sequence[Failure]) -> Mapping[str, Any]:
    named = {one.name: getattr(experiment, one.name) for one in fields(experiment) if one.name != "client"}
    return named | {"failures": list(failures)}


@commands.command("list")
@click.option("-n", "most", default=50, show_default=True, type=click.IntRange(min=1), help="Most experiments shown.")
@click.option("--status", help="Those with this status alone, as running.")
@click.option("--owner", help="Those of this account alone.")
@click.option("--name", help="Those with this text in their name.")
@click.option("--tag", help="Those with this tag.")
@click.option("--archived", is_flag=True, help="Those that are archived, which are left out else.")
@JSON
@click.pass_obj
def list_experiments(client: Client, /, most: int, as_json: bool, **search: Any) -> None:
    """List experiments, newest first."""
    found = client.experiments(**search)
    if as_json:
        show_json(list(itertools.islice(found, most)))
    else:
        show_experiments(found, most)


@commands.command()
@ID
@click.option("--name", help="Another name.")
@click.option("--priority", type=int, help="Of your own experiments, higher goes first.")
@click.option("--note", help="A line on it; an empty one takes it away.")
@click.option(
    "--tag", "tags", multiple=True, help="Its tags from now on; may be repeated. An empty one takes them away."
)
@click.option("--owner", help="Another owner; for admins.")
@click.option(
    "--visibility",
    type=click.Choice([*map(str, Visibility)]),
    help="Who sees it: everyone, or nobody else, but its results serve everyone; what was private is opened by this.",
)
@click.option("--archive/--unarchive", "archived", default=None, help="Leave it out of lists, or not.")
@click.option("--edition", type=int, help="Only while it is this edition, which `show` tells.")
@JSON
@click.pass_obj
def change(client: Client, /, experiment_id: int, tags: Sequence[str], as_json: bool, **given: Any) -> None:
    """Change the name, priority, note or tags of an experiment, who sees it, or archive it."""
    listed = [tag for tag in tags if tag] if tags else None
    _show(client, client.change(experiment_id, tags=listed, **given), as_json)


@commands.command()
@ID
@JSON
@click.pass_obj
def show(client: Client, experiment_id: int, as_json: bool) -> None:
    """Show one experiment, and why runs of it failed."""
    _show(client, client.experiment(experiment_id), as_json)


def _add_verb(name: str, meaning: str) -> None:
    @commands.command(name, help=meaning)
    @ID
    @JSON
    @click.pass_obj
    def do(client: Client, experiment_id: int, as_json: bool) -> None:
        _show(client, getattr(client, name)(experiment_id), as_json)


_add_verb("cancel", "Stop an experiment for good; what has landed stays.")
_add_verb("pause", "Hand out nothing more of an experiment until it is resumed.")
_add_verb("resume", "Go on with a paused experiment.")


@commands.command()
@ID
@click.option("--missing", is_flag=True, help="Also those whose results lack a measure that is newer than they are.")
@click.option("--imported", is_flag=True, help="Also compute what was imported and stands apart.")
@JSON
@click.pass_obj
def retry(client: Client, experiment_id: int, missing: bool, imported: bool, as_json: bool) -> None:
    """Queue the failed and cancelled runs of an experiment again."""
    _show(client, client.retry(experiment_id, missing, imported), as_json)


@commands.command()
@ID
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(client: Client, experiment_id: int, yes: bool) -> None:
    """Remove an experiment, and the runs that no other experiment has."""
    found = client.experiment(experiment_id)
    told = f"experiment {experiment_id}, {shown(found.name)}, with {found.counts.done} results"
    if not yes:
        click.confirm(f"remove {told}?", abort=True, err=True)
    client.delete(experiment_id)
    click.echo(f"removed {told}")
