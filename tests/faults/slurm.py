"""A Slurm of real daemons on this machine: a controller, and nodes in a network of their own."""

import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tests.faults.harness import wait_until
from tests.faults.network import HERE, Network, Refused, run

DAEMONS = ("slurmctld", "slurmd", "munged", "sbatch")
CPUS = 2
CONFIGURATION = """\
ClusterName=lab
SlurmctldHost=lab({here})
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
KillWait=10
PartitionName=lab Nodes=ALL Default=YES
"""


class Slurm:
    """So many nodes of two CPUs."""

    def __init__(self, folder: Path, nodes: int) -> None:
        self._folder, self._daemons = folder, list[subprocess.Popen[bytes]]()
        self.network = Network([f"n{number}" for number in range(1, nodes + 1)])
        self.file = folder / "slurm.conf"

    def start(self) -> None:
        """Start it, and wait until all nodes are idle."""
        folder, addresses = self._folder, self.network.addresses
        lines = [f"NodeName={name} NodeAddr={at} CPUs={CPUS} State=UNKNOWN\n" for name, at in addresses.items()]
        self.file.write_text("".join(lines) + CONFIGURATION.format(here=HERE, folder=folder))
        (folder / "state").mkdir()
        (folder / "munge.key").write_bytes(os.urandom(128))
        (folder / "munge.key").chmod(0o400)
        self.network.connect()
        own = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
        self._start("munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *own)
        wait_until((folder / "munge.socket").exists, "munge listens")
        self._start("unshare", "--uts", "sh", "-c", f"hostname lab; exec slurmctld -D -f {self.file}")
        for name in addresses:
            self.boot(name)
        self.wait_until(lambda: set(self.states().values()) == {"idle"}, "all nodes are idle")

    def boot(self, name: str) -> None:
        """Start a node, as a machine that comes up."""
        self.network.start(name, self._folder / f"{name}.out.log", "slurmd", "-D", "-N", name, "-f", str(self.file))

    def ask(self, *command: str, variables: Mapping[str, str] | None = None) -> str:
        """What a command of Slurm says."""
        return run(*command, variables={"SLURM_CONF": str(self.file)} | dict(variables or {}))

    def states(self) -> dict[str, str]:
        """What the controller says of every node: idle, allocated, down* ...; nothing while it is not up."""
        with suppress(Refused):
            said = self.ask("sinfo", "--noheader", "--Node", "--format=%N %T")
            return dict(line.split() for line in said.splitlines())
        return {}

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
        wait_until(condition, what, seconds, self._logs)

    def end(self) -> None:
        """End everything that was started, and the network."""
        self.network.end()
        for daemon in self._daemons:
            daemon.kill()
            daemon.wait()

    def _logs(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text()[-2000:]}" for log in self._folder.glob("*.log"))

    def _start(self, *command: str) -> None:
        with (self._folder / "daemons.log").open("ab") as log:
            self._daemons.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
