"""`python -m tests.fuzz.schema [EXAMPLES]`: schemathesis with all its checks over every operation of a filled server.

So many examples an operation, 600 by default, which are some 20,000 cases.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

from starlette.requests import Request

from phaselab.api.entrance.connections import limited
from phaselab.api.routes.events import Streams
from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from phaselab.service.base.configuration import Configuration
from phaselab.service.verbs import accounts
from tests.api.conftest import fill, serving

ROOT = Path(__file__).parents[2]
# What the schema allows may be impossible, of an experiment that is gone or another's, or go with no status.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 400, 403, 404, 406, 409, 412, 422]
"""


OWN_TOKENS = "/api/v1/tokens/{name}"
"""Revokes the token that all others are asked with; tests/api/test_lab.py asks it."""
PHASES = "examples,coverage,fuzzing,stateful"
"""All that there are."""


def main() -> None:
    """Run it; the exit code is schemathesis's own."""
    if program() is None:
        sys.exit("there is no schemathesis here: make setup")
    sys.exit(run(int(sys.argv[1]) if len(sys.argv) > 1 else 600, PHASES))


def program() -> str | None:
    """Where schemathesis is, if it is installed."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return shutil.which("schemathesis", path=beside)


def run(examples: int, phases: str) -> int:
    """Run so many examples an operation against a filled server with an account; the exit code, 0 for no fault."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/phaselab.db")
        upgrade(database)
        fill(database)
        token = accounts.create(database, "ada")
        settings = Path(folder, "schemathesis.toml")
        settings.write_text(SETTINGS)
        ending = mock.patch.object(Streams, "is_admitted", _once)
        with ending, serving(Configuration(), database, http=limited(1000, 10.0)) as url:
            asked = [f"{url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {token}"]
            command = [str(program()), "--config-file", str(settings), "run", *asked, "--checks", "all"]
            command += ["--exclude-path", OWN_TOKENS]
            command += ["--max-examples", str(examples), "--phases", phases, "--continue-on-failure"]
            done = subprocess.run(command, env=_environment(), cwd=folder, check=False).returncode
        database.close()
    return done


async def _once(streams: Streams, request: Request) -> bool:
    """That a stream of events may go on, said once: schemathesis waits for its end, and what is queued has none."""
    asked = hasattr(request.state, "asked")
    request.state.asked = True
    return not asked


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.fuzz.serializers"}


if __name__ == "__main__":
    main()
