"""SFTP requests about what is open."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tovi_server.files.tree import Tree
from tovi_server.receivers import sftp_attributes, sftp_open, sftp_packets
from tovi_server.receivers.sftp_handles import Handles
from tovi_server.receivers.sftp_packets import LONGEST_DATA, Fields, Reply, Request
from tovi_server.receivers.sftp_status import Status, status

Answer = bytes | bytearray | Iterator[bytes]
"""A whole reply; or, of something long, pieces to be asked for one after the other, all empty but the last."""
Handler = Callable[[int, Fields], Answer]

_NAMES_AT_ONCE: Final = 128


class FileRequests:
    """Those that name a handle, and those that give one."""

    def __init__(self, tree: Tree, handles: Handles) -> None:
        self._tree = tree
        self._handles = handles

    def handlers(self) -> Mapping[int, Handler]:
        return {
            Request.OPEN: self._open,
            Request.CLOSE: self._close,
            Request.READ: self._read,
            Request.WRITE: self._write,
            Request.FSTAT: self._stat,
            Request.FSETSTAT: self._set,
            Request.OPENDIR: self._open_folder,
            Request.READDIR: self._list,
        }

    def _open(self, request_id: int, fields: Fields) -> bytes:
        path, flags, wanted = fields.string(), fields.uint32(), sftp_attributes.read(fields)
        self._handles.need_room()
        handle = self._handles.add_file(sftp_open.open_file(self._tree, path, flags, wanted))
        return sftp_packets.reply(Reply.HANDLE, request_id, sftp_packets.string(handle))

    def _close(self, request_id: int, fields: Fields) -> Iterator[bytes]:
        return _closed(request_id, self._handles.close(fields.string()))

    def _read(self, request_id: int, fields: Fields) -> bytes | bytearray:
        handle, offset, size = fields.string(), fields.uint64(), fields.uint32()
        file = self._handles.file(handle)
        reply = sftp_packets.data(request_id, min(size, LONGEST_DATA), lambda place: file.read(offset, place))
        return reply or status(request_id, Status.EOF, "end of file")

    def _write(self, request_id: int, fields: Fields) -> bytes:
        handle, offset, data = fields.string(), fields.uint64(), fields.view()
        self._handles.file(handle).write(offset, data)
        return status(request_id, Status.OK)

    def _stat(self, request_id: int, fields: Fields) -> bytes:
        found = self._handles.file(fields.string()).attributes()
        return sftp_packets.reply(Reply.ATTRS, request_id, sftp_attributes.encode(found))

    def _set(self, request_id: int, fields: Fields) -> bytes:
        file, wanted = self._handles.file(fields.string()), sftp_attributes.read(fields)
        sftp_attributes.need_no_owner(wanted)
        file.set(wanted)
        return status(request_id, Status.OK)

    def _open_folder(self, request_id: int, fields: Fields) -> bytes:
        path = fields.string()
        self._handles.need_room()
        handle = self._handles.add_folder(self._tree.list(path))
        return sftp_packets.reply(Reply.HANDLE, request_id, sftp_packets.string(handle))

    def _list(self, request_id: int, fields: Fields) -> bytes:
        folder = self._handles.folder(fields.string())
        entries = [sftp_attributes.entry(*found) for found in itertools.islice(folder, _NAMES_AT_ONCE)]
        if not entries:
            return status(request_id, Status.EOF, "no more names")
        return sftp_packets.reply(Reply.NAME, request_id, sftp_packets.uint32(len(entries)) + b"".join(entries))


def _closed(request_id: int, steps: Iterator[None]) -> Iterator[bytes]:
    for _ in steps:
        yield b""
    yield status(request_id, Status.OK)
