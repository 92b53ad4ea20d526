"""The parts of the package: what each brings, and that what a folder imports comes with its part."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from phaselab.client.cli import SERVICE_COMMANDS
from tests.test_house import MAY_IMPORT, ROOT, imported

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PARTS: dict[str, list[str]] = PROJECT["optional-dependencies"]
LOCK = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().split())
DISTRIBUTIONS = packages_distributions()
PARTS_OF = {
    "client": (),
    "domain": ("server",),
    "db": ("server",),
    "service": ("server",),
    "service/scheduling": ("server", "worker"),
    "api": ("server",),
    "workers": ("worker",),
}
"""The parts that must be there for a folder of ours, the longest name that fits."""


@cache
def brought(requirement: str) -> frozenset[str]:
    """Everything that is installed for a requirement, itself included. torch stands for what it needs: that differs
    between its builds."""
    wanted = Requirement(requirement)
    name = canonicalize_name(wanted.name)
    if name == "torch":
        return frozenset({name})
    found = {name}
    for line in requires(name) or ():
        needed = Requirement(line)
        extras = [{"extra": extra} for extra in wanted.extras or {""}]
        if needed.marker is None or any(needed.marker.evaluate(extra) for extra in extras):
            needed.marker = None
            found |= brought(str(needed))
    return frozenset(found)


def part(*names: str) -> set[str]:
    """What is installed for the package with these parts."""
    lines = [*PROJECT["dependencies"], *(line for name in names for line in PARTS[name])]
    return set().union(*map(brought, lines))


def used(path: Path) -> Iterator[str]:
    """The distributions of what a file imports."""
    for name in imported(path):
        yield from map(canonicalize_name, DISTRIBUTIONS.get(name, ())[:1])


def test_the_client_alone_needs_few_and_small_packages() -> None:
    assert not part() & {"torch", "ray", "scipy", "sqlalchemy", "fastapi", "matplotlib", "pyarrow", "scikit-learn"}
    assert len(part()) < 30


def test_the_server_has_neither_torch_nor_ray_and_the_worker_no_server() -> None:
    assert not part("server") & {"torch", "ray", "scikit-learn"}
    assert not part("worker") & {"sqlalchemy", "fastapi", "uvicorn", "matplotlib"}
    assert PARTS["all"] == ["phaselab[server,worker,notebook]"]


@pytest.mark.parametrize("names", [(), ("server",), ("worker",)])
def test_the_one_lock_file_pins_what_every_part_brings(names: tuple[str, ...]) -> None:
    assert part(*names) <= {canonicalize_name(name) for name in LOCK}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_what_a_folder_imports_comes_with_its_part(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        place = str(path.relative_to(ROOT).parent)
        known = max((name for name in PARTS_OF if f"{place}/".startswith(f"{name}/")), key=len)
        assert set(used(path)) - {"phaselab"} <= part(*PARTS_OF[known]), path


def test_commands_name_parts_that_there_are() -> None:
    assert {name for _, parts in SERVICE_COMMANDS.values() for name in parts} == {"server", "worker"}


def test_the_declared_versions_of_python_are_the_ones_from_the_least_on() -> None:
    least = re.fullmatch(r">=3\.(\d+)", PROJECT["requires-python"])
    assert least is not None
    declared = [int(line.rpartition(".")[2]) for line in PROJECT["classifiers"] if "Python :: 3." in line]
    assert declared == list(range(int(least[1]), int(least[1]) + len(declared)))
