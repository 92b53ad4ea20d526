"""The scheduler process. Started by `phaselab scheduler`, which prepares the environment Ray wants."""

import logging
import os
import signal
from contextlib import closing
from types import FrameType

from phaselab.service.base.configuration import load_configuration
from phaselab.service.base.exit_codes import UNFIT
from phaselab.service.base.logs import PLAIN, write_logs
from phaselab.service.base.plainly import told_plainly
from phaselab.service.base.storage import open_database
from phaselab.service.scheduling.dispatch import STACKS
from phaselab.service.scheduling.scheduler import Scheduler

SECRET = ("PHASELAB_DATABASE_URL", "PHASELAB_NOTIFY_SECRET")
"""Variables that this process needs and the workers of a Ray started here must not inherit."""


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    os.umask(0o077)  # checkpoints, and what Ray leaves, are for the owner alone; workers inherit it
    with told_plainly("scheduler", UNFIT):
        configuration = load_configuration()
        with closing(open_database(configuration)) as database:
            for name in SECRET:
                os.environ.pop(name, None)
            logging.basicConfig(level=configuration.log_level, format=PLAIN)
            write_logs("phaselab", configuration.log_level, STACKS)
            _run(Scheduler(configuration, database))


def _run(scheduler: Scheduler) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        scheduler.stop()

    def listen() -> None:
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)

    listen()
    scheduler.run(listen)


if __name__ == "__main__":
    main()
