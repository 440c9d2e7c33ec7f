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

_ASK_EVERY_BYTES = 4096
_MOST_ON_ITS_WAY = 32 * 1024
"""A large picture, and less than a second on a slow line."""


class Channel(asyncssh.SSHServerChannel[bytes]):
    """Holds at most `environment_bytes` of allowed variables; ends its session as soon as the client closes it."""

    def __init__(self, connection: Connection, *, window: int, environment_bytes: int) -> None:
        self._connection = connection
        self._is_followed = False
        self._written = self._asked = self._arrived = 0
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
        if self._is_followed:
            self._ask_how_far(len(data))

    def follow_closely(self) -> None:
        """From now on hold up who writes while much is on its way, wherever: buffers on a slow line hold seconds."""
        self._is_followed = True

    @property
    def backlog_bytes(self) -> int:
        """Written here and not yet known to have reached the client, for a channel that is followed closely."""
        return self.get_write_buffer_size() + self._asked - self._arrived

    def _ask_how_far(self, size: int) -> None:
        self._written += size
        sent = self._written - self.get_write_buffer_size()
        if sent - self._asked >= _ASK_EVERY_BYTES:
            self._asked = sent
            self._connection.ask_how_far(lambda: self._heard(sent))
        self._pause_resume_writing()

    def _heard(self, arrived: int) -> None:
        self._arrived = arrived
        if self._session is not None:
            self._pause_resume_writing()

    def _pause_resume_writing(self) -> None:
        """Private: the library looks at the channel's own buffer alone, which a client with a large window empties."""
        if not self._connection.is_full and self.backlog_bytes <= _MOST_ON_ITS_WAY:
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
