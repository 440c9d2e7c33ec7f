"""A name in a folder: the folder as a descriptor, the name as bytes that are never followed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tovi_server.files import names
from tovi_server.files.beneath import Resolver
from tovi_server.files.datadir import DataDir
from tovi_server.files.places import Real


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something is or will be."""

    folder: int
    name: bytes

    def stat(self) -> os.stat_result | None:
        """Of the thing itself, be it a link; None when nothing is there."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def is_folder(self) -> bool:
        found = self.stat()
        return found is not None and stat.S_ISDIR(found.st_mode)


@contextmanager
def inside() -> Iterator[None]:
    """Says what a way out of the tree means, in the words of those who tried it."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        raise PermissionError(errno.EACCES, "a link on the way leads out of this tree") from error


def open_real(data: DataDir, real: Real, flags: int) -> int:
    """A new descriptor of what a place leads to; links are followed as long as they stay beneath the anchor."""
    with data.folder(real.anchor) as anchor, inside():
        return data.resolver.open(anchor, real.rest, flags)


@contextmanager
def spot_of(data: DataDir, real: Real) -> Iterator[Spot]:
    """The last name of a place. Its folder is closed at the end."""
    above, _, name = real.rest.rpartition(b"/")
    with data.folder(real.anchor) as anchor:
        folder = _open_folder(data.resolver, anchor, above)
        try:
            yield Spot(folder, name)
        finally:
            os.close(folder)


def _open_folder(resolver: Resolver, anchor: int, path: bytes) -> int:
    with inside():
        return resolver.open(anchor, path, os.O_PATH | os.O_DIRECTORY)


def need_changeable(real: Real) -> None:
    """Raises:
    OSError: why the caller may not change what is there.
    """
    if real.refusal is not None:
        raise real.refusal
    if not real.rest:
        raise OSError(errno.EACCES, "this folder itself stays as it is")


def need_new_name(real: Real, *, folder: bool) -> None:
    """Whether the caller may put something there: a folder, or something else.

    Raises:
        OSError: why not.
    """
    need_changeable(real)
    name = real.rest.rpartition(b"/")[2]
    names.need_good_new_name(name)
    if not real.holds_datasets or b"/" in real.rest:
        return
    if not folder:
        raise OSError(errno.EINVAL, "a dataset is a folder: name one, as in datasets/NAME/FILE")
    if not names.DATASET.fullmatch(name):
        raise OSError(errno.EINVAL, "the name of a dataset does not begin with a dot")
