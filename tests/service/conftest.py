"""One whole service for all tests that need one: it takes seconds to start. One of them ends it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from tests.faults.harness import ServiceProcess
from tests.service.receiver import Receiver, listening


@pytest.fixture(scope="session")
def service_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="session")
def service_database(service_folder: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{service_folder}/phaselab.db")
    upgrade(database)
    yield database
    database.close()


@pytest.fixture(scope="session")
def service_receiver() -> Iterator[Receiver]:
    """The one whom the service may tell of ends."""
    with listening() as server:
        yield server


@pytest.fixture
def service(one_service: ServiceProcess) -> ServiceProcess:
    """`phaselab serve`, with the real computing code, in one worker, where a proxy is named that is not there; started
    again where a test before has ended it."""
    if one_service.supervisor.poll() is not None:
        one_service.start()
    return one_service


@pytest.fixture(scope="session")
def one_service(
    service_database: Database, service_receiver: Receiver, service_folder: Path
) -> Iterator[ServiceProcess]:
    allowed = {"PHASELAB_NOTIFY_ALLOW": service_receiver.url, "PHASELAB_NOTIFY_SECRET": "0123456789abcdef"}
    variables = {"PHASELAB_CPUS": "1", "http_proxy": "http://127.0.0.1:9", "PHASELAB_LOG_LEVEL": "INFO"} | allowed
    command = ("serve", "--port", "0")
    service = ServiceProcess(str(service_database.url), service_folder / "log", command, **variables)
    yield service
    service.kill_everything()
