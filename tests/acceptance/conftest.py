"""The service as a user starts it."""

import re
from collections.abc import Iterator

import pytest

from phaselab.client.client import Client
from tests.faults.harness import ServiceProcess


@pytest.fixture(scope="package")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `phaselab serve` answers, on a free port and an empty database."""
    folder = tmp_path_factory.mktemp("service")
    service = ServiceProcess(f"sqlite:///{folder}/phaselab.db", folder / "log", ("serve", "--port", "0"))
    try:
        service.wait_until(lambda: "Phaselab at " in service.log(), "the api answers")
        told = re.search(r"Phaselab at (\S+)", service.log())
        assert told is not None
        yield told[1]
    finally:
        code = service.end()
    assert code == 0


@pytest.fixture(scope="package")
def client(address: str) -> Iterator[Client]:
    """A client of the service."""
    with Client(address) as client:
        yield client
