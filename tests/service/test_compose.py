"""docker-compose.yml against the compose specification, and against what the service needs of it.

`compose-spec.json` is schema/compose-spec.json of github.com/compose-spec/compose-spec (Apache License 2.0).
"""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from phaselab.client.cli import SERVICE_COMMANDS
from phaselab.service.base.configuration import Configuration
from phaselab.workers.base.checkpoint import FOLDER_VARIABLE as CHECKPOINTS
from phaselab.workers.data.data_files import FOLDER_VARIABLE as DATA
from tests.test_house import MAY_IMPORT

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_it_keeps_the_compose_specification() -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(COMPOSE)


def test_every_part_is_there() -> None:
    assert set(SERVICES) == {
        "postgres",
        "migrate",
        "api",
        "scheduler",
        "ray-head",
        "ray-worker",
        "ray-gpu-worker",
    }
    assert [name for name, service in SERVICES.items() if service.get("profiles")] == ["ray-gpu-worker"]


def test_nothing_is_published_beyond_this_machine_and_the_api_wants_accounts() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    assert [name for name, service in SERVICES.items() if "network_mode" in service] == []
    assert SERVICES["api"]["environment"]["PHASELAB_REQUIRE_ACCOUNTS"] == "true"


def test_what_is_waited_for_exists_and_can_be_waited_for() -> None:
    for name, service in SERVICES.items():
        for other, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{name} waits for the health of {other}"
            else:
                assert wanted["condition"] == "service_completed_successfully"
                assert SERVICES[other]["restart"] == "no", f"{name} waits for the end of {other}"


@pytest.mark.parametrize("name", ["migrate", "api", "scheduler"])
def test_its_variables_are_settings(name: str) -> None:
    variables = {name for name in SERVICES[name]["environment"] if name.startswith("PHASELAB_")}
    assert "PHASELAB_DATABASE_URL" in variables
    assert variables <= {f"PHASELAB_{field.upper()}" for field in Configuration.model_fields}


def test_ray_s_nodes_have_the_same_token() -> None:
    tokens = {SERVICES[name]["environment"]["RAY_AUTH_TOKEN"] for name in SERVICES if "ray" in name}
    tokens.add(SERVICES["scheduler"]["environment"]["RAY_AUTH_TOKEN"])
    assert len(tokens) == 1


@pytest.mark.parametrize(("variable", "default"), [(DATA, "data"), (CHECKPOINTS, "checkpoints")])
def test_every_worker_has_the_folders_that_workers_share(variable: str, default: str) -> None:
    for name in ("ray-worker", "ray-gpu-worker"):
        folder = SERVICES[name]["environment"][variable]
        assert f"${{{variable}:-{default}}}:{folder}" in SERVICES[name]["volumes"]
        assert default in COMPOSE["volumes"]
        made = re.search(r"mkdir -p (.+) && chown -R phaselab var\n", DOCKERFILE)
        assert made is not None, "a volume is owned by whom its folder in the image is"
        assert folder in [f"/phaselab/{one}" for one in made.group(1).split()]


def test_no_secret_is_written_down() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"(?:PASSWORD|TOKEN): (?!\$\{)\S+", text) == []


def test_the_images_hold_every_folder_that_is_packaged() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    for folder in (*MAY_IMPORT, "presets", "src"):
        assert f"COPY {folder} ./{folder}" in DOCKERFILE
        assert f"!{folder}" in ignored


def parts(stage: str) -> set[str]:
    """The parts of the package that a stage of the Dockerfile installs, with those of the stage it begins from."""
    found = re.search(rf"^FROM (\S+) AS {stage}\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    if found is None:
        return set()
    return set(re.findall(r"\.\[(\w+)\]", found[2])) | parts(found[1])


def test_every_service_has_the_parts_that_its_command_needs() -> None:
    for name, service in SERVICES.items():
        if name == "postgres":
            continue
        target = service["build"]["target"]
        assert service["image"] == f"phaselab-{target}"
        command = " ".join(service["command"])
        needed = {part for run in re.findall(r"phaselab (\w+)", command) for part in SERVICE_COMMANDS[run][1]}
        needed |= {"worker"} if "ray start" in command else set()
        assert needed <= parts(target), name
    assert parts("api") == {"server"}, "the api's image holds neither torch nor ray"
