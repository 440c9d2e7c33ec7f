"""One session in its own process: the app on the terminal at descriptors 0 to 2, the manager behind a socket."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime

from tovi_server.api import ManagerAPI
from tovi_server.api_client import remote_manager
from tovi_server.core.look import zone_of
from tovi_tui import themes
from tovi_tui.app import ToviApp
from tovi_tui.viewer import meet
from tovi_tui.wishes import wishes_of


def run_session(api: socket.socket, line: socket.socket, environment: Mapping[str, str]) -> int:
    """Run it to its end; the exit status. On `line` the server tells how the client is, an object of JSON a line."""
    return asyncio.run(_run(api, line, environment))


async def _run(api: socket.socket, line: socket.socket, environment: Mapping[str, str]) -> int:
    reader, writer = await asyncio.open_connection(sock=api)
    async with remote_manager(reader, writer) as manager, asyncio.TaskGroup() as group:
        app = await app_for(manager, environment)
        listening = group.create_task(_listen(line, app))
        await app.run_async()
        listening.cancel()
    if app.mistake is not None:
        raise app.mistake
    return app.return_code or 0


async def app_for(manager: ManagerAPI, environment: Mapping[str, str]) -> ToviApp:
    """The app for whoever the manager says it is, at a terminal with this environment."""
    if not environment.get("NO_COLOR"):
        os.environ.pop("NO_COLOR", None)  # Textual would take an empty one for a wish, against no-color.org
    wishes = await wishes_of(manager)
    zone = zone_of({"TZ": wishes.get("zone", environment.get("TZ", ""))})
    viewer = await meet(manager, zone=zone, clock=_now)
    return ToviApp(manager, viewer, wishes, theme=themes.usual(environment))


async def _listen(line: socket.socket, app: ToviApp) -> None:
    """To what the server tells of the client."""
    reader, writer = await asyncio.open_connection(sock=line)
    try:
        while told := await reader.readline():
            _heed(json.loads(told), app)
    finally:
        writer.close()


def _heed(told: object, app: ToviApp) -> None:
    match told:
        case {"behind": bool(is_behind)}:
            app.hold_drawing(is_behind)
        case {"idle_left_s": int(left_s) | float(left_s)}:
            app.tell(f"no key for a long time: this closes in {round(left_s / 60)} min; any key keeps it open")


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # a composition root
