"""The environment of the scheduler process. Ray reads some of it on import, so the process is started with it."""

import secrets
from collections.abc import Mapping

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # else Ray rebuilds an environment for every worker under `uv run`
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_worker_niceness": "5",  # api and scheduler stay quick; Ray's 15 starves workers beside any other program
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",  # Tune's own state is never read
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",  # else trials start one after the other
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # the death of a worker is told in one line of ours
    "TUNE_RESULT_BUFFER_LENGTH": "1",
    "TUNE_WARN_THRESHOLD_S": "30",
}
LOOPBACK_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Ray (2.60) takes the address of a network card even when it is told 127.0.0.1, unless it believes that no cluster can
be made of this machine: then all of its processes listen on loopback alone."""
STALE = ("RAY_NAMESPACE", "RAY_RUNTIME_ENV_HOOK", "RAY_AUTH_TOKEN_PATH", "RAY_TMPDIR")
"""What another Ray may have left in the environment and a Ray of our own must not see."""


def scheduler_environment(environment: Mapping[str, str], ray_address: str | None) -> dict[str, str]:
    """The environment for a scheduler that starts Ray (`ray_address` None) or joins one.

    A Ray of our own listens on this machine's own address, and gets a token of its own, so that nobody else on this
    machine can use it; a cluster's token is
    the one in the environment. RAY_ADDRESS is taken out: PHASELAB_RAY_ADDRESS alone decides.
    """
    prepared = {name: value for name, value in environment.items() if name != "RAY_ADDRESS"} | QUIET
    if ray_address is None:
        prepared = {name: value for name, value in prepared.items() if name not in STALE}
        prepared |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), **LOOPBACK_ALONE}
    return prepared
