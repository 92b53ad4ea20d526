"""`phaselab db retain`: what is old enough goes, by rules that are all off until they are set."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click

from phaselab.db.care import old_notes, retention
from phaselab.db.care.retention import Count, Leaving, Rules
from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import insist_ready
from phaselab.domain.settings.texts import shown
from phaselab.service.base.configuration import Configuration, load_configuration
from phaselab.service.base.plainly import told_plainly
from phaselab.service.verbs.audit import ACTOR, OPERATOR

SETTINGS = ("retain_archived_days", "retain_runs_days", "retain_tokens_days", "retain_audit_days")


@dataclass(frozen=True)
class Found:
    """What may go, as it is told before it goes."""

    lines: Sequence[tuple[str, Count]]
    experiments: Sequence[Leaving]
    tokens: Sequence[tuple[int, str, str]]


@click.command()
@click.option("--dry-run", is_flag=True, help="Tell what would go, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--audit-file", type=click.Path(path_type=Path, dir_okay=False), help="New file for old notes of the audit."
)
def retain(dry_run: bool, yes: bool, audit_file: Path | None) -> None:
    """Remove what is old enough by the settings retain_..._days, and tell it before."""
    configuration = load_configuration(needed=("database_url", *SETTINGS))
    rules = rules_of(configuration)
    with told_plainly(), closing(Database(configuration.database_url, creates=False)) as database:
        insist_ready(database)
        found = look(database, rules)
        for line in told(found, rules):
            click.echo(line)
        notes = dict(found.lines).get(_NOTES)
        if dry_run or not any(count.rows for _, count in found.lines):
            return
        if notes is not None and notes.rows and audit_file is None:
            raise click.UsageError("old notes are written to a file before they go: name one, --audit-file")
        if not yes:
            click.confirm("remove this for good?", abort=True, err=True)
        ACTOR.set(OPERATOR)
        remove(database, rules, found, audit_file if notes is not None and notes.rows else None)
    click.echo("Removed. `phaselab db vacuum` gives the space back.")


_NOTES = "notes of the audit"


def rules_of(configuration: Configuration) -> Rules:
    """The rules that are set."""
    return Rules(*(getattr(configuration, name) for name in SETTINGS))


def look(database: Database, rules: Rules) -> Found:
    """What may go now."""
    lines: list[tuple[str, Count]] = []
    leaving: Sequence[Leaving] = ()
    ended: Sequence[tuple[int, str, str]] = ()
    with database.reading() as session:
        if rules.archived_days is not None:
            leaving = retention.experiments_leaving(session, rules.archived_days)
            lines.append(("archived experiments", Count(len(leaving), sum(one.bytes for one in leaving))))
        if rules.runs_days is not None:
            lines.append(("runs that no experiment has", retention.runs_leaving(session, rules.runs_days)))
        if rules.tokens_days is not None:
            ended = retention.tokens_leaving(session, rules.tokens_days)
            lines.append(("tokens that have run out", Count(len(ended), 0)))
        if rules.audit_days is not None:
            lines.append((_NOTES, old_notes.notes_leaving(session, rules.audit_days)))
        lines += retention.over(session).items()
    return Found(lines, leaving, ended)


def told(found: Found, rules: Rules) -> Iterator[str]:
    """What is said of it: a table, then everything that has a name."""
    unset = [name for name, days in zip(SETTINGS, vars(rules).values(), strict=True) if days is None]
    yield f"{'what may go':36}{'rows':>12}{'bytes':>16}"
    for what, count in found.lines:
        yield f"{what:36}{count.rows:>12,}{count.bytes:>16,}"
    for one in found.experiments:
        yield f"experiment {one.id}, {shown(one.name)}, of {shown(one.owner)}: {one.runs:,} runs that only it has"
    for _, account, name in found.tokens:
        yield f"token {name} of {account}"
    if unset:
        yield f"Nothing goes by {', '.join(unset)}, which are not set."


def remove(database: Database, rules: Rules, found: Found, audit_file: Path | None) -> None:
    """Remove what was found, of which each piece is looked at again."""
    if rules.archived_days is not None:
        for one in found.experiments:
            retention.remove_experiment(database, one, rules.archived_days)
    if rules.runs_days is not None:
        retention.remove_runs(database, rules.runs_days)
    if rules.tokens_days is not None:
        retention.remove_tokens(database, rules.tokens_days, {number for number, _, _ in found.tokens})
    if rules.audit_days is not None and audit_file is not None:
        old_notes.move_notes(database, rules.audit_days, audit_file)
    retention.remove_over(database)
