"""One session of the terminal UI on this process's own terminal."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping

from textual.app import App, ComposeResult
from textual.widgets import Static

from tovi_server.api_client import remote_manager


class _Placeholder(App[int]):
    def __init__(self, api: socket.socket) -> None:
        super().__init__()
        self._socket = api

    def compose(self) -> ComposeResult:
        yield Static("tovi", id="who", markup=False)

    async def on_mount(self) -> None:
        self.run_worker(self._greet())

    async def _greet(self) -> None:
        reader, writer = await asyncio.open_connection(sock=self._socket)
        async with remote_manager(reader, writer) as manager:
            me = await manager.me()
            self.query_one("#who", Static).update(f"hello {me.user}")
            await asyncio.Event().wait()

    async def on_key(self, event: object) -> None:
        if getattr(event, "key", "") == "q":
            self.exit(0)


def run_session(api: socket.socket, line: socket.socket, environment: Mapping[str, str]) -> int:
    return _Placeholder(api).run() or 0
