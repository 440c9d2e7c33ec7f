"""One SSH connection on the wire: asyncssh's, with what it lacks and without what it wastes.

This file and `ssh_channel` are the only ones that know the library's inside. What is overridden is public in
it unless a comment says otherwise.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import asyncssh
import structlog
from asyncssh.constants import MSG_IGNORE, MSG_KEXINIT
from asyncssh.logging import SSHLogger
from asyncssh.packet import SSHPacket, SSHPacketLogger

from tovi_server.receivers.frequency import Frequency
from tovi_server.receivers.quiet import QUIET
from tovi_server.receivers.settings import Limits

if TYPE_CHECKING:
    from asyncssh.misc import OptExcInfo

log = structlog.get_logger(__name__)

_PROMPT_READS = 16
"""Reads after which a login is over; until then acknowledgements are sent at once."""
_WRITE_BUFFER_BYTES = 4 << 20
"""Above what the windows of ordinary channels let through: more is a peer that asks without reading."""
_MOST_UNSENT_BYTES = 256 * 1024
"""Collected within one turn of the loop; what goes on in that turn has to meet the transport's limit too."""
_MOST_DEFERRED = 1024
"""Packets that wait for new keys. All channels together have fewer when they are held up."""
_KNOWS_GCM = re.compile(rb"SSH-2\.0-OpenSSH_(6\.[2-9]|[7-9]|[1-9][0-9])")
_TCP_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class Connection(asyncssh.SSHServerConnection):
    """Adds deadlines, a cap on what strangers may send, prompt acknowledgements and our own log."""

    def __init__(
        self,
        options: asyncssh.SSHServerConnectionOptions,
        *,
        login: asyncssh.SSHServer,
        limits: Limits,
        allowed_signatures: frozenset[bytes],
    ) -> None:
        super().__init__(asyncio.get_running_loop(), options)
        self._protocol_factory = lambda: login  # private: the options that all connections share hold one for all
        self._logger = QUIET  # private: made in the constructor above, a few KiB for each connection and channel
        self._limits = limits
        self._allowed_signatures = allowed_signatures
        self._strange_bytes = 0
        self._reads = 0
        self._socket: socket.socket | None = None
        self._banner_timer: asyncio.TimerHandle | None = None
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self.proven_key: bytes | None = None
        """The public key whose signature was verified last; the only basis of an identity."""
        self._is_unread = False
        self._rekeying = Frequency(limits.rekeys_per_minute, window_s=60)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        self._socket = transport.get_extra_info("socket")
        self._acknowledge_now()
        self._banner_timer = asyncio.get_running_loop().call_later(
            self._limits.banner_timeout.total_seconds(), self._banner_missing
        )
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None = None) -> None:
        self._stop_banner_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        if self._reads < _PROMPT_READS:
            self._reads += 1
            self._acknowledge_now()
        if self.proven_key is None:
            self._watch_stranger(len(data))
        super().data_received(data, datatype)
        if self._banner_timer is not None and self.get_extra_info("client_version"):
            self._stop_banner_timer()

    @property
    def is_full(self) -> bool:
        """Whether what is sent waits: for the peer to read, or for new keys, which the peer may never agree to."""
        return self._is_unread or not self._kex_complete

    def pause_writing(self) -> None:
        """The peer does not read: stop listening to it, and hold up who writes to it, so that nothing piles up."""
        self._is_unread = True
        if self._transport is not None:
            self._transport.pause_reading()
        self._tell_channels()

    def resume_writing(self) -> None:
        self._is_unread = False
        if self._transport is not None:
            self._transport.resume_reading()
        self._tell_channels()

    def _tell_channels(self) -> None:
        """Private, as is what `Channel` makes of it: the library does not know of full connections."""
        for channel in list(self._channels.values()):
            channel._pause_resume_writing()

    def ask_how_far(self, heard: Callable[[], None]) -> None:
        """Call `heard` once the peer has got all that was sent before, or is gone. Asked as keepalives are."""
        answer = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda _: heard())
        self._global_request_waiters.append(answer)  # private: the public way is a task for each question
        self._send_global_request(b"keepalive@openssh.com", want_reply=True)

    async def reload_config(self) -> None:
        """Nothing to reload: the library would build all options anew, in a thread, for each login."""

    async def validate_public_key(self, username: str, key_data: bytes, msg: bytes, signature: bytes) -> bool:
        """Remember which key was proven, and refuse SHA-1, which the library accepts from a client that insists."""
        if msg and _algorithm_of(signature) not in self._allowed_signatures:
            return False
        valid = await super().validate_public_key(username, key_data, msg, signature)
        if valid and msg:
            self.proven_key = key_data
        return valid

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> bool | Awaitable[None]:
        """The library lets a client exchange keys as often as it likes, which is the dearest thing it can ask for."""
        is_asked = pkttype == MSG_KEXINIT and not self._kexinit_sent  # private: else it answers ours
        if is_asked and not self._rekeying.allows(asyncio.get_running_loop().time()):
            raise asyncssh.ProtocolError("keys are exchanged too often: ask for it less, e.g. without RekeyLimit")
        return super().process_packet(pkttype, pktid, packet)

    def internal_error(self, exc_info: OptExcInfo | None = None, error_logger: SSHLogger | None = None) -> None:
        """A bug met on one connection: it ends, the others do not notice."""
        log.error("connection_crashed", peer=self.get_extra_info("peername"), exc_info=exc_info or True)
        super().internal_error(exc_info, error_logger)

    def send_packet(self, pkttype: int, *args: bytes, handler: SSHPacketLogger | None = None) -> None:
        """Without the empty packet that the library sends before each: it guards CBC, which is not offered."""
        if pkttype == MSG_IGNORE:
            return
        super().send_packet(pkttype, *args, handler=handler)
        if len(self._deferred_packets) > _MOST_DEFERRED:
            self.abort()

    def log_sent_packet(self, *_: object, **__: object) -> None:
        """Not logged; see `quiet`."""

    log_received_packet = log_sent_packet

    def _send(self, data: bytes) -> None:
        """Private: the library makes a system call for each packet. What one turn of the loop sends goes out as one."""
        if self._transport is None:
            return
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush, self._transport)
        self._unsent.append(data)
        self._unsent_bytes += len(data)
        if self._unsent_bytes > _MOST_UNSENT_BYTES:
            self._flush(self._transport)

    def _flush(self, transport: asyncio.Transport) -> None:
        if self._unsent:
            data, self._unsent, self._unsent_bytes = self._unsent, [], 0
            transport.write(b"".join(data))

    def _send_kexinit(self) -> None:
        """Private: OpenSSH's clients prefer AES-CTR to the faster AES-GCM; all of the last decade know GCM."""
        if _KNOWS_GCM.match(self._client_version):
            self._enc_algs = [name for name in self._enc_algs if b"gcm" in name]
        super()._send_kexinit()
        self._tell_channels()

    def _send_deferred_packets(self) -> None:
        """Private: new keys are there."""
        super()._send_deferred_packets()
        self._tell_channels()

    def _watch_stranger(self, size: int) -> None:
        self._strange_bytes += size
        if self._strange_bytes > self._limits.login_bytes:
            self.abort()

    def _banner_missing(self) -> None:
        self._banner_timer = None
        self.abort()

    def _stop_banner_timer(self) -> None:
        if self._banner_timer is not None:
            self._banner_timer.cancel()
            self._banner_timer = None

    def _acknowledge_now(self) -> None:
        """Linux falls back to delayed acknowledgements (about 40 ms a step of a login) unless told each time."""
        if _TCP_QUICKACK is not None and self._socket is not None and self._socket.family != socket.AF_UNIX:
            self._socket.setsockopt(socket.IPPROTO_TCP, _TCP_QUICKACK, 1)


def _algorithm_of(signature: bytes) -> bytes:
    """The name at the start of an SSH signature; empty when there is none."""
    length = int.from_bytes(signature[:4], "big")
    return signature[4 : 4 + length]
