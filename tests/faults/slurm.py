"""A Slurm of real daemons on this machine: a controller and nodes, each in a network of its own, with an own name."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tests.faults.harness import kill, wait_until

DAEMONS = ("slurmctld", "slurmd", "munged", "sbatch", "ip", "nsenter", "unshare")
NETWORK, BRIDGE = "10.99.0", "phaselab-slurm"
CONTROLLER = f"{NETWORK}.1"
CPUS = 2
CONFIGURATION = """\
ClusterName=lab
SlurmctldHost=lab({controller})
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
SlurmdParameters=config_overrides
SelectTypeParameters=CR_CPU
ReturnToService=2
SlurmdTimeout=10
KillWait=10
NodeName=n[1-{nodes}] NodeAddr={network}.1[1-{nodes}] CPUS={cpus} State=UNKNOWN
PartitionName=lab Nodes=ALL Default=YES
"""


def lacking() -> list[str]:
    """The programs that are missing here; root's rights are one of them."""
    return [name for name in DAEMONS if not shutil.which(name)] + ["root's rights"] * (os.geteuid() != 0)


class Refused(Exception):
    """A command that has failed, with what it said."""


class Slurm:
    """So many nodes of two CPUs in a network of their own, which ends with them."""

    def __init__(self, folder: Path, nodes: int) -> None:
        self._folder, self._daemons = folder, dict[str, subprocess.Popen[bytes]]()
        self._names = [f"n{number}" for number in range(1, nodes + 1)]
        self.file = folder / "slurm.conf"
        self.file.write_text(
            CONFIGURATION.format(controller=CONTROLLER, folder=folder, nodes=nodes, network=NETWORK, cpus=CPUS)
        )

    def start(self) -> None:
        """Start it, and wait until all nodes are idle."""
        folder = self._folder
        (folder / "state").mkdir()
        (folder / "munge.key").write_bytes(os.urandom(128))
        (folder / "munge.key").chmod(0o400)
        self._connect()
        own = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
        self._start("munge", "munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *own)
        wait_until((folder / "munge.socket").exists, "munge listens")
        self._start("controller", "unshare", "--uts", "sh", "-c", f"hostname lab; exec slurmctld -D -f {self.file}")
        for name in self._names:
            self.boot(name)
        wait_until(lambda: set(self.states().values()) == {"idle"}, "all nodes are idle", 60, self._logs)

    def boot(self, name: str) -> None:
        """Start a node, as a machine that comes up."""
        daemon = f"hostname {name}; exec slurmd -D -N {name} -f {self.file}"
        self._start(name, "nsenter", f"--net=/run/netns/{name}", "unshare", "--uts", "sh", "-c", daemon)

    def lose(self, name: str) -> None:
        """SIGKILL to everything on a node, as a machine that loses its power."""
        while found := self.on(name):
            for pid in found:
                kill(pid)
            time.sleep(0.05)
        self._daemons.pop(name).wait()

    def on(self, name: str) -> list[int]:
        """The processes on a node."""
        return [int(pid) for pid in _run("ip", "netns", "pids", name).split()]

    def ask(self, *command: str, variables: Mapping[str, str] | None = None) -> str:
        """What a command of Slurm says."""
        return _run(*command, variables={"SLURM_CONF": str(self.file)} | dict(variables or {}))

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
        for name in self._names:
            if name in self._daemons:
                self.lose(name)
        for daemon in self._daemons.values():
            daemon.kill()
            daemon.wait()
        self._disconnect()

    def _logs(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text()[-2000:]}" for log in self._folder.glob("*.log"))

    def _start(self, name: str, *command: str) -> None:
        with (self._folder / f"{name}.out.log").open("ab") as log:
            self._daemons[name] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def _connect(self) -> None:
        self._disconnect()
        _run("ip", "link", "add", BRIDGE, "type", "bridge")
        _run("ip", "address", "add", f"{CONTROLLER}/24", "dev", BRIDGE)
        _run("ip", "link", "set", BRIDGE, "up")
        for number, name in enumerate(self._names, 1):
            inside = ("ip", "-n", name)
            _run("ip", "netns", "add", name)
            _run("ip", "link", "add", f"ph-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            _run("ip", "link", "set", f"ph-{name}", "master", BRIDGE, "up")
            _run(*inside, "address", "add", f"{NETWORK}.1{number}/24", "dev", "eth0")
            _run(*inside, "link", "set", "lo", "up")
            _run(*inside, "link", "set", "eth0", "up")
            _run(*inside, "route", "add", "default", "via", CONTROLLER)

    def _disconnect(self) -> None:
        with suppress(Refused):
            _run("ip", "link", "delete", BRIDGE)
        for name in self._names:
            with suppress(Refused):
                _run("ip", "netns", "delete", name)


def _run(*command: str, variables: Mapping[str, str] | None = None) -> str:
    ran = subprocess.run(command, env=os.environ | dict(variables or {}), capture_output=True, text=True, check=False)
    if ran.returncode:
        raise Refused(f"{' '.join(command)}: {ran.stderr}")
    return ran.stdout
