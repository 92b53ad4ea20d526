"""The command that shows the service at a look."""

from collections.abc import Iterator
from datetime import datetime

import click
from rich.table import Table
from rich.text import Text

from phaselab.client.arguments import JSON
from phaselab.client.client import Client
from phaselab.client.overview import Overview
from phaselab.client.show import show_json
from phaselab.client.terminal import screen
from phaselab.domain.settings.texts import amount, shortened, shown, span


@click.group()
def commands() -> None:
    """The service."""


@commands.command()
@JSON
@click.pass_obj
def admin(client: Client, as_json: bool) -> None:
    """Show the service: who waits and why, what the workers do, what fails."""
    seen = client.overview()
    if as_json:
        show_json(seen)
        return
    for line in _lines(seen):
        click.echo(line)
    for table in _tables(seen):
        screen().console.print()
        screen().console.print(table)


def _lines(seen: Overview) -> Iterator[str]:
    yield from (f"look at: {shown(one)}" for one in seen.concerns)
    if not seen.concerns:
        yield "all is well"
    lead, storage = seen.scheduler, seen.database
    since, holder = f" for {_ago(seen, lead.since)}" if lead.since else "", shown(lead.holder or "")
    yield f"scheduler: {f'leads{since} ({holder})' if lead.leads else 'none leads'}"
    busy = sum(node.busy for node in seen.nodes)
    slots = "" if seen.slots is None else f" of {seen.slots}"
    yield f"runs: {seen.waiting:,} wait, {seen.running:,} are computed"
    yield f"workers: {busy}{slots} trials are busy, nodes: {len(seen.nodes)}"
    free = "" if storage.free_bytes is None else f", {amount(storage.free_bytes)} free on its disk"
    grows = "" if storage.grows is None else f", grows by {amount(storage.grows)} a day"
    backup = "" if storage.backup_at is None else f", backed up {_ago(seen, storage.backup_at)} ago"
    yield f"database: {amount(storage.bytes)} ({storage.backend}){grows}{free}{backup}"


def _tables(seen: Overview) -> Iterator[Table]:
    """Those that have rows."""
    tables = (make(seen) for make in (_owners, _queue, _trials, _failures, _quotas))
    yield from (table for table in tables if table.rows)


def _owners(seen: Overview) -> Table:
    table = Table("owner", "runs left", "experiments", "oldest waits for", "stacks out", "used", "due", box=None)
    for one in seen.owners:
        numbers = f"{one.left:,}", str(one.experiments), _ago(seen, one.oldest), str(one.stacks)
        table.add_row(Text(shown(one.owner)), *numbers, f"{one.used:.0%}", f"{one.due:.0%}")
    return table


def _queue(seen: Overview) -> Table:
    table = Table("id", "name", "owner", "wait", "run", "for", "done in", "why it waits", box=None)
    for one in seen.queue:
        eta = "-" if one.eta_seconds is None else span(one.eta_seconds)
        until = f", until {one.until.astimezone():%Y-%m-%d %H:%M}" if one.until else ""
        numbers = f"{one.waiting:,}", f"{one.running:,}", _ago(seen, one.submitted_at), eta
        told = Text(shown(f"{one.reason or '-'}{until}"))
        table.add_row(str(one.experiment), Text(shortened(shown(one.name), 40)), Text(shown(one.owner)), *numbers, told)
    if seen.more:
        table.add_row("...", f"{seen.more:,} more")
    return table


def _trials(seen: Overview) -> Table:
    names = {node.node: node.name for node in seen.nodes}
    table = Table("trial", "node", "experiment", "owner", "runs", "stage", "for", box=None)
    for one in seen.trials:
        node, seconds = Text(shown(names.get(one.node, one.node[:8]))), span(one.seconds)
        if one.experiment is None:
            table.add_row(one.trial, node, "-", "-", "-", "waits for a stack", seconds)
            continue
        stage = "-" if one.stage is None or one.share is None else f"{one.stage} {one.share:.0%}"
        owner = Text(shown(one.owner or "-"))
        table.add_row(one.trial, node, str(one.experiment), owner, str(one.runs), stage, seconds)
    return table


def _failures(seen: Overview) -> Table:
    table = Table("failures", "last day", "last 7 days", "the newest", "says", box=None)
    for one in seen.failures:
        told = Text(shortened(shown(one.reason or "-"), 100))
        table.add_row(one.kind, f"{one.day:,}", f"{one.week:,}", one.key[:12], told)
    return table


def _quotas(seen: Overview) -> Table:
    table = Table("account", "quota", "used", "of", "room again", box=None)
    for one in seen.quotas:
        used = "not counted yet" if one.used is None else f"{one.used:,.0f}"
        room = "-" if one.room_at is None else f"{one.room_at.astimezone():%Y-%m-%d %H:%M}"
        table.add_row(Text(shown(one.account)), one.quota.replace("_", " "), used, f"{one.limit:,.0f}", room)
    return table


def _ago(seen: Overview, since: datetime | None) -> str:
    return "-" if since is None else span(max(0.0, (seen.at - since).total_seconds()))
