"""One open terminal UI, from the client's first key to what is shown at its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from tovi_server.api import ManagerAPI
from tovi_server.core.durations import format_duration
from tovi_server.core.errors import ToviError, WaitTimeoutError
from tovi_server.receivers.api_channel import serve_api
from tovi_server.receivers.pseudo_terminal import PseudoTerminal
from tovi_server.receivers.terminal import Size
from tovi_server.receivers.tui_process import TuiProcess
from tovi_server.receivers.tui_pump import Pump, Screen

log = structlog.get_logger(__name__)

_WARNING_S: Final = 5 * 60
"""Before a terminal is closed because nobody types; half the time when that is short."""
_IDLE: Final = "the server closes terminals that nobody uses"


class TuiVisit:
    """Satisfies what a session needs of an open terminal UI."""

    def __init__(self, process: TuiProcess, terminal: PseudoTerminal, screen: Screen, *, idle: timedelta) -> None:
        self._process = process
        self._terminal = terminal
        self._pump = Pump(terminal, screen, on_behind=lambda is_behind: process.tell(behind=is_behind))
        self._idle = idle
        self._key = asyncio.Event()
        """Set by the next key."""
        self._why: ToviError | None = None
        self._told_to_end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def typed(self, data: bytes) -> None:
        self._key.set()
        self._pump.typed(data)

    def resize(self, size: Size) -> None:
        self._terminal.resize(size)

    def pause(self) -> None:
        """The client does not read."""
        self._pump.pause()

    def resume(self) -> None:
        self._pump.resume()

    def end(self, why: ToviError) -> None:
        """Not by itself; the first reason counts."""
        if self._why is None:
            self._why = why
            self._told_to_end.set_result(None)

    async def over(self, manager: ManagerAPI) -> None:
        """Serve it until it ends by itself and well.

        Raises:
            ToviError: why it ended else.
        """
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(work) for work in (self._watch_keys(), self._serve(manager))]
            await asyncio.wait((self._process.has_ended, self._told_to_end), return_when=asyncio.FIRST_COMPLETED)
            for one in beside:
                one.cancel()
        if self._why is not None:
            raise self._why
        if self._process.status() != 0:
            raise ToviError("the terminal UI broke off", hint="open it again; your jobs are not touched by this")

    def close(self) -> bytes:
        """After the process is gone: what there is to be shown, so that the terminal is as it was."""
        return self._pump.close()

    async def _watch_keys(self) -> None:
        idle_s = self._idle.total_seconds()
        warning_s = min(_WARNING_S, idle_s / 2)
        while True:
            if await self._typed_within(idle_s - warning_s):
                continue
            self._process.tell(idle_left_s=round(warning_s))
            if not await self._typed_within(warning_s):
                self.end(WaitTimeoutError(f"no key was typed for {format_duration(self._idle)}", why=_IDLE))

    async def _typed_within(self, seconds: float) -> bool:
        self._key.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._key.wait()
        return self._key.is_set()

    async def _serve(self, manager: ManagerAPI) -> None:
        reader, writer = await asyncio.open_connection(sock=self._process.api)
        try:
            await serve_api(manager, reader, writer)
        except Exception:  # of one terminal UI, which ends
            log.exception("tui_not_served")
            self.end(ToviError("the terminal UI cannot be served", why="the server made a mistake; its log says which"))
        finally:
            writer.transport.abort()
