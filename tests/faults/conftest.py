"""The long tests run only when they are asked for (`make chaos`, `make slurm`, `make compose`)."""

import pytest

LONG = {
    "chaos": "half an hour of random deaths; runs only with `-m chaos`",
    "slurm": "a Slurm of real daemons, as root; runs only with `-m slurm`",
    "compose": "docker-compose.yml on machines of namespaces, as root; runs only with `-m compose`",
}


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in LONG.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    asked = config.getoption("markexpr")
    long = [item for item in items if any(item.get_closest_marker(name) for name in LONG if name not in asked)]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]
