"""`make reproduce`: start the service, run every preset that is sized for a CPU, and hold their claims to the runs.

Runs are kept in var/reproduction: broken off, it goes on where it was. Arguments are those of `phaselab reproduce`.
"""

import subprocess
import sys
from pathlib import Path

from running import service

FOLDER = Path("var") / "reproduction"


def main() -> None:
    """Run it; its exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with service(FOLDER) as url:
        command = [sys.executable, "-P", "-m", "phaselab.client.cli", "--url", url, "reproduce", "--overwrite"]
        ended = subprocess.run([*command, "--output", str(FOLDER), *sys.argv[1:]], check=False)
    sys.exit(ended.returncode)


if __name__ == "__main__":
    main()
