"""A service for as long as an example needs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def service(folder: Path) -> Iterator[str]:
    """The service on a free port of this machine, with a database of its own in the folder; its address."""
    environment = os.environ | {"PHASELAB_DATABASE_URL": f"sqlite:///{folder}/phaselab.db"}
    command = [sys.executable, "-P", "-m", "phaselab.service", "serve", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield _address(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Phaselab at "):
            return line.removeprefix("Phaselab at ").strip()
    sys.exit("The service did not start; its messages are above.")
