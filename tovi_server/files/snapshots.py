"""Frozen code: a manifest of what lies where, named by its hash, and laid out as read-only files when first needed."""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tovi_server.files import datadir, durable
from tovi_server.files.copying import copy_content
from tovi_server.files.datadir import DataDir
from tovi_server.files.modes import FOLDER
from tovi_server.files.objects import Batch, open_object
from tovi_server.files.removing import remove_tree

NEW_TREE: Final = ".new-"
"""Names of trees that are not whole yet begin so."""

_FOLDER_MODE: Final = 0o2550
_FILE_MODE: Final = 0o440
_PROGRAM_MODE: Final = 0o550
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One thing in a snapshot: a file has a `hash`, a link a `target`, an empty folder neither.

    Bytes of a path that are no UTF-8 are surrogates, as Python has them.
    """

    path: str
    size: int = 0
    hash: str | None = None
    executable: bool = False
    target: str | None = None


def to_manifest(entries: Iterable[Entry]) -> bytes:
    """The one text for these entries: the same contents give the same bytes, in whichever order they came."""
    rows = [_to_row(entry) for entry in sorted(entries, key=lambda entry: entry.path)]
    return json.dumps({"version": 1, "entries": rows}, sort_keys=True, separators=(",", ":")).encode()


def _to_row(entry: Entry) -> dict[str, str | int | bool]:
    if entry.hash is not None:
        return {"path": entry.path, "size": entry.size, "hash": entry.hash, "executable": entry.executable}
    if entry.target is not None:
        return {"path": entry.path, "target": entry.target}
    return {"path": entry.path}


def from_manifest(text: bytes) -> tuple[Entry, ...]:
    """What `to_manifest` wrote."""
    return tuple(Entry(**row) for row in json.loads(text)["entries"])


def keep(batch: Batch, entries: Iterable[Entry]) -> str:
    """Add the manifest to a batch; the name of the snapshot."""
    return batch.add(to_manifest(entries))


def manifest_text(data: DataDir, project: str, snapshot: str) -> bytes:
    """Raises:
    FileNotFoundError: the project has no such snapshot.
    """
    with open(open_object(data, project, snapshot), "rb") as file:
        return file.read()


def tree_path(project: str, snapshot: str) -> str:
    """Where a snapshot is laid out, relative to the data directory."""
    return f"{datadir.project_path(project)}/trees/{snapshot}"


def lay_out(data: DataDir, project: str, snapshot: str) -> None:
    """Lay a snapshot out, unless it is. Several may do it at once: the first who is done counts.

    The files are copies: a job without a uid of its own could make them writable, and must not reach the objects.
    """
    if data.exists(tree_path(project, snapshot)):
        return
    entries = from_manifest(manifest_text(data, project, snapshot))
    with data.folder(f"{datadir.project_path(project)}/trees") as trees:
        new = f"{NEW_TREE}{secrets.token_hex(8)}"
        try:
            _build(data, project, f"{datadir.project_path(project)}/trees/{new}", entries)
            os.rename(new, snapshot, src_dir_fd=trees, dst_dir_fd=trees)
            durable.flush(".", trees)
        except OSError as error:
            remove_tree(trees, new)
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise


def _build(data: DataDir, project: str, path: str, entries: Iterable[Entry]) -> None:
    data.make_folder(path, FOLDER)
    with data.folder(path) as top:
        folders = [""]
        for entry in entries:
            folders += _make_folders(top, entry)
            _make(data, project, top, entry)
        for folder in reversed(folders):
            os.chmod(folder or ".", _FOLDER_MODE, dir_fd=top)
        durable.flush_file_system(top)


def _make_folders(top: int, entry: Entry) -> list[str]:
    """The folders on the way to an entry that are new, outer ones first."""
    is_folder = entry.hash is None and entry.target is None
    names = entry.path.split("/") if is_folder else entry.path.split("/")[:-1]
    made = []
    for depth in range(1, len(names) + 1):
        folder = "/".join(names[:depth])
        try:
            os.mkdir(folder, 0o750, dir_fd=top)
        except FileExistsError:
            continue
        made.append(folder)
    return made


def _make(data: DataDir, project: str, top: int, entry: Entry) -> None:
    if entry.target is not None:
        os.symlink(entry.target, entry.path, dir_fd=top)
    elif entry.hash is not None:
        content = open_object(data, project, entry.hash)
        try:
            new = os.open(entry.path, _NEW, 0o600, dir_fd=top)
            try:
                copy_content(content, new)
                os.fchmod(new, _PROGRAM_MODE if entry.executable else _FILE_MODE)
            finally:
                os.close(new)
        finally:
            os.close(content)
