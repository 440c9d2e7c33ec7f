"""One channel on the wire: limits on what a client may set before its session starts, and prompt closing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable

import asyncssh
from asyncssh.constants import MSG_CHANNEL_CLOSE
from asyncssh.packet import SSHPacket

from tovi_server.receivers.ssh_connection import Connection

_ALLOWED = re.compile(rb"LANG|LC_[A-Z]{1,20}|TERM|COLORTERM|NO_COLOR|TZ")


class Channel(asyncssh.SSHServerChannel[bytes]):
    """Holds at most `environment_bytes` of allowed variables; ends its session as soon as the client closes it."""

    def __init__(self, connection: Connection, *, window: int, environment_bytes: int) -> None:
        self._connection = connection
        super().__init__(
            connection,
            asyncio.get_running_loop(),
            allow_pty=True,
            line_editor=False,
            line_echo=False,
            line_history=0,
            max_line_length=0,
            encoding=None,
            errors="strict",
            window=window,
            max_pktsize=32768,
        )
        self._environment_left = environment_bytes
        self._unread = False

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> bool | Awaitable[None]:
        """A close takes effect at once: the library waits until somebody has read what the client sent before."""
        result = super().process_packet(pkttype, pktid, packet)
        if pkttype == MSG_CHANNEL_CLOSE:
            self.abort()
        return result

    def write(self, data: bytes, datatype: int | None = None) -> None:
        """As writing to a pipe: BrokenPipeError once nobody reads the standard output any more."""
        if self._unread and datatype is None:
            raise BrokenPipeError("the client closed its standard output")
        super().write(data, datatype)

    @property
    def backlog_bytes(self) -> int:
        """Written here and not yet known to have reached the client."""
        return self.get_write_buffer_size() + self._connection.backlog_bytes

    def _pause_resume_writing(self) -> None:
        """Private: the library looks at the channel's own buffer alone, which a client with a large window empties."""
        if not self._connection.is_full:
            super()._pause_resume_writing()
        elif not self._send_paused and self._session is not None:
            self._send_paused = True
            self._session.pause_writing()

    def log_sent_packet(self, *_: object, **__: object) -> None:
        """Not logged; see `quiet`."""

    log_received_packet = log_sent_packet

    def _process_eow_at_openssh_dot_com_request(self, packet: SSHPacket) -> bool:
        """`ssh HOST logs -f 12 | head -1`: found by its name. Without it the log would be sent to nobody for ever."""
        packet.check_end()
        self._unread = True
        return True

    def _process_env_request(self, packet: SSHPacket) -> bool:
        """Private in the library, which would keep any number of variables of any size."""
        name = packet.get_string()
        value = packet.get_string()
        packet.check_end()
        self._environment_left -= len(name) + len(value)
        if self._environment_left < 0 or not _ALLOWED.fullmatch(name):
            return False
        self._env[name] = value
        return True
