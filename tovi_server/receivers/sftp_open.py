"""Opening files for an SFTP client."""

from __future__ import annotations

import errno
from typing import Final

from tovi_server.files.tree import Tree
from tovi_server.receivers import sftp_upload
from tovi_server.receivers.sftp_attributes import Wanted
from tovi_server.receivers.sftp_file import OpenFile, Reading, Updating
from tovi_server.receivers.sftp_rewrite import Rewriting
from tovi_server.receivers.sftp_upload import Uploading

READ: Final = 0x01
WRITE: Final = 0x02
APPEND: Final = 0x04
CREATE: Final = 0x08
TRUNCATE: Final = 0x10
EXCLUSIVE: Final = 0x20

_DEFAULT_MODE: Final = 0o644


def open_file(tree: Tree, path: bytes, flags: int, wanted: Wanted) -> OpenFile:
    """As the flags say: a new content is an upload, whole when it is closed; a change happens in the file's place."""
    if not flags & WRITE:
        return Reading(tree, path, tree.open_read(path))
    if path.endswith(b"/"):
        raise IsADirectoryError(errno.EISDIR, "a name that ends in / is a folder's")
    mode = _DEFAULT_MODE if wanted.mode is None else wanted.mode
    if flags & CREATE and flags & EXCLUSIVE:
        return sftp_upload.begin(tree, path, mode, exclusive=True)
    if not flags & TRUNCATE:
        return _keep(tree, path, flags, mode)
    if not flags & CREATE:
        tree.stat(path)
    return sftp_upload.begin(tree, path, mode)


def _keep(tree: Tree, path: bytes, flags: int, mode: int) -> OpenFile:
    """What is there stays to begin with: a whole file, or what an earlier upload left."""
    try:
        fd = tree.open_update(path)
    except FileNotFoundError:
        return _keep_part(tree, path, flags, mode)
    if flags & CREATE and not flags & APPEND:
        return Rewriting(tree, path, fd)
    return Updating(tree, path, fd, append=bool(flags & APPEND))


def _keep_part(tree: Tree, path: bytes, flags: int, mode: int) -> OpenFile:
    if flags & CREATE and not flags & APPEND:
        return sftp_upload.begin_or_resume(tree, path, mode)
    if not flags & CREATE:
        tree.stat(path)
    return Uploading(path, tree.upload(path, resume=True, mode=mode), append=bool(flags & APPEND))
