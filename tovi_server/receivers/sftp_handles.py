"""The handles of one SFTP session: the names by which a client speaks of what it has open."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from tovi_server.files import names
from tovi_server.files.attributes import Attributes
from tovi_server.receivers.sftp_file import OpenFile
from tovi_server.receivers.sftp_packets import uint32
from tovi_server.receivers.sftp_rewrite import Rewriting
from tovi_server.receivers.sftp_upload import Uploading

Folder = Iterator[tuple[bytes, Attributes]]


class Handles:
    """Numbers are never used again, so a late request cannot meet the wrong file."""

    def __init__(self) -> None:
        self.most = 0
        """How many may be open at once; set by who counts them over all sessions of a user."""
        self._last = 0
        self._files: dict[bytes, OpenFile] = {}
        self._folders: dict[bytes, Folder] = {}

    def __len__(self) -> int:
        return len(self._files) + len(self._folders)

    def need_room(self) -> None:
        """Raises EMFILE when nothing more can be opened; to be asked first."""
        if len(self) >= self.most:
            raise OSError(errno.EMFILE, "you have too many files open at once")

    def add_file(self, file: OpenFile) -> bytes:
        handle = self._new()
        self._files[handle] = file
        return handle

    def add_folder(self, folder: Folder) -> bytes:
        handle = self._new()
        self._folders[handle] = folder
        return handle

    def file(self, handle: bytes) -> OpenFile:
        try:
            return self._files[handle]
        except KeyError:
            raise _unknown() from None

    def folder(self, handle: bytes) -> Folder:
        try:
            return self._folders[handle]
        except KeyError:
            raise _unknown() from None

    def close(self, handle: bytes) -> Iterator[None]:
        """As the client asks for, in steps; the handle is gone at once."""
        if self._folders.pop(handle, None) is not None:
            return iter(())
        file = self.file(handle)
        del self._files[handle]
        return file.finish()

    def upload_to(self, path: bytes) -> Uploading | Rewriting | None:
        """What this client is sending to there: to the client it is the file already."""
        sent = [file for file in self._files.values() if isinstance(file, Uploading | Rewriting)]
        if not sent:
            return None
        place = names.split(path)
        return next((file for file in sent if file.place == place), None)

    def abandon(self) -> None:
        """The client is gone."""
        self._folders.clear()
        while self._files:
            _, file = self._files.popitem()
            with contextlib.suppress(OSError):
                file.abandon()

    def _new(self) -> bytes:
        self._last += 1
        return uint32(self._last)


def _unknown() -> OSError:
    return OSError(errno.EBADF, "there is no such handle")
