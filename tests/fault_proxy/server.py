"""The proxy's server, within its own event loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web

from tests.fault_proxy import answers, faults
from tests.fault_proxy.book import Book
from tests.fault_proxy.exchange import Exchange, ResetError
from tests.fault_proxy.requests import Request
from tests.raw_api import open_session

_MOST_BYTES: Final = 16 * 2**20
_AT_ONCE: Final = struct.pack("ii", 1, 0)


class Server:
    def __init__(self, upstream: aiohttp.ClientSession, context: ssl.SSLContext, book: Book) -> None:
        self.token = ""
        """What clients have to show."""
        self._upstream = upstream
        self._context = context
        self._book = book
        self._going = asyncio.Event()
        self._going.set()
        self._port_holder = _bound(0)
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0)

    @property
    def port(self) -> int:
        """The same for as long as the proxy is there."""
        port: int = self._port_holder.getsockname()[1]
        return port

    async def up(self) -> None:
        """Listen."""
        if self._runner.server is None:
            await self._runner.setup()
        self._site = web.SockSite(self._runner, _bound(self.port), ssl_context=self._context)
        await self._site.start()

    async def down(self) -> None:
        """Connections are refused, and those that there are end at once."""
        await self._site.stop()
        await self.cut()

    async def cut(self) -> None:
        """Reset all connections."""
        for connection in self._runner.server.connections if self._runner.server else ():
            reset(connection.transport)

    async def pause(self) -> None:
        """Requests are taken and not answered, and watches are silent."""
        self._going.clear()

    async def resume(self) -> None:
        self._going.set()

    async def close(self) -> None:
        await self.cut()
        await self._runner.cleanup()
        self._port_holder.close()

    async def _handle(self, client: web.Request) -> web.StreamResponse:
        request = Request(time.monotonic(), client.method, client.path, dict(client.query), await client.read())
        if client.headers.get("Authorization") == f"Bearer {self.token}":
            fault = self._book.enter(request)
        else:
            self._book.note(request)
            fault = faults.refused(answers.unauthorized())
        await self._going.wait()
        try:
            return await fault(Exchange(request, client, self._upstream, self._going))
        except (aiohttp.ClientError, ResetError):
            reset(client.transport)
            return web.Response()


@asynccontextmanager
async def open_server(kubeconfig: Path, context: ssl.SSLContext, book: Book) -> AsyncIterator[Server]:
    async with open_session(kubeconfig) as upstream:
        server = Server(upstream, context, book)
        try:
            await server.up()
            yield server
        finally:
            await server.close()


def reset(transport: asyncio.Transport | None) -> None:
    """End a connection at once: what the other end sees of a machine that knows of none."""
    if transport is None or (connected := transport.get_extra_info("socket")) is None:
        return  # the other end was faster
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()


def _bound(port: int) -> socket.socket:
    """Nobody else is given the port while one of these is open; only those that listen are asked for connections."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    return made
