"""docker-compose.yml without an engine: its services as processes, each on a machine of its own in one network, in the
order and with the environment, names and health checks of the file. Images are this installation's programs."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.faults.harness import ROOT, wait_until
from tests.faults.network import Network
from tests.postgresql import PROGRAMS

VARIABLE = re.compile(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}")
IMAGE_FOLDER = "/phaselab"
"""Where the images work; here a folder of each machine's own /tmp."""


def filled_in(value: Any, given: Mapping[str, str]) -> Any:
    """What stands in the file, with variables as Compose fills them in; KeyError tells what has to be set."""
    if isinstance(value, dict):
        return {key: filled_in(one, given) for key, one in value.items()}
    if isinstance(value, list):
        return [filled_in(one, given) for one in value]

    def of(found: re.Match[str]) -> str:
        name, kind, words = found.groups()
        if given.get(name) or kind is None:
            return given.get(name, "")
        if kind == ":?":
            raise KeyError(words)
        return str(words)

    return VARIABLE.sub(of, value) if isinstance(value, str) else value


def seconds(words: str) -> float:
    """A duration of the file: `5s`."""
    return float(words.removesuffix("s"))


class Composed:
    """The services of the file that no profile asks for."""

    def __init__(self, folder: Path, given: Mapping[str, str]) -> None:
        services = filled_in(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"], given)
        self.services = {name: one for name, one in services.items() if not one.get("profiles")}
        self.network, self._folder = Network(list(self.services)), folder

    def up(self) -> None:
        """Start everything, each as soon as what it waits for is as it says."""
        self.network.connect()
        lines = "".join(f"{address} {name}\n" for name, address in self.network.addresses.items())
        (self._folder / "hosts").write_text("127.0.0.1 localhost\n" + lines)
        (self._folder / "no-dns").write_text("nameserver 127.0.0.1\n")  # refuses at once, where others let one wait
        for name in self._in_order():
            for other, wanted in self.services[name].get("depends_on", {}).items():
                self._wait_for(other, wanted["condition"])
            self._start(name)

    def ask(self, name: str, *command: str) -> str:
        """What a command says on a service's machine: `docker compose exec`."""
        ran = self._inside(name, *command)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def healthy(self, name: str, tries: int = 1) -> bool:
        """Whether the service's health check passes."""
        check = self.services[name]["healthcheck"]
        kind, *command = check["test"]
        for _ in range(tries):
            words = ["sh", "-c", *command] if kind == "CMD-SHELL" else command
            if self._inside(name, *words, timeout=seconds(check["timeout"])).returncode == 0:
                return True
            time.sleep(seconds(check["interval"]))
        return False

    def logs(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text()[-3000:]}" for log in self._folder.glob("*.log"))

    def _in_order(self) -> Iterator[str]:
        left, begun = dict(self.services), set[str]()
        while left:
            ready = [name for name, one in left.items() if set(one.get("depends_on", {})) <= begun]
            assert ready, f"{', '.join(left)} wait for one another"
            for name in ready:
                del left[name]
                begun.add(name)
                yield name

    def _wait_for(self, name: str, condition: str) -> None:
        if condition == "service_healthy":
            assert self.healthy(name, self.services[name]["healthcheck"]["retries"]), f"{name} is ill: {self.logs()}"
        else:
            process = self.network.started[name]
            wait_until(lambda: process.poll() is not None, f"{name} has ended", 120, self.logs)
            assert process.returncode == 0, self.logs()

    def _start(self, name: str) -> None:
        own = self._folder / name
        own.mkdir()
        own.chmod(0o777)
        folder = self._here(IMAGE_FOLDER)
        first = (
            f"mount --bind {self._folder}/hosts /etc/hosts && mount --bind {self._folder}/no-dns /etc/resolv.conf"
            f" && mount --bind {own} /tmp && mkdir -p {folder} && cd {folder}"
        )
        command = self.services[name].get("command") or _postgres()
        log = self._folder / f"{name}.log"
        self.network.start(name, log, *command, first=first, variables=self._environment(name))

    def _inside(self, name: str, *command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        inside = ("nsenter", f"--target={self.network.started[name].pid}", "--net", "--mount", "--uts")
        words = [*inside, "timeout", str(timeout), *command]
        return subprocess.run(words, env=self._environment(name), capture_output=True, text=True, check=False)

    def _environment(self, name: str) -> dict[str, str]:
        """Of the service, and of an image: where programs are, and nothing of this shell's."""
        own = self.services[name].get("environment", {})
        image = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(PROGRAMS), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "RAY_USAGE_STATS_ENABLED": "0",
            "OMP_NUM_THREADS": "1",
            "GRPC_DNS_RESOLVER": "native",  # which reads the hosts; engines have a server of names
        }
        return image | {key: self._here(str(value)) for key, value in own.items()}

    @staticmethod
    def _here(path: str) -> str:
        return f"/tmp{path}" if path.startswith(IMAGE_FOLDER) else path


def _postgres() -> list[str]:
    """What the image of PostgreSQL does with its variables, by a user who is not root."""
    steps = (
        "cd /tmp",
        "echo $POSTGRES_PASSWORD > password",
        "initdb --pgdata=data --username=$POSTGRES_USER --pwfile=password --auth-host=scram-sha-256 > /dev/null",
        "echo 'host all all all scram-sha-256' >> data/pg_hba.conf",
        "pg_ctl --pgdata=data --options='-k /tmp -h \"\"' --wait start > /dev/null",
        "createdb --host=/tmp --username=$POSTGRES_USER $POSTGRES_DB || true",
        "pg_ctl --pgdata=data --wait stop > /dev/null",
        "exec postgres -D data -k /tmp -h '*'",
    )
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "bash", "-ec", "; ".join(steps)]
