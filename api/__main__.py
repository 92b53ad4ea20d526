"""`python -m phaselab.api [--host H] [--port P]`: serve the api and its pages."""

import gc
import signal
import socket
import sys
from contextlib import suppress

import click
import uvicorn
from uvicorn.config import STARTUP_FAILURE

from phaselab.api.app import create_app
from phaselab.api.entrance.connections import limited, possible_connections
from phaselab.api.entrance.ending import Server
from phaselab.api.entrance.request_ids import log as requests
from phaselab.service.base.configuration import load_configuration
from phaselab.service.base.exit_codes import UNFIT
from phaselab.service.base.logs import write_logs
from phaselab.service.base.plainly import told_plainly
from phaselab.service.base.storage import open_database
from phaselab.service.verbs.accounts import check_reach


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.")
@click.option("--fd", type=click.IntRange(0), hidden=True, help="An open socket on that port, of the supervisor.")
@click.option("--tell", type=click.IntRange(0), hidden=True, help="An open file to tell the supervisor in.")
def main(host: str | None, port: int | None, fd: int | None, tell: int | None) -> None:
    """Serve the api and its pages until SIGTERM, which loses nobody's request, or SIGINT, which ends it at once."""
    with told_plainly(lasting=UNFIT):
        configuration = load_configuration(host=host, port=port)
        database = open_database(configuration)
        check_reach(database, configuration)
    write_logs("phaselab", configuration.log_level, requests.name)
    level = configuration.log_level.lower()
    app = create_app(configuration, database)
    # What is loaded by now stays. Looked through again and again, it would be a third of the cost of a large diagram.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    connections = possible_connections(configuration.max_connections)
    config = uvicorn.Config(
        app,
        host=configuration.host,
        port=configuration.port,
        log_level=level,
        access_log=False,  # it would tell queries; `RequestIds` has a line for every request
        timeout_graceful_shutdown=3,
        http=limited(connections, configuration.header_seconds, configuration.read_seconds),
        ws="none",
    )
    # Under a supervisor SIGTERM is the end of everything, which nobody waits for.
    server = Server(config, configuration.drain_seconds, signal.SIGTERM if fd is None else signal.SIGUSR1)
    server.tell = tell
    with suppress(KeyboardInterrupt):
        server.run(sockets=None if fd is None else [socket.socket(fileno=fd)])
    if not server.started:
        sys.exit(STARTUP_FAILURE)


if __name__ == "__main__":
    main()
