"""An api process that ends and loses nobody's request: what comes on open connections is still answered."""

import asyncio
import os
import signal
import socket
from types import FrameType

import uvicorn

CLOSE = (b"connection", b"close")


class Server(uvicorn.Server):
    """uvicorn's server, which tells that it has started, and which drains before it ends: it takes no more connections,
    and those that it has get an answer to what was asked, which says that it is the last one; where nothing is asked
    they end as at other times."""

    def __init__(self, config: uvicorn.Config, drain_seconds: float, drains_at: signal.Signals) -> None:
        """It drains at this signal, for `drain_seconds` at most; at another one it ends at once."""
        super().__init__(config)
        self.tell: int | None = None
        """An open file, into which a line is written once it has started."""
        self._drain_seconds = drain_seconds
        self._drains_at = drains_at
        self._draining = False
        signal.signal(drains_at, self.handle_exit)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and tell it."""
        await super().startup(sockets)
        if self.tell is not None and self.started:
            os.write(self.tell, b"started\n")
            os.close(self.tell)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal has come to end it."""
        self._draining = sig == self._drains_at and not self.should_exit
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, if so, and end."""
        if self._draining:
            await self._drain()
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        for server in self.servers:
            server.close()
        self.config.app.state.streams.end()  # type: ignore[union-attr]
        state = self.server_state
        state.default_headers = [*state.default_headers, CLOSE]
        await asyncio.sleep(0.1)  # what was accepted last becomes a connection
        until = asyncio.get_running_loop().time() + self._drain_seconds
        while self._draining and state.connections and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
