"""`pip install phaselab` as a user has it: the wheel and what it needs, in an environment of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phaselab.db.schema.database import Database
from tests.api.conftest import served_copy
from tests.client.test_examples import working
from tests.test_house import MAY_IMPORT, ROOT

HEAVY = {"torch", "ray", "sqlalchemy", "scipy", "pyarrow", "matplotlib", "fastapi"}


def run(*command: object, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PHASELAB_", "PYTHON"))}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def surely(*command: object, folder: Path) -> str:
    done = run(*command, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of a copy of what is packaged."""
    folder = tmp_path_factory.mktemp("source")
    for name in (*MAY_IMPORT, "presets", "src"):
        left_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=left_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    pip = (sys.executable, "-P", "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    surely(*pip, "--wheel-dir", "dist", ".", folder=folder)
    (built,) = (folder / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the package alone, its versions pinned by the lock file."""
    folder = tmp_path_factory.mktemp("light")
    surely(sys.executable, "-P", "-m", "venv", "--without-pip", "environment", folder=folder)
    python = folder / "environment" / "bin" / "python"
    started = time.monotonic()
    pip = (sys.executable, "-P", "-m", "pip", "--python", python, "install", "--quiet", "--no-compile")
    surely(*pip, "--constraint", ROOT / "requirements.lock", wheel, folder=folder)
    size = sum(path.stat().st_size for path in (folder / "environment").rglob("*") if path.is_file())
    print(f"light install: {time.monotonic() - started:.0f} s, {size / 1e6:.0f} MB")
    return python.parent


def test_it_brings_one_new_name_and_nothing_heavy(light: Path, tmp_path: Path) -> None:
    code = """if True:
        import json
        from importlib.metadata import distribution, distributions
        names = sorted({file.parts[0] for file in distribution("phaselab").files if file.parts[0] != ".."})
        print(json.dumps([names, sorted(one.name.lower() for one in distributions())]))
    """
    names, installed = json.loads(surely(light / "python", "-c", code, folder=tmp_path))
    assert [name for name in names if not name.endswith(".dist-info")] == ["phaselab"]
    assert not HEAVY & set(installed)


def test_help_and_a_client_work(light: Path, tmp_path: Path, own_server: tuple[str, Database]) -> None:
    url = own_server[0]
    assert "submit" in surely(light / "phaselab", "--help", folder=tmp_path)
    assert "labels against clusters" in surely(light / "phaselab", "--url", url, "list", folder=tmp_path)
    cell = f"""if True:
        from phaselab import Client
        with Client({url!r}) as client:
            experiment = client.submit("preset:fig3", ["data.d=32", "seeds=1"])
            frame = client.diagram_frame(1, "data.k", "network.labels", "averaging_index")
            print(experiment.counts.total, len(frame), len(client.curves(1, by=["network.labels", "data.k"])) > 0)
    """
    assert surely(light / "python", "-c", cell, folder=tmp_path) == "2 9 True\n"


def test_the_quickstart_leads_to_pictures(light: Path, tmp_path: Path, migrated_sqlite: Path) -> None:
    text = (ROOT / "docs" / "quickstart.md").read_text()
    server, install, *shell = [block.strip() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
    assert f"\n{server.removeprefix('make ')}: setup\n" in (ROOT / "Makefile").read_text()
    assert install == "pip install --constraint requirements.lock ."  # what `light` was made by, from the wheel
    (python,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "server").mkdir()
    with served_copy(migrated_sqlite, tmp_path / "server") as (url, database), working(database):
        environment = {"PATH": f"{light}:/usr/bin:/bin", "PHASELAB_URL": url, "COLUMNS": "80"}
        for line in "\n".join(shell).splitlines():
            words = ["bash", "-c", line]
            done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (line, done.stdout, done.stderr)
        words = [str(light / "python"), "-c", python]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert "feature_averaging" in done.stdout, done.stderr
    assert {path.name for path in tmp_path.glob("*.png")} == {"granularity.png", "curves.png"}


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("serve", "phaselab serve needs the server and the worker parts: pip install 'phaselab[server,worker]'"),
        ("api", "phaselab api needs the server part: pip install 'phaselab[server]'"),
        ("user", "phaselab user needs the server part: pip install 'phaselab[server]'"),
        ("data", "phaselab data needs the worker part: pip install 'phaselab[worker]'"),
    ],
)
def test_what_lacks_a_part_says_which(light: Path, tmp_path: Path, command: str, told: str) -> None:
    done = run(light / "phaselab", command, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"phaselab: {told}\n")


def test_the_presets_and_pages_are_in_the_wheel(light: Path) -> None:
    (package,) = light.parent.glob("lib/python3.*/site-packages/phaselab")
    places = ("api/static/*", "api/static/*/*")
    for pattern in ("presets/*.yaml", "api/templates/*.html", *places, "db/migrations/versions/*.py"):
        here = {path.name for path in ROOT.glob(pattern)}
        assert {path.name for path in package.glob(pattern)} == here, pattern
