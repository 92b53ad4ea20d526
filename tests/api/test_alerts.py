"""The alerts of deploy/prometheus: each metric that one names is served, each fires when it should, and none when all
is well. Firing is tried by Prometheus' own promtool, where there is one (Debian: `apt install prometheus`)."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from tests.api.conftest import serving
from tests.api.lab import at_work

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
GROUPS = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
ALERTS: Mapping[str, Mapping[str, Any]] = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool; Debian: apt install prometheus")

_ANSWERED = 'phaselab_request_seconds_count{method="GET",route="/",status="200"}'
_QUICK, _SLOWER, _ALL = (
    f'phaselab_request_seconds_bucket{{method="GET",route="/",le="{le}"}}' for le in ("1", "5", "+Inf")
)
WELL: Mapping[str, str] = {
    'up{job="phaselab",instance="a"}': "1x110",
    "phaselab_scheduler_leads": "1x110",
    "phaselab_scheduler_trouble": "0x110",
    "phaselab_lead_since_timestamp_seconds": "100x110",
    "phaselab_queued_age_seconds": "1000x110",
    'phaselab_trials{state="busy"}': "2x110",
    "phaselab_oldest_stack_seconds": "60x110",
    "phaselab_stack_limit_seconds": "7200x110",
    "phaselab_lease_overdue_seconds": "0x110",
    'phaselab_recent_failures{kind="worker"}': "0x110",
    'phaselab_recent_failures{kind="exception"}': "0x110",
    'phaselab_runs{state="failed"}': "0+0.1x110",
    'phaselab_runs{state="done"}': "0+5x110",
    "phaselab_disk_free_bytes": "50000000000-1000x110",
    "phaselab_database_bytes": "3000000000x110",
    "phaselab_last_backup_timestamp_seconds": "0x110",
    _ANSWERED: "0+60x110",
    _QUICK: "0+60x110",
    _ALL: "0+60x110",
}
"""A service that is well, minute by minute, as promtool writes series."""
ILL: Mapping[str, Mapping[str, str]] = {
    "PhaselabDown": {'up{job="phaselab",instance="a"}': "0x110"},
    "PhaselabNobodyLeads": {"phaselab_scheduler_leads": "0x110"},
    "PhaselabSchedulerInTrouble": {"phaselab_scheduler_trouble": "1x110"},
    "PhaselabSchedulerRestarts": {"phaselab_lead_since_timestamp_seconds": "0+60x110"},
    "PhaselabNothingComputes": {'phaselab_trials{state="busy"}': "0x110"},
    "PhaselabQueueIsOld": {"phaselab_queued_age_seconds": "700000x110"},
    "PhaselabStackIsStuck": {"phaselab_oldest_stack_seconds": "6000x110"},
    "PhaselabLeaseIsOverdue": {"phaselab_lease_overdue_seconds": "600x110"},
    "PhaselabWorkersDie": {'phaselab_recent_failures{kind="worker"}': "3x110"},
    "PhaselabRunsFailOfTheService": {'phaselab_recent_failures{kind="exception"}': "1x110"},
    "PhaselabMostRunsFail": {'phaselab_runs{state="failed"}': "0+9x110"},
    "PhaselabDiskIsFull": {"phaselab_disk_free_bytes": "1000000000x110"},
    "PhaselabDiskFillsUp": {"phaselab_disk_free_bytes": "50000000000-9000000x110"},
    "PhaselabBackupIsOld": {"phaselab_last_backup_timestamp_seconds": "-800000x110"},
    "PhaselabApiFails": {'phaselab_request_seconds_count{method="GET",route="/",status="503"}': "0+30x110"},
    "PhaselabApiIsSlow": {_QUICK: "0+10x110", _SLOWER: "0+60x110"},
}
"""What is different where an alert is to fire."""


ALL_LABELS = ("phaselab_runs", "phaselab_trials", "phaselab_recent_failures")
"""Metrics that are served with every label that they can have, 0 included."""


def served(database: Database) -> list[tuple[str, dict[str, str]]]:
    """Every metric of `/metrics`, with its labels, of a lab at work."""
    token = at_work(database)["boss"]
    with (
        serving(Configuration(database_url=str(database.url)), database) as url,
        httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}) as client,
    ):
        client.get("/experiments")
        text = client.get("/metrics").text
    lines = re.findall(r"^([a-z_]+)(?:\{(.*)\})? \S+$", text, re.MULTILINE)
    return [(name, dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))) for name, labels in lines]


def test_every_metric_that_an_alert_names_is_served_with_its_labels(own_server: tuple[str, Database]) -> None:
    there = [*served(own_server[1]), ("up", {"job": "phaselab"})]
    for name, rule in ALERTS.items():
        asked = re.findall(r"\b(phaselab_\w+|up)\b(?:\{([^}]*)\})?", rule["expr"])
        assert asked, name
        for metric, selector in asked:
            found = [given for one, given in there if one == metric]
            assert found, f"{name}: {metric} is not served"
            for label, sign, value in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', selector):
                assert all(label in given for given in found), f"{name}: {metric} has no label {label}"
                if metric in ALL_LABELS:
                    missing = set(value.split("|")) - {given[label] for given in found}
                    assert not missing, f"{name}: {metric}{{{label}{sign}{value}}} is never {missing}"


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in ("critical", "warning", "info"), name
        for part in ("summary", "remedy"):
            assert len(rule["annotations"][part].split()) > 5, name
            assert rule["annotations"][part].endswith("."), name
    assert ILL.keys() == ALERTS.keys(), "every alert is tried"


@needs_promtool
def test_promtool_finds_nothing_wrong(tmp_path: Path) -> None:
    for file in FOLDER.iterdir():
        shutil.copy(file, tmp_path)
    (tmp_path / "phaselab.token").write_text("token")
    told = promtool("check", "config", str(tmp_path / "prometheus.yml"))
    assert f"{len(ALERTS)} rules found" in told


@needs_promtool
def test_every_alert_fires_when_it_should_and_none_when_all_is_well(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "alerts.yml", tmp_path)
    tests = [_tried(WELL | different, {name: 1}) for name, different in ILL.items()]
    tests.append(_tried(WELL, dict.fromkeys(ALERTS, 0)))
    written = {"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(written))
    assert "SUCCESS" in promtool("test", "rules", str(tmp_path / "tests.yml"))


def _tried(series: Mapping[str, str], alerts: Mapping[str, int]) -> dict[str, Any]:
    """A test of promtool: with these series so many of each alert fire after 100 minutes."""
    asked = [
        {
            "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})',
            "eval_time": "100m",
            "exp_samples": [{"labels": "{}", "value": number}] if number else [],
        }
        for name, number in alerts.items()
    ]
    values = [{"series": name, "values": text} for name, text in series.items()]
    return {"interval": "1m", "input_series": values, "promql_expr_test": asked}


def promtool(*arguments: str) -> str:
    """What promtool tells; fails where it finds something wrong."""
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
