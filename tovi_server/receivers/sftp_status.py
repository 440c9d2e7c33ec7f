"""How an SFTP request ended: the few codes of version 3, and words that say why."""

from __future__ import annotations

import errno
from enum import IntEnum
from typing import Final

from tovi_server.receivers import sftp_packets
from tovi_server.receivers.sftp_packets import Reply


class Status(IntEnum):
    """As on the wire."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    OP_UNSUPPORTED = 8


_BY_ERRNO: Final = {
    errno.ENOENT: Status.NO_SUCH_FILE,
    errno.ENOTDIR: Status.NO_SUCH_FILE,
    errno.EACCES: Status.PERMISSION_DENIED,
    errno.EPERM: Status.PERMISSION_DENIED,
    errno.EROFS: Status.PERMISSION_DENIED,
    errno.ENOSYS: Status.OP_UNSUPPORTED,
    errno.EOPNOTSUPP: Status.OP_UNSUPPORTED,
}


def status(request_id: int, code: Status, text: str = "") -> bytes:
    """A whole reply."""
    body = sftp_packets.uint32(code) + sftp_packets.string(text.encode(errors="replace")) + sftp_packets.string(b"en")
    return sftp_packets.reply(Reply.STATUS, request_id, body)


def of_error(request_id: int, error: OSError) -> bytes:
    """What an operation that failed answers."""
    return status(request_id, _BY_ERRNO.get(error.errno or 0, Status.FAILURE), error.strerror or str(error))
