"""Ray: starting or joining it, and how many trials it holds. The environment it wants is in `service.environment`."""

import logging
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import ray
from ray.job_config import JobConfig

from phaselab.db.queue.workforce import Node
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.errors import RayUnfit

NAMESPACE = "phaselab"
OBJECT_STORE_BYTES = 200_000_000
TEMP_PREFIX = "phaselab-ray-"


def start(configuration: Configuration) -> None:
    """Join the cluster at `ray_address`, or start Ray here. Raises RayUnfit."""
    if configuration.ray_address is None:
        _start_here(configuration)
        return
    try:
        ray.init(
            address=configuration.ray_address,
            namespace=NAMESPACE,
            job_config=_job(),
            log_to_driver=False,
            logging_level=_level(configuration),
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise RayUnfit(
            f"PHASELAB_RAY_ADDRESS={configuration.ray_address}: {error}. The scheduler runs on a node of the cluster,"
            " with the Ray and Python versions of its nodes and the same token (RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH)"
        ) from error


def _start_here(configuration: Configuration) -> None:
    """A Ray of our own: no dashboard, a small object store, session files under a short path (sockets allow 107)."""
    _remove_leftovers()
    # Ray lets everyone write to its session folder; nobody else gets through the one around it.
    closed = tempfile.mkdtemp(prefix=f"{TEMP_PREFIX}{os.getpid()}-", dir="/tmp")
    ray.init(
        address="local",
        namespace=NAMESPACE,
        job_config=_job(),
        num_cpus=configuration.cpus or _cpus(),
        include_dashboard=False,
        log_to_driver=False,
        logging_level=_level(configuration),
        object_store_memory=OBJECT_STORE_BYTES,
        _temp_dir=f"{closed}/r",
    )


def _cpus() -> int:
    """How many CPUs this process may use; where that cannot be asked (macOS), how many there are."""
    affinity = getattr(os, "sched_getaffinity", None)
    return os.cpu_count() or 1 if affinity is None else len(affinity(0))


def _job() -> JobConfig:
    """A job whose workers import what is installed, or on PYTHONPATH, whatever lies in the current folder: Ray (2.60)
    puts that folder before all others on their path, unless it takes the job for one of Ray Client."""
    return JobConfig(_client_job=True)


def _level(configuration: Configuration) -> int:
    return logging.getLevelNamesMapping()[configuration.log_level]


def stop() -> None:
    """Leave the cluster, or end the Ray that was started here and remove its files."""
    ray.shutdown()
    for folder in Path("/tmp").glob(f"{TEMP_PREFIX}{os.getpid()}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers() -> None:
    """Remove the session files of schedulers that are dead (killed, they could not)."""
    for folder in Path("/tmp").glob(f"{TEMP_PREFIX}*-*"):
        process = folder.name.removeprefix(TEMP_PREFIX).partition("-")[0]
        if folder.stat().st_uid == os.getuid() and not Path("/proc", process).exists():
            shutil.rmtree(folder, ignore_errors=True)


def living_nodes(configuration: Configuration) -> Sequence[Node]:
    """The living nodes, and how many trials each holds."""
    found = []
    for node in ray.nodes():  # type: ignore[no-untyped-call]
        has = node["Resources"]
        if node["Alive"]:
            name, cpus, gpus = str(node["NodeManagerHostname"]), has.get("CPU", 0.0), has.get("GPU", 0.0)
            found.append(Node(str(node["NodeID"]), name, cpus, gpus, _slots_of(has, configuration)))
    return found


def trial_slots(nodes: Sequence[Node], configuration: Configuration) -> int:
    """How many trials these nodes hold at a time."""
    slots = sum(node.slots for node in nodes)
    return slots if configuration.max_trials is None else min(slots, configuration.max_trials)


def _slots_of(resources: Mapping[str, float], configuration: Configuration) -> int:
    slots = math.floor(resources.get("CPU", 0.0) / configuration.trial_cpus + 1e-9)
    if configuration.trial_gpus > 0:
        slots = min(slots, math.floor(resources.get("GPU", 0.0) / configuration.trial_gpus + 1e-9))
    return slots
