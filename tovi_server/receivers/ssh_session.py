"""One session: a command runs the command line, a subsystem opens its door; neither of them is the terminal UI, or a
welcome for who has no terminal that can draw."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import asyncssh
import structlog
from asyncssh.channel import SSHChannel
from asyncssh.stream import SSHServerStreamSession

from tovi_server.core.access import Caller
from tovi_server.core.errors import ToviError, WaitTimeoutError
from tovi_server.receivers import command_line
from tovi_server.receivers.doors import Door, Pipes
from tovi_server.receivers.edge import Edge
from tovi_server.receivers.ssh_channel import Channel
from tovi_server.receivers.ssh_streams import ChannelStreams
from tovi_server.receivers.terminal import Size, Terminal, typed
from tovi_server.receivers.tui_guest import TuiGuest

log = structlog.get_logger(__name__)

_INTERRUPTED = 130
_BROKEN_PIPE = 141
_UNREAD_BYTES = 256 * 1024

Work = Callable[[ChannelStreams], Awaitable[int]]


class Session(SSHServerStreamSession[bytes]):
    """What happens on one channel, from its opening to its exit status, which is always sent."""

    def __init__(self, edge: Edge, caller: Caller, *, on_end: Callable[[Session], None]) -> None:
        super().__init__(None)
        self._edge = edge
        self._caller = caller
        self._on_end = on_end
        self._work: Work = self._show
        self._tui: TuiGuest | None = None
        self._terminal: Terminal | None = None
        self._task: asyncio.Task[None] | None = None
        self._interrupted = False

    def connection_made(self, chan: SSHChannel[bytes]) -> None:
        assert isinstance(chan, Channel)
        super().connection_made(chan)
        self._channel = chan
        self._limit = _UNREAD_BYTES  # private: the library buffers a whole window before it stops reading
        self._pipes = Pipes(
            asyncssh.SSHReader(self, chan),
            asyncssh.SSHWriter(self, chan),
            asyncssh.SSHWriter(self, chan, asyncssh.EXTENDED_DATA_STDERR),
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went away. Had it not ended its input before, that input is not to be trusted as whole."""
        super().connection_lost(exc if self._eof_received else ConnectionResetError("the client went away"))
        if self._task is not None:
            self._task.cancel()
        self._on_end(self)

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        self._terminal = Terminal(term_type, Size.told(*term_size))
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        if self._terminal is not None:
            self._terminal.size = Size.told(width, height, pixwidth, pixheight)
        if self._tui is not None:
            self._tui.resized()

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        if command.strip():
            self._work = lambda streams: self._run_command(command, streams)
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        door = {"sftp": self._edge.doors.sftp, "tovi-api": self._edge.doors.api}.get(subsystem)
        if door is None:
            return False
        self._work = lambda _: self._open(door, ())
        return True

    def session_started(self) -> None:
        if self._work == self._show:
            self._tui = self._guest()
        self._task = self._edge.spawn(self._run())

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self._tui is not None:
            self._tui.typed(data)
            return
        if self._terminal is None:
            super().data_received(data, datatype)
            return
        keys = typed(data)
        if keys.interrupt:
            self.interrupt()
        super().data_received(keys.data, datatype)
        if keys.end:
            self.eof_received()

    def eof_received(self) -> bool:
        """Nobody will type any more."""
        self.end_tui(WaitTimeoutError("the input has ended", why="nothing can be typed any more"))
        return super().eof_received()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._tui is not None:
            self._tui.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._tui is not None:
            self._tui.resume()

    def signal_received(self, signal: str) -> None:
        if signal in {"INT", "TERM", "HUP", "QUIT"}:
            self.interrupt()

    def end_tui(self, why: ToviError) -> bool:
        """End the terminal UI; whether this is one."""
        if self._tui is not None:
            self._tui.end(why)
        return self._tui is not None

    def interrupt(self) -> None:
        """End the command as Ctrl-C does."""
        self._interrupted = True
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        streams = ChannelStreams(self._pipes, self._channel.get_environment(), self._terminal)
        try:
            status = await self._work(streams)
        except asyncio.CancelledError:
            if not self._interrupted:
                raise
            status = _INTERRUPTED
        except Exception as error:  # whatever it is, the client gets an exit status
            status = await self._explain(error, streams)
        self._channel.exit(status)

    async def _explain(self, error: Exception, streams: ChannelStreams) -> int:
        """Tell the client what went wrong, if it still listens; the status to end with."""
        match error:
            case ToviError():
                text, status = str(error), error.exit_status
            case ConnectionError() | asyncssh.Error():
                text, status = "", _BROKEN_PIPE
            case _:
                log.error("session_crashed", user=self._caller.user, exc_info=error)
                text, status = "failed: the server made a mistake; its log says which", 1
        tell = streams.write if self._tui else streams.write_error  # after what put the screen in order
        with contextlib.suppress(ConnectionError):
            await tell(f"{text}\n".encode() if text else b"")
        return status

    def _guest(self) -> TuiGuest | None:
        """None: this terminal, or this server, cannot draw."""
        host, terminal = self._edge.tui, self._terminal
        if host is None or terminal is None or not terminal.can_draw:
            return None
        return TuiGuest(host, self._channel, terminal)

    async def _show(self, streams: ChannelStreams) -> int:
        manager = self._edge.gate.session(self._caller)
        if self._tui is None:
            await streams.write((await self._edge.welcome(manager)).encode())
        else:
            await self._tui.run(self._caller.user, manager, streams.environment)
        return 0

    async def _run_command(self, command: str, streams: ChannelStreams) -> int:
        words = command_line.split(command, longest_bytes=self._edge.settings.limits.command_bytes)
        scp = self._edge.doors.scp
        if scp is not None and command_line.is_scp(words):
            return await self._open(scp, words)
        return await self._edge.run_command(self._edge.gate.session(self._caller), words, streams)

    async def _open(self, door: Door, words: Sequence[str]) -> int:
        return await door(self._edge.gate.session(self._caller), self._pipes, words)
