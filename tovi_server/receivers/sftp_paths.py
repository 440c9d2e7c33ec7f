"""SFTP requests about paths."""

from __future__ import annotations

from collections.abc import Mapping

from tovi_server.files import names
from tovi_server.files.attributes import Attributes
from tovi_server.files.tree import Tree
from tovi_server.receivers import sftp_attributes, sftp_packets
from tovi_server.receivers.sftp_attributes import Wanted
from tovi_server.receivers.sftp_files import Handler
from tovi_server.receivers.sftp_handles import Handles
from tovi_server.receivers.sftp_packets import Fields, Reply, Request
from tovi_server.receivers.sftp_status import Status, status


class PathRequests:
    """All start at the top of the caller's tree."""

    def __init__(self, tree: Tree, handles: Handles) -> None:
        self._tree = tree
        self._handles = handles

    def handlers(self) -> Mapping[int, Handler]:
        return {
            Request.STAT: self._stat,
            Request.LSTAT: self._lstat,
            Request.SETSTAT: self.set,
            Request.REMOVE: self._remove,
            Request.MKDIR: self._mkdir,
            Request.RMDIR: self._rmdir,
            Request.REALPATH: self._realpath,
            Request.RENAME: self._rename,
            Request.READLINK: self._readlink,
            Request.SYMLINK: self._symlink,
        }

    def set(self, request_id: int, fields: Fields) -> bytes:
        """Also of links: what a link leads to is not changed through it."""
        path, wanted = fields.string(), sftp_attributes.read(fields)
        sftp_attributes.need_no_owner(wanted)
        upload = self._handles.upload_to(path)
        if upload is not None:
            upload.set(wanted)
        elif wanted != Wanted():
            self._tree.set_attributes(path, mode=wanted.mode, times=wanted.times, size=wanted.size)
        return status(request_id, Status.OK)

    def _stat(self, request_id: int, fields: Fields) -> bytes:
        path = fields.string()
        return _attributes(request_id, self._uploaded(path) or self._tree.stat(path))

    def _lstat(self, request_id: int, fields: Fields) -> bytes:
        path = fields.string()
        return _attributes(request_id, self._uploaded(path) or self._tree.lstat(path))

    def _uploaded(self, path: bytes) -> Attributes | None:
        upload = self._handles.upload_to(path)
        return None if upload is None else upload.attributes()

    def _remove(self, request_id: int, fields: Fields) -> bytes:
        self._tree.remove(fields.string())
        return status(request_id, Status.OK)

    def _mkdir(self, request_id: int, fields: Fields) -> bytes:
        path, wanted = fields.string(), sftp_attributes.read(fields)
        if wanted.mode is None:
            self._tree.mkdir(path)
        else:
            self._tree.mkdir(path, wanted.mode)
        return status(request_id, Status.OK)

    def _rmdir(self, request_id: int, fields: Fields) -> bytes:
        self._tree.rmdir(fields.string())
        return status(request_id, Status.OK)

    def _realpath(self, request_id: int, fields: Fields) -> bytes:
        return _name(request_id, b"/" + b"/".join(names.split(fields.string())))

    def _rename(self, request_id: int, fields: Fields) -> bytes:
        old, new = fields.string(), fields.string()
        self._tree.rename(old, new, replace=False)
        return status(request_id, Status.OK)

    def _readlink(self, request_id: int, fields: Fields) -> bytes:
        return _name(request_id, self._tree.readlink(fields.string()))

    def _symlink(self, request_id: int, fields: Fields) -> bytes:
        """The fields are in the order of OpenSSH, which every client expects by now, not in that of the draft."""
        target, path = fields.string(), fields.string()
        self._tree.symlink(target, path)
        return status(request_id, Status.OK)


def _attributes(request_id: int, found: Attributes) -> bytes:
    return sftp_packets.reply(Reply.ATTRS, request_id, sftp_attributes.encode(found))


def _name(request_id: int, path: bytes) -> bytes:
    return sftp_packets.reply(Reply.NAME, request_id, sftp_packets.uint32(1) + sftp_attributes.bare_name(path))
