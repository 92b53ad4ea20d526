"""docker-compose.yml brought up without an engine: an experiment over REST, computed by a worker of the cluster. Needs
root: `make compose`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from phaselab import Client
from tests.faults.compose import Composed, filled_in
from tests.faults.harness import TINY
from tests.faults.network import lacking

GIVEN = {"POSTGRES_PASSWORD": "secret-of-the-test", "RAY_AUTH_TOKEN": "5e" * 32}


@pytest.fixture
def composed() -> Iterator[Composed]:
    missing = lacking("setpriv")
    assert not missing, f"make compose needs {', '.join(missing)}"
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        composed = Composed(Path(folder), GIVEN)
        try:
            composed.up()
            yield composed
        finally:
            composed.network.end()


@pytest.mark.compose
def test_what_the_file_says_computes_an_experiment(composed: Composed) -> None:
    assert composed.healthy("api", tries=12), composed.logs()
    token = composed.ask("api", "phaselab", "user", "add", "ada").strip()
    port = composed.services["api"]["ports"][0].rpartition(":")[2]
    with Client(f"http://{composed.network.addresses['api']}:{port}", token) as client:
        experiment = client.submit({"name": "composed", **TINY, "seeds": 20})
        assert experiment.wait().status == "finished", composed.logs()
        assert len(experiment.runs()) == 20
    assert "secret-of-the-test" not in composed.logs()


def test_what_has_to_be_set_is_asked_for() -> None:
    assert filled_in(["${A:-b}", {"c": "x${D}y"}], {"D": "d"}) == ["b", {"c": "xdy"}]
    with pytest.raises(KeyError, match="set RAY_AUTH_TOKEN"):
        Composed(Path(), {"POSTGRES_PASSWORD": "x"})
