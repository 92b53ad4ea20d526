"""deploy/slurm on a Slurm of real daemons: an experiment over an allocation that loses a node, and nodes for a service
that runs elsewhere. Needs root and Debian's slurmctld, slurmd, slurm-client and munge: `make slurm`."""

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from phaselab.domain.results.states import ExperimentStatus
from tests.faults import computes
from tests.faults.harness import ROOT, ServiceProcess, command_of, landed, status, submit_tiny
from tests.faults.network import HERE, lacking
from tests.faults.slurm import DAEMONS, Slurm
from tests.faults.test_cluster import RAY, Cluster

SCRIPT = ROOT / "deploy" / "slurm" / "phaselab.sbatch"
RUNS = 500

pytestmark = pytest.mark.slurm


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:  # sockets need a short path
        yield Path(folder)


@pytest.fixture
def slurm(folder: Path) -> Iterator[Slurm]:
    missing = lacking(*DAEMONS)
    assert not missing, f"make slurm needs {', '.join(missing)}"
    (folder / "s").mkdir()
    slurm = Slurm(folder / "s", nodes=2)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.end()


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{folder}/x.db")
    upgrade(database)
    yield database
    database.close()


def variables(folder: Path, **more: str) -> dict[str, str]:
    own = {"PHASELAB_BIN": str(Path(sys.executable).parent), "PHASELAB_REJOIN_SECONDS": "2", "PYTHONPATH": str(ROOT)}
    own |= {"PHASELAB_COMPUTE": "tests.faults.computes:ready", computes.SECONDS: "0.05"}
    return own | {computes.LOG: str(folder / "computed"), "PHASELAB_STACK_SECONDS": "0.1"} | RAY | more


def submitted(slurm: Slurm, folder: Path, given: dict[str, str], *more: str, log: str = "job.log") -> str:
    """The number of the job that the script became."""
    options = ("--parsable", f"--output={folder}/{log}", f"--chdir={folder}", *more)
    return slurm.ask("sbatch", *options, str(SCRIPT), variables=given).strip()


def job_log(folder: Path) -> str:
    log = folder / "job.log"
    return log.read_text() if log.exists() else ""


def computes_on(slurm: Slurm, node: str) -> bool:
    return any("raylet" in command_of(pid) for pid in slurm.network.on(node))


def ended(slurm: Slurm, job: str) -> bool:
    return job not in slurm.ask("squeue", "--noheader", "--format=%i").split()


def computed(folder: Path) -> set[str]:
    """The keys of all runs that were computed."""
    return set((folder / "computed").read_text().split())


def test_an_experiment_over_an_allocation_that_loses_a_node(slurm: Slurm, database: Database, folder: Path) -> None:
    experiment = submit_tiny(database, "over an allocation", seeds=RUNS)
    own = {"PHASELAB_DATABASE_URL": f"sqlite:///{folder}/x.db", "PHASELAB_PORT": "0"}
    job = submitted(slurm, folder, variables(folder, **own))
    slurm.wait_until(lambda: landed(database, experiment) > RUNS // 5, f"runs have landed; {job_log(folder)}")
    slurm.network.lose("n2")
    slurm.wait_until(lambda: "n2 is lost" in job_log(folder), "the loss is noticed")
    slurm.boot("n2")
    address = re.search(r"Ray at (\S+)", job_log(folder))
    assert address
    submitted(slurm, folder, variables(folder, PHASELAB_RAY_ADDRESS=address[1]), "--nodes=1", log="other.log")
    slurm.wait_until(lambda: computes_on(slurm, "n2"), "another job has taken its place")
    slurm.wait_until(lambda: status(database, experiment).is_finished, f"it has finished; {job_log(folder)}")
    assert status(database, experiment) is ExperimentStatus.FINISHED
    assert landed(database, experiment) == RUNS
    assert len(computed(folder)) == RUNS
    slurm.ask("scancel", "--batch", "--signal=TERM", job)
    slurm.wait_until(lambda: ended(slurm, job), f"the job has ended; {job_log(folder)}")
    assert not list(Path("/tmp").glob(f"phaselab-{job}"))


def test_nodes_compute_for_a_service_that_runs_elsewhere(slurm: Slurm, database: Database, folder: Path) -> None:
    cluster = Cluster(folder, HERE)
    service = ServiceProcess(
        f"sqlite:///{folder}/x.db",
        folder / "service.log",
        PHASELAB_RAY_ADDRESS=cluster.address,
        **variables(folder),
    )
    try:
        experiment = submit_tiny(database, "by nodes of others", seeds=RUNS // 5)
        submitted(slurm, folder, variables(folder, PHASELAB_RAY_ADDRESS=cluster.address))
        slurm.wait_until(lambda: status(database, experiment).is_finished, f"it has finished; {job_log(folder)}")
        assert landed(database, experiment) == RUNS // 5
        assert len(computed(folder)) == RUNS // 5
        assert service.end() == 0
    finally:
        service.kill_everything()
        cluster.end()
