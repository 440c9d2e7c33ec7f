"""SFTP requests that OpenSSH added: https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL, section 4."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from typing import Final

from tovi_server.files.tree import Tree
from tovi_server.receivers import sftp_packets
from tovi_server.receivers.sftp_file import OpenFile
from tovi_server.receivers.sftp_files import Handler
from tovi_server.receivers.sftp_handles import Handles
from tovi_server.receivers.sftp_packets import LONGEST_DATA, LONGEST_PACKET, Fields, Reply, uint64
from tovi_server.receivers.sftp_status import Status, status

OFFERED: Final = (
    (b"posix-rename@openssh.com", b"1"),
    (b"statvfs@openssh.com", b"2"),
    (b"hardlink@openssh.com", b"1"),
    (b"fsync@openssh.com", b"1"),
    (b"lsetstat@openssh.com", b"1"),
    (b"limits@openssh.com", b"1"),
    (b"copy-data", b"1"),
)

_NO_SUID: Final = 2


class Extensions:
    """Those of `OFFERED`; `lset` is the same as setting a path's attributes here."""

    def __init__(self, tree: Tree, handles: Handles, *, most_handles: int, lset: Handler) -> None:
        self._tree = tree
        self._handles = handles
        self._most_handles = most_handles
        self._lset = lset

    def handlers(self) -> Mapping[bytes, Handler]:
        return {
            b"posix-rename@openssh.com": self._rename,
            b"statvfs@openssh.com": self._statvfs,
            b"hardlink@openssh.com": self._link,
            b"fsync@openssh.com": self._fsync,
            b"lsetstat@openssh.com": self._lset,
            b"limits@openssh.com": self._limits,
            b"copy-data": self._copy,
        }

    def _rename(self, request_id: int, fields: Fields) -> bytes:
        old, new = fields.string(), fields.string()
        self._tree.rename(old, new, replace=True)
        return status(request_id, Status.OK)

    def _link(self, request_id: int, fields: Fields) -> bytes:
        old, new = fields.string(), fields.string()
        self._tree.link(old, new)
        return status(request_id, Status.OK)

    def _fsync(self, request_id: int, fields: Fields) -> bytes:
        os.fsync(self._handles.file(fields.string()).fd)
        return status(request_id, Status.OK)

    def _statvfs(self, request_id: int, fields: Fields) -> bytes:
        found = self._tree.statvfs(fields.string())
        told = (
            *(found.f_bsize, found.f_frsize, found.f_blocks, found.f_bfree, found.f_bavail),
            *(found.f_files, found.f_ffree, found.f_favail, 0, _NO_SUID, found.f_namemax),
        )
        return sftp_packets.reply(Reply.EXTENDED, request_id, b"".join(map(uint64, told)))

    def _limits(self, request_id: int, _: Fields) -> bytes:
        told = (LONGEST_PACKET, LONGEST_DATA, LONGEST_DATA, self._most_handles)
        return sftp_packets.reply(Reply.EXTENDED, request_id, b"".join(map(uint64, told)))

    def _copy(self, request_id: int, fields: Fields) -> Iterator[bytes]:
        source, offset, length = self._handles.file(fields.string()), fields.uint64(), fields.uint64()
        target, target_offset = self._handles.file(fields.string()), fields.uint64()
        if os.path.samestat(os.fstat(source.fd), os.fstat(target.fd)):
            raise OSError(errno.EINVAL, "a file is not copied into itself")
        return _copied(request_id, source, offset, length, target, target_offset)


def _copied(
    request_id: int, source: OpenFile, offset: int, length: int, target: OpenFile, target_offset: int
) -> Iterator[bytes]:
    """No length: to the end."""
    left = length or source.attributes().size
    with memoryview(bytearray(LONGEST_DATA)) as place:
        while left > 0 and (size := source.read(offset, place[:left])):
            target.write(target_offset, place[:size])
            offset, target_offset, left = offset + size, target_offset + size, left - size
            yield b""
    yield status(request_id, Status.OK)
