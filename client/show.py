"""Answers as text on a terminal."""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import click
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from phaselab.client.client import Client
from phaselab.client.compared import Differences
from phaselab.client.pictured import Curves, Lines
from phaselab.client.rerun import ROUNDING, Rerun
from phaselab.client.terminal import screen
from phaselab.client.values import Experiment, Failure, Merged, Verdict
from phaselab.domain.settings.texts import shortened, shown, span
from phaselab.domain.specs.visibility import Visibility

NARROW, BAR, NAME = 80, 12, 24
"""At so many columns the bar is so wide, and a name beside it has at most so many letters: count and time have room."""


def follow(client: Client, experiment_id: int) -> Experiment:
    """Show the experiment's progress until nothing more will happen; the last of it.

    A live bar on a terminal; elsewhere one line for every tenth of the runs, or of a stage of long runs.
    """
    console = Console()
    last = client.experiment(experiment_id)
    if last.status.is_finished:
        return last
    if not console.is_terminal:
        return _follow_in_lines(client, last)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(BAR),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=last.counts.asked, note="")
        for last in client.watch(experiment_id):
            _update(progress, task, last, console.width)
    return last


def _update(progress: Progress, task: TaskID, experiment: Experiment, width: int) -> None:
    """Note how far it is; of its name, and of what is said beside the bar, what there is room for."""
    counts = experiment.counts
    name = shortened(shown(experiment.name), max(NAME + width - NARROW, 1))
    room = width - len(name) - BAR - 2 * len(str(counts.asked)) - len("/0:00:00") - 4
    note = shortened(_note(experiment), max(room, 1))
    progress.update(task, description=name, completed=counts.ended, total=counts.asked, note=note)


def _follow_in_lines(client: Client, experiment: Experiment) -> Experiment:
    told, last = "", experiment
    for last in client.watch(experiment.id):
        counts = last.counts
        stages = [(stage, int(10 * share)) for stage, share in _stages(last).items()]
        tenth = f"{last.status} {10 * counts.ended // max(counts.asked, 1)} {stages}"
        if tenth != told:
            click.echo(f"{counts.ended} of {counts.asked} runs  {_note(last)}")
            told = tenth
    return last


def _note(experiment: Experiment) -> str:
    """Status, how far long runs are, cached and failed runs, and the time left."""
    counts = experiment.counts
    parts = [experiment.status.replace("_", " ")]
    parts += [f"{stage} {share:.0%}" for stage, share in _stages(experiment).items()]
    parts += [f"{number} {name}" for name, number in (("cached", counts.cached), ("failed", counts.failed)) if number]
    if experiment.eta_seconds is not None:
        parts.append(f"about {span(experiment.eta_seconds)} left")
    return ", ".join(parts)


def _stages(experiment: Experiment) -> dict[str, float]:
    """The mean share that is done of each stage that running runs are in."""
    running = experiment.running_progress
    runs: Counter[str] = Counter()
    for one in running:
        runs[one.stage] += one.runs
    return {stage: sum(one.runs * one.share for one in running if one.stage == stage) / runs[stage] for stage in runs}


def show_json(value: object) -> None:
    """A value for programs."""
    click.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def show_json_line(value: object) -> None:
    """The same on a line of its own."""
    click.echo(json.dumps(plain(value), ensure_ascii=False))


def plain(value: Any) -> Any:
    """A value of a client, or of the domain, in JSON's own types, under the names of its fields."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value) if one.name != "client"}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def show_experiment(experiment: Experiment, failures: Sequence[Failure] = ()) -> None:
    """One experiment in a few lines, with the most frequent reasons of its failures."""
    counts = experiment.counts
    click.echo(f"experiment {experiment.id}: {shown(experiment.name)}")
    private = "" if experiment.visibility is Visibility.EVERYONE else f", visibility {experiment.visibility}"
    click.echo(
        f"  {_note(experiment)}; priority {experiment.priority}, owner {shown(experiment.owner)}{private},"
        f" edition {experiment.edition}"
    )
    click.echo(
        f"  {counts.total} runs: {counts.done} done, {counts.running} running, {counts.queued} queued,"
        f" {counts.failed} failed, {counts.cancelled} cancelled" + (f", {counts.held} held" if counts.held else "")
    )
    if experiment.note:
        click.echo(f"  {shown(experiment.note)}")
    if experiment.tags or experiment.archived:
        click.echo("  " + ", ".join(map(shown, (*experiment.tags, *(["(archived)"] if experiment.archived else [])))))
    for one in failures:
        reason = shortened(shown(one.reason or "they are computed again for another experiment"), 200)
        click.echo(f"  {one.count} failed: {reason} (run {one.key})")
    others = counts.failed - sum(one.count for one in failures)
    if failures and others > 0:
        click.echo(f"  {others} failed for other reasons")
    if failures:
        click.echo(f"  all of them: phaselab runs {experiment.id} --where state=failed")


def show_experiments(experiments: Iterable[Experiment], most: int) -> None:
    """A table of experiments."""
    table = Table("id", "name", "status", "done", "failed", "of", "priority", "visibility", "submitted", box=None)
    for experiment in itertools.islice(experiments, most):
        counts = experiment.counts
        numbers = (
            str(counts.done),
            str(counts.failed),
            str(counts.total),
            str(experiment.priority),
            experiment.visibility,
        )
        when = f"{experiment.created_at.astimezone():%Y-%m-%d %H:%M}"
        table.add_row(
            str(experiment.id), Text(shown(experiment.name)), experiment.status.replace("_", " "), *numbers, when
        )
    _print(table)


def show_items(items: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """A table of a catalogue; `columns` maps keys to headings."""
    table = Table(*columns.values(), box=None)
    for item in items:
        table.add_row(*(Text(_words(item.get(key))) for key in columns))
    _print(table)


_LISTED = ("averaging_index", "feature_fraction", "test_accuracy")
"""Measures of runs in a list."""


def show_runs(runs: Iterable[Mapping[str, Any]], most: int) -> None:
    """A table of runs, the axes of their experiment first; the reason where one of them failed."""
    shown_runs = list(itertools.islice(runs, most + 1))
    rows = shown_runs[:most]
    axes = list(rows[0]["values"]) if rows else []
    reasons = ["reason"] if any(run["reason"] for run in rows) else []
    table = Table("key", "seed", "state", *axes, *_LISTED, "phase", "trust", *reasons, box=None)
    for run in rows:
        told = [run["values"].get(path) for path in axes] + [run["measures"].get(name) for name in _LISTED]
        told += [run["phase"], (run["trust"] or {}).get("verdict"), *([run["reason"]] if reasons else [])]
        words = (Text(shortened(_words(value), 120)) for value in told)
        table.add_row(run["key"][:12], str(run["seed"]), run["state"], *words)
    _print(table)
    if len(shown_runs) > most:
        click.echo(f"the first {most}; more with -n, all as a file with `phaselab export`", err=True)


def show_frame(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Columns of a frame as a table, one row a line."""
    table = Table(*columns, box=None)
    for row in frame[list(columns)].to_dict("records"):
        table.add_row(*(Text(_words(None if pd.isna(row[name]) else row[name])) for name in columns))
    _print(table)


