"""Machines made of network namespaces on one bridge, each with a name and an address of its own. Needs root."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.faults.harness import kill

BRIDGE, NETWORK = "phaselab", "10.99.0"
HERE = f"{NETWORK}.1"
"""The address of this machine itself."""
PROGRAMS = ("ip", "nsenter", "unshare")


class Refused(Exception):
    """A command that has failed, with what it said."""


def lacking(*programs: str) -> list[str]:
    """What of these programs, of the network's own and of root's rights is missing here."""
    missing = [name for name in (*PROGRAMS, *programs) if not shutil.which(name)]
    return missing + ["root's rights"] * (os.geteuid() != 0)


def run(*command: str, variables: Mapping[str, str] | None = None) -> str:
    """What a command says; raises Refused."""
    ran = subprocess.run(command, env=os.environ | dict(variables or {}), capture_output=True, text=True, check=False)
    if ran.returncode:
        raise Refused(f"{' '.join(command)}: {ran.stdout}{ran.stderr}")
    return ran.stdout


class Network:
    """Machines by name, and what runs on them."""

    def __init__(self, names: Sequence[str]) -> None:
        self.addresses = {name: f"{NETWORK}.{number}" for number, name in enumerate(names, 11)}
        self.started: dict[str, subprocess.Popen[bytes]] = {}

    def connect(self) -> None:
        """Make bridge and machines."""
        self._remove()
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "address", "add", f"{HERE}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        for number, (name, address) in enumerate(self.addresses.items()):
            run("ip", "netns", "add", name)
            run("ip", "link", "add", f"{BRIDGE}{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
            run("ip", "link", "set", f"{BRIDGE}{number}", "master", BRIDGE, "up")
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "link", "set", "eth0", "up")
            run("ip", "-n", name, "route", "add", "default", "via", HERE)

    def start(
        self, name: str, log: Path, *command: str, first: str = "true", variables: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Run a command on a machine, in a mount namespace of its own in which `first` (of a shell) is run before."""
        inside = ("nsenter", f"--net=/run/netns/{name}", "unshare", "--mount", "--uts")
        made_ready = f'hostname {name} && {first} && exec "$@"'
        with log.open("ab") as written:
            self.started[name] = subprocess.Popen(
                [*inside, "sh", "-c", made_ready, "sh", *command],
                env=os.environ | dict(variables or {}),
                stdout=written,
                stderr=written,
                start_new_session=True,
            )
        return self.started[name]

    def on(self, name: str) -> list[int]:
        """The processes on a machine."""
        return [int(pid) for pid in run("ip", "netns", "pids", name).split()]

    def lose(self, name: str) -> None:
        """SIGKILL to everything on a machine, as one that loses its power."""
        while found := self.on(name):
            for pid in found:
                kill(pid)
            if name in self.started:
                self.started[name].poll()
            time.sleep(0.05)
        if name in self.started:
            self.started.pop(name).wait()

    def end(self) -> None:
        """End everything on every machine, and the network."""
        for name in self.addresses:
            with suppress(Refused):
                self.lose(name)
        self._remove()

    def _remove(self) -> None:
        for link in (BRIDGE, *(f"{BRIDGE}{number}" for number in range(len(self.addresses)))):
            with suppress(Refused):
                run("ip", "link", "delete", link)
        for name in self.addresses:
            with suppress(Refused):
                run("ip", "netns", "delete", name)
