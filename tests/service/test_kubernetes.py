"""deploy/kubernetes against Kubernetes' own schemas, against docker-compose.yml, and against what the service needs."""

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from phaselab.api.entrance.access import OPEN_TO_ALL
from phaselab.service.base.configuration import Configuration

ROOT = Path(__file__).parents[2]
ITEMS: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "phaselab.yaml").read_text())["items"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
POD_KINDS = ("Deployment", "StatefulSet", "Job")
PODS: dict[str, dict[str, Any]] = {one["metadata"]["name"]: one for one in ITEMS if one["kind"] in POD_KINDS}
CONTAINERS = {
    name: container for name, one in PODS.items() for container in one["spec"]["template"]["spec"]["containers"]
}


def variables(name: str) -> Mapping[str, Any]:
    """What a container is given, by name: its value, or the key of the secret that it is."""
    given = CONTAINERS[name].get("env", [])
    return {one["name"]: one.get("value") or one["valueFrom"]["secretKeyRef"]["key"] for one in given}


def test_it_keeps_the_schemas_of_kubernetes() -> None:
    newest = kubernetes_validate.latest_version()
    for item, version in itertools.product(ITEMS, ("1.28", newest)):
        kubernetes_validate.validate(item, version, strict=True)


def test_the_schemas_are_asked() -> None:
    broken = yaml.safe_load(yaml.safe_dump(PODS["api"]))
    broken["spec"]["template"]["spec"]["containers"][0]["comand"] = ["phaselab"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("name", COMPOSE)
def test_a_container_does_what_the_service_of_its_name_does(name: str) -> None:
    service, container = COMPOSE[name], CONTAINERS[name]
    assert (container["image"], container.get("command")) == (service["image"], service.get("command"))
    given, wanted = variables(name), service.get("environment", {})
    for variable in wanted.keys() - {"PHASELAB_NOTIFY_ALLOW", "PHASELAB_NOTIFY_SECRET"}:
        told = str(wanted[variable])
        if "${" not in told:
            assert given[variable] == told, variable
        elif told.startswith("${POSTGRES_PASSWORD") or told.startswith("${RAY_AUTH_TOKEN"):
            assert given[variable] == variable, "a secret"
        elif (usual := re.fullmatch(r"\$\{\w+:-(.*)\}", told)) is not None:
            assert given[variable] == usual[1], variable
        else:
            assert given[variable] == told.replace("${POSTGRES_PASSWORD}", "$(POSTGRES_PASSWORD)")
            names = [one["name"] for one in container["env"]]
            assert names.index("POSTGRES_PASSWORD") < names.index(variable), "what is named has to stand before"


def test_no_container_is_given_variables_of_services() -> None:
    """A Service named phaselab would give each a PHASELAB_PORT, `tcp://10.0.0.1:8000`, which is no port."""
    assert "port" in Configuration.model_fields
    assert {name for name, one in PODS.items() if one["spec"]["template"]["spec"]["enableServiceLinks"]} == set()


def test_every_name_that_is_connected_to_is_a_service_of_pods_that_are_there() -> None:
    services = {one["metadata"]["name"]: one["spec"] for one in ITEMS if one["kind"] == "Service"}
    for service in services.values():
        labels = [one["spec"]["template"]["metadata"]["labels"] for one in PODS.values()]
        (found,) = [one for one in labels if service["selector"].items() <= one.items()]
        ports = {port["containerPort"] for port in CONTAINERS[found["app.kubernetes.io/component"]]["ports"]}
        assert {port["port"] for port in service["ports"]} <= ports
    text = yaml.safe_dump([[one.get("command"), one.get("env")] for one in CONTAINERS.values()])
    connected = set(re.findall(r"[@=/ ]([a-z-]+):(\d+)", text))
    assert connected == {("postgres", "5432"), ("ray-head", "6379")}
    for name, port in connected:
        assert int(port) in [one["port"] for one in services[name]["ports"]]
    assert services["ray-head"]["clusterIP"] == "None", "Ray is spoken to at the head's own address"


def test_an_api_is_asked_what_needs_no_token_and_has_time_to_drain() -> None:
    api = CONTAINERS["api"]
    probes = [api[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert set(probes) <= OPEN_TO_ALL
    assert api["livenessProbe"]["httpGet"]["path"] == "/api/v1/health", "an api is not ended for its database's sake"
    spec = PODS["api"]["spec"]
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    patience = spec["template"]["spec"]["terminationGracePeriodSeconds"]
    assert patience > Configuration().drain_seconds + float(api["lifecycle"]["preStop"]["exec"]["command"][-1])


def test_nobody_is_root_and_no_secret_stands_in_it() -> None:
    for name, container in CONTAINERS.items():
        pod = PODS[name]["spec"]["template"]["spec"]
        person = pod["securityContext"] | container["securityContext"]
        assert person["runAsNonRoot"] is True
        assert person["runAsUser"] > 0, "images name their person, which Kubernetes cannot judge"
        assert person["allowPrivilegeEscalation"] is False
        assert pod["automountServiceAccountToken"] is False
    for name in CONTAINERS:
        secret = [value for variable, value in variables(name).items() if re.search("PASSWORD|TOKEN$", variable)]
        assert set(secret) <= {"POSTGRES_PASSWORD", "RAY_AUTH_TOKEN"}


def test_what_is_mounted_is_there() -> None:
    for name, container in CONTAINERS.items():
        pod = PODS[name]["spec"]
        there = {one["name"] for one in pod["template"]["spec"].get("volumes", [])}
        there |= {one["metadata"]["name"] for one in pod.get("volumeClaimTemplates", [])}
        assert {one["name"] for one in container.get("volumeMounts", [])} <= there
        claims = list(_claims(pod["template"]["spec"]))
        assert set(claims) <= {one["metadata"]["name"] for one in ITEMS if one["kind"] == "PersistentVolumeClaim"}


def _claims(pod: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        one["persistentVolumeClaim"]["claimName"] for one in pod.get("volumes", []) if "persistentVolumeClaim" in one
    )


def test_ray_s_ports_are_open_to_phaselab_alone() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in ITEMS if one["kind"] == "NetworkPolicy"}
    ours = {"app.kubernetes.io/name": "phaselab"}
    assert policies["inside"]["podSelector"]["matchLabels"] == ours
    assert policies["inside"]["ingress"] == [{"from": [{"podSelector": {"matchLabels": ours}}]}]
    assert policies["api"]["podSelector"]["matchLabels"] == ours | {"app.kubernetes.io/component": "api"}
    for one in PODS.values():
        assert one["spec"]["template"]["metadata"]["labels"].items() >= ours.items()