def show_lines(found: Lines) -> None:
    """A table of lines: their group, x, and the measure with its interval."""
    along = [*found.content["by"], found.content["x"]["parameter"]]
    show_frame(found.frame(), [*along, "value", "ci_low", "ci_high", "n", "phase"])


def show_differences(found: Differences) -> None:
    """A table of differences: the cell, both means, and the second less the first with its interval."""
    cell = [found.content[axis]["parameter"] for axis in ("x", "y")]
    show_frame(found.frame(), [*cell, "first", "second", "value", "ci_low", "ci_high", "n", "reason"])


def show_curves(found: Curves) -> None:
    """A table of curves: their group, readout and method, the radius, and the accuracy with its interval."""
    show_frame(found.frame(), [*found.content["by"], "readout", "method", "radius", "mean", "ci_low", "ci_high", "n"])


def show_run(run: Mapping[str, Any]) -> None:
    """One run: where it stands, what was measured, and whether it can be trusted."""
    click.echo(f"run {run['key']}")
    click.echo(f"  {run['state']}, seed {run['seed']}")
    for name, value in (run.get("measures") or {}).items():
        click.echo(f"  {name}: {_words(value)}")
    trust = run.get("trust")
    if trust:
        flags = ", ".join(trust["flags"])
        click.echo(f"  trust: {trust['verdict']}" + (f" ({flags})" if flags else ""))
        click.echo("  checks: " + (", ".join(run.get("checks") or ()) or "none"))
    if run.get("origin"):
        origin = run["origin"]
        click.echo(f"  imported by {origin['imported_by']}, not computed there: of {origin['source']}")
    if run.get("reason"):
        click.echo("  failed: " + "\n".join(map(shown, str(run["reason"]).split("\n"))))


def show_rerun(found: Rerun) -> None:
    """What a run that was computed again gave, beside what is stored of it."""
    numbers = len(found.measures) + len(found.curves)
    click.echo(f"run {found.key} computed again: {numbers} measures and curves, weights", nl=False)
    click.echo(" " + ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in found.weights.items()))
    if found.same:
        click.echo("  bit for bit what is stored")
    elif found.close:
        name, difference = max(found.differing.items(), key=lambda one: one[1])
        told = f"{len(found.differing)} numbers differ, by at most {difference:.2g} ({name})"
        click.echo(f"  what is stored, up to rounding: {told}; it may have been trained in a stack with others")
    for name, difference in found.differing.items():
        if difference > ROUNDING:
            click.echo(f"  differs from what is stored by {difference:.3g}: {name}")


def show_merged(merged: Merged) -> None:
    """What importing a file came to; conflicts on standard error."""
    click.echo(
        f"experiment {merged.experiment}: {merged.new} results are new, {merged.known} were there,"
        f" {len(merged.conflicts)} of them with other values"
    )
    if merged.new and not merged.trusted:
        click.echo("what is new stands apart, for this experiment alone; `phaselab retry --imported` computes it there")
    for key in merged.conflicts:
        click.echo(f"conflict, and what was there stays: run {key}", err=True)


def show_verdicts(verdicts: Iterable[Verdict]) -> None:
    """A table of verdicts: of each claim what is expected, what was found, and what that comes to."""
    table = Table("claim", "expected", "found", "verdict", box=None)
    for one in verdicts:
        more = f" (about {one.more_seeds} more seeds would decide)" if one.more_seeds is not None else ""
        expected = f"{one.measure} {one.expected}" + (f" where {one.where}" if one.where else "")
        table.add_row(*(Text(shown(part)) for part in (one.text, expected, _found(one), one.verdict + more)))
    _print(table)


def _found(verdict: Verdict) -> str:
    """The number that decides, its interval and where it is; or why there is none."""
    place = f" at {verdict.place}" if verdict.place else ""
    if verdict.value is None or verdict.ci_low is None or verdict.ci_high is None:
        return f"{verdict.reason}{place}"
    return f"{verdict.value:.4g} ({verdict.ci_low:.4g} to {verdict.ci_high:.4g}, n = {verdict.n}){place}"


def _print(table: Table) -> None:
    """Print a table; lines are not broken for a reader that is no terminal."""
    screen().console.print(table)


def _words(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else shown(str(value))
