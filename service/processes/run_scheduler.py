"""The scheduler process. Started by `phaselab scheduler`, which prepares the environment Ray wants."""

import logging
import os
import signal
import sys
from types import FrameType

from phaselab.service.base.exit_codes import UNFIT
from phaselab.service.base.settings import load_settings
from phaselab.service.base.storage import open_database
from phaselab.service.scheduling.ray_session import RayUnfit
from phaselab.service.scheduling.scheduler import Scheduler

SECRET = ("PHASELAB_DATABASE_URL", "PHASELAB_NOTIFY_SECRET")
"""Variables that this process needs and the workers of a Ray started here must not inherit."""


def main() -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    try:
        settings = load_settings()
        database = open_database(settings)
    except ValueError as error:
        print(f"scheduler: {error}", file=sys.stderr)
        return UNFIT
    for name in SECRET:
        os.environ.pop(name, None)
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    scheduler = Scheduler(settings, database)

    def stop(_number: int, _frame: FrameType | None) -> None:
        scheduler.stop()

    def listen() -> None:
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)

    listen()
    try:
        scheduler.run(listen)
    except RayUnfit as error:
        # Not UNFIT: a cluster that cannot be reached may come back, and nodes that hold a trial may join.
        print(f"scheduler: {error}", file=sys.stderr)
        return 1
    finally:
        database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
