"""One SFTP session: requests in, replies out, in their order. All of it blocks, and so happens in a thread."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from tovi_server.core.safe import safe_line
from tovi_server.files.tree import Tree
from tovi_server.receivers import explain, sftp_extensions, sftp_packets, sftp_status
from tovi_server.receivers.sftp_extensions import Extensions
from tovi_server.receivers.sftp_files import Answer, FileRequests
from tovi_server.receivers.sftp_handles import Handles
from tovi_server.receivers.sftp_packets import BadPacketError, Fields, Request
from tovi_server.receivers.sftp_paths import PathRequests
from tovi_server.receivers.sftp_status import Status

_TURN_BYTES: Final = 256 * 1024
"""Taken and given in one turn, more or less: what one session may hold in memory, and others wait for."""
_MOST_NOTICES: Final = 20


class SftpSession:
    """Not for several threads at once."""

    def __init__(self, tree: Tree, *, most_handles: int) -> None:
        """`most_handles` are told to the client; how many it really gets is for who counts over all its sessions."""
        self.handles = Handles()
        files, paths = FileRequests(tree, self.handles), PathRequests(tree, self.handles)
        self._handlers = {**files.handlers(), **paths.handlers()}
        self._extensions = Extensions(tree, self.handles, most_handles=most_handles, lset=paths.set).handlers()
        self._waiting: deque[memoryview] = deque()
        self._long: Iterator[bytes] | None = None
        self._greeted = False
        self._noticed: dict[str, None] = {}
        self._told = 0

    def add(self, packets: Iterable[memoryview]) -> None:
        """Requests to be answered after those that wait."""
        self._waiting.extend(packets)

    @property
    def has_work(self) -> bool:
        return self._long is not None or bool(self._waiting)

    @property
    def may_open(self) -> int:
        """How many handles there may be after all that waits."""
        return len(self.handles) + sum(packet[0] in (Request.OPEN, Request.OPENDIR) for packet in self._waiting)

    def work(self) -> bytes | bytearray:
        """Answer the next requests, until a turn is over; all replies together.

        Raises:
            BadPacketError: the client does not speak this protocol.
        """
        replies: list[bytes | bytearray] = []
        moved = 0
        while moved < _TURN_BYTES and self.has_work:
            size = len(self._waiting[0]) if self._long is None else sftp_packets.LONGEST_DATA
            replies.append(self._step())
            moved += size + len(replies[-1])
        return replies[0] if len(replies) == 1 else b"".join(replies)

    def notices(self) -> list[str]:
        """Lines for the person, since their client shows only codes; each once, and not too many."""
        new = list(self._noticed)[self._told : _MOST_NOTICES]
        self._told += len(new)
        return new

    def close(self) -> None:
        """The client is gone: what it did not close was not finished."""
        self._long = None
        self.handles.abandon()

    def _step(self) -> bytes | bytearray:
        if self._long is None:
            return self._begin(self._waiting.popleft())
        return self._go_on(self._long)

    def _begin(self, packet: memoryview) -> bytes | bytearray:
        fields = Fields(packet)
        kind = fields.byte()
        if not self._greeted:
            return self._greet(kind, fields)
        request_id = fields.uint32()
        try:
            answer = self._answer(kind, request_id, fields)
        except BadPacketError as error:
            return sftp_status.status(request_id, Status.BAD_MESSAGE, str(error))
        except OSError as error:
            return self._refuse(request_id, error)
        if isinstance(answer, bytes | bytearray):
            return answer
        self._long, self._long_id = answer, request_id
        return self._go_on(answer)  # at once: what never began could not clean up after itself

    def _go_on(self, long: Iterator[bytes]) -> bytes:
        try:
            reply = next(long)
        except OSError as error:
            reply = self._refuse(self._long_id, error)
        if reply:
            self._long = None
        return reply

    def _greet(self, kind: int, fields: Fields) -> bytes:
        if kind != Request.INIT or fields.uint32() < sftp_packets.VERSION:
            raise BadPacketError("SFTP begins with INIT, of version 3 or later")
        self._greeted = True
        return sftp_packets.version(sftp_extensions.OFFERED)

    def _answer(self, kind: int, request_id: int, fields: Fields) -> Answer:
        is_extended = kind == Request.EXTENDED
        handler = self._extensions.get(fields.string()) if is_extended else self._handlers.get(kind)
        if handler is None:
            raise OSError(errno.EOPNOTSUPP, "this server has no such request")
        return handler(request_id, fields)

    def _refuse(self, request_id: int, error: OSError) -> bytes:
        explanation = explain.explanation(error)
        if explanation is not None:
            self._noticed.setdefault(safe_line(explanation))
        return sftp_status.of_error(request_id, error)
