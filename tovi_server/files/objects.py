"""Contents of files by their hash, per project: `objects/ab/cdef…`. What is there is whole and never changes."""

from __future__ import annotations

import os
import secrets
from hashlib import sha256
from types import TracebackType
from typing import Final

from tovi_server.files import datadir, durable
from tovi_server.files.datadir import DataDir
from tovi_server.files.modes import PRIVATE
from tovi_server.files.removing import remove_tree

STAGING: Final = "server/staging"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def object_path(project: str, digest: str) -> str:
    """Relative to the data directory."""
    return f"{datadir.project_path(project)}/objects/{digest[:2]}/{digest[2:]}"


def open_object(data: DataDir, project: str, digest: str) -> int:
    """A new descriptor of a content.

    Raises:
        FileNotFoundError: the project has no such content.
    """
    return data.open(object_path(project, digest), os.O_RDONLY | os.O_NOFOLLOW)


class Batch:
    """New contents on their way into a project: staged as they come, kept all together by `keep`.

    A context manager: what was not kept when it ends is dropped. Not for several threads at once.
    """

    def __init__(self, data: DataDir, project: str) -> None:
        self._data = data
        self._project = project
        self._folder: int | None = None
        self._name = secrets.token_hex(16)
        self._staged: set[str] = set()

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()

    def add(self, content: bytes) -> str:
        """Stage a content, unless the project has it; its hash."""
        digest = sha256(content).hexdigest()
        if not self._has(digest):
            written = self.begin()
            written.write(content)
            written.end()
        return digest

    def begin(self) -> Incoming:
        """A content that comes in pieces."""
        if self._folder is None:
            self._data.make_folder(f"{STAGING}/{self._name}", PRIVATE)
            self._folder = self._data.open(f"{STAGING}/{self._name}", os.O_PATH | os.O_DIRECTORY)
        return Incoming(self, self._folder)

    def keep(self) -> None:
        """Make all that was staged part of the project, durably. What is in the project already stays as it is."""
        if self._folder is None:
            return
        durable.flush_files(self._folder, self._staged)
        with self._data.folder(f"{datadir.project_path(self._project)}/objects") as objects:
            fans = sorted({digest[:2] for digest in self._staged})
            for fan in fans:
                self._data.make_folder(f"{datadir.project_path(self._project)}/objects/{fan}", PRIVATE)
            for digest in self._staged:
                os.rename(digest, f"{digest[:2]}/{digest[2:]}", src_dir_fd=self._folder, dst_dir_fd=objects)
            durable.flush_files(objects, [*fans, "."])
        self._staged.clear()

    def drop(self) -> None:
        """Forget what was staged and not kept."""
        if self._folder is None:
            return
        os.close(self._folder)
        self._folder = None
        with self._data.folder(STAGING) as staging:
            remove_tree(staging, self._name)

    def settle(self, temporary: str, digest: str) -> None:
        """A staged content is whole: for `Incoming`."""
        assert self._folder is not None, "there is something staged"
        if self._has(digest):
            os.unlink(temporary, dir_fd=self._folder)
        else:
            os.rename(temporary, digest, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            self._staged.add(digest)

    def _has(self, digest: str) -> bool:
        return digest in self._staged or self._data.exists(object_path(self._project, digest))


class Incoming:
    """One content, written to the staging folder as it comes."""

    def __init__(self, batch: Batch, folder: int) -> None:
        self._batch = batch
        self._name = f"new-{secrets.token_hex(8)}"
        self._file = os.open(self._name, _NEW, 0o440, dir_fd=folder)
        self._digest = sha256()

    def write(self, piece: bytes | memoryview) -> None:
        left = memoryview(piece)
        self._digest.update(left)
        while left:
            left = left[os.write(self._file, left) :]

    def end(self) -> str:
        """All of it came; its hash (sha256, in hex)."""
        self.close()
        digest = self._digest.hexdigest()
        self._batch.settle(self._name, digest)
        return digest

    def close(self) -> None:
        """Harmless again; without `end` the batch drops it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
