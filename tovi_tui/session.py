"""One session in its own process: the app on the terminal at descriptors 0 to 2, the manager behind a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from datetime import UTC, datetime

from tovi_server.api_client import remote_manager
from tovi_server.core.look import zone_of
from tovi_tui.app import ToviApp
from tovi_tui.viewer import meet


def run_session(api: socket.socket, line: socket.socket, environment: Mapping[str, str]) -> int:
    """Run it to its end; the exit status. On `line` the server tells how the client is, an object of JSON a line."""
    return asyncio.run(_run(api, line, environment))


async def _run(api: socket.socket, line: socket.socket, environment: Mapping[str, str]) -> int:
    reader, writer = await asyncio.open_connection(sock=api)
    async with remote_manager(reader, writer) as manager:
        viewer = await meet(manager, zone=zone_of(environment), clock=_now)
        app = ToviApp(manager, viewer)
        await app.run_async()
        return app.return_code or 0


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # a composition root
