"""The terminal UI of one session: from before it is open, when keys are typed already, until it is over."""

from __future__ import annotations

from collections.abc import Mapping

from tovi_server.api import ManagerAPI
from tovi_server.core.errors import ToviError
from tovi_server.receivers.ssh_channel import Channel
from tovi_server.receivers.terminal import Terminal
from tovi_server.receivers.tui_host import TuiHost, Viewer
from tovi_server.receivers.tui_visit import TuiVisit


class TuiGuest:
    """What the session does not need to know: whether it is open yet."""

    def __init__(self, host: TuiHost, channel: Channel, terminal: Terminal) -> None:
        self._host = host
        self._channel = channel
        self._terminal = terminal
        self._visit: TuiVisit | None = None
        self._early_keys = b""
        self._early_end: ToviError | None = None

    async def run(self, user: str, manager: ManagerAPI, environment: Mapping[str, str]) -> None:
        """Until it ends by itself. Raises as `TuiHost.run`."""
        told = {name: value for name, value in environment.items() if value and "\0" not in value}
        viewer = Viewer(user, manager, told, self._terminal.size, self._channel)
        await self._host.run(viewer, on_open=self._opened)

    def typed(self, keys: bytes) -> None:
        """Before it is open, one packet waits here and the others in the channel."""
        if self._visit is not None:
            self._visit.typed(keys)
        else:
            self._early_keys += keys
            self._channel.pause_reading()

    def resized(self) -> None:
        """The terminal's window is another size."""
        if self._visit is not None:
            self._visit.resize(self._terminal.size)

    def pause(self) -> None:
        if self._visit is not None:
            self._visit.pause()

    def resume(self) -> None:
        if self._visit is not None:
            self._visit.resume()

    def end(self, why: ToviError) -> None:
        """The person is told why, on a terminal as it was before; the first reason counts."""
        if self._visit is not None:
            self._visit.end(why)
        self._early_end = self._early_end or why

    def _opened(self, visit: TuiVisit) -> None:
        self._visit = visit
        self._channel.follow_closely()
        self.resized()
        visit.typed(self._early_keys)
        if self._early_end is not None:
            visit.end(self._early_end)
        self._channel.resume_reading()
