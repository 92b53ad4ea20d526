"""deploy/slurm/phaselab.sbatch without a Slurm: it is a script, and names what there is. With one: tests/faults."""

import re
import subprocess
from pathlib import Path

from phaselab.service.base.configuration import Configuration

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "slurm" / "phaselab.sbatch"
OWN = {"bin", "head", "rejoin_seconds"}
"""Settings of the script itself."""


def test_it_is_a_script() -> None:
    subprocess.run(["bash", "-n", SCRIPT], check=True)


def test_it_sets_what_the_service_reads_and_the_docs_tell_what_it_reads() -> None:
    named = {name.lower() for name in re.findall(r"PHASELAB_([A-Z_]+)", SCRIPT.read_text())}
    assert named - OWN <= set(Configuration.model_fields)
    docs = (ROOT / "docs" / "operations.md").read_text()
    assert not [name for name in OWN if f"PHASELAB_{name.upper()}" not in docs]
