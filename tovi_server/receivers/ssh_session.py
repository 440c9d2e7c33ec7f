"""One session: a command runs the command line, a subsystem opens its door, neither of them is a welcome."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
from collections.abc import Awaitable, Callable, Sequence

import asyncssh
import structlog
from asyncssh.channel import SSHChannel
from asyncssh.stream import SSHServerStreamSession

from tovi_server.core.access import Caller
from tovi_server.core.errors import ToviError, UsageError
from tovi_server.receivers.doors import Door, Pipes
from tovi_server.receivers.edge import Edge
from tovi_server.receivers.ssh_streams import ChannelStreams
from tovi_server.receivers.terminal import Terminal, typed

log = structlog.get_logger(__name__)

_INTERRUPTED = 130
_BROKEN_PIPE = 141
_UNREAD_BYTES = 256 * 1024
_SHOWN_COMMAND = 500

_SCP_END = re.compile("-[a-z]*[ft][a-z]*")
"""Among its options is the one that says that this is the other end of an scp; some programs put them together."""

Work = Callable[[ChannelStreams], Awaitable[int]]


class Session(SSHServerStreamSession[bytes]):
    """What happens on one channel, from its opening to its exit status, which is always sent."""

    def __init__(self, edge: Edge, caller: Caller, *, on_end: Callable[[Session], None]) -> None:
        super().__init__(None)
        self._edge = edge
        self._caller = caller
        self._on_end = on_end
        self._work: Work = self._welcome
        self._terminal: Terminal | None = None
        self._task: asyncio.Task[None] | None = None
        self._interrupted = False

    def connection_made(self, chan: SSHChannel[bytes]) -> None:
        assert isinstance(chan, asyncssh.SSHServerChannel)
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
        self._terminal = Terminal(term_type, columns=term_size[0])
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        if self._terminal is not None:
            self._terminal.columns = width

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
        self._task = self._edge.spawn(self._run())

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self._terminal is None:
            super().data_received(data, datatype)
            return
        keys = typed(data)
        if keys.interrupt:
            self.interrupt()
        super().data_received(keys.data, datatype)
        if keys.end:
            self.eof_received()

    def signal_received(self, signal: str) -> None:
        if signal in {"INT", "TERM", "HUP", "QUIT"}:
            self.interrupt()

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
        with contextlib.suppress(ConnectionError):
            await streams.write_error(f"{text}\n".encode() if text else b"")
        return status

    async def _welcome(self, streams: ChannelStreams) -> int:
        text = await self._edge.welcome(self._edge.gate.session(self._caller))
        await streams.write(text.encode())
        return 0

    async def _run_command(self, command: str, streams: ChannelStreams) -> int:
        words = _split(command, longest_bytes=self._edge.settings.limits.command_bytes)
        scp = self._edge.doors.scp
        if scp is not None and words[0] == "scp" and any(map(_SCP_END.fullmatch, words)):
            return await self._open(scp, words)
        return await self._edge.run_command(self._edge.gate.session(self._caller), words, streams)

    async def _open(self, door: Door, words: Sequence[str]) -> int:
        return await door(self._edge.gate.session(self._caller), self._pipes, words)


def _split(command: str, *, longest_bytes: int) -> list[str]:
    """The words of a command line, as a POSIX shell would split them; nothing is expanded."""
    size = len(command.encode())
    if size > longest_bytes:
        raise UsageError(f"the command line has {size} bytes", why=f"the limit is {longest_bytes}")
    try:
        return shlex.split(command)
    except ValueError as error:
        raise UsageError(
            "the command line cannot be split into words",
            why=f"{error}; it arrived as: {command[:_SHOWN_COMMAND]}",
            hint="ssh joins its arguments with spaces: quote twice, e.g. ssh HOST \"submit --note 'it works'\"",
        ) from error
