"""A tar archive as it comes, piece by piece: members and their contents, or an error. Pure; it never goes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from tovi_server.core.errors import InvalidArchiveError
from tovi_server.core.resources import KIB, MIB
from tovi_server.core.safe import safe_line
from tovi_server.files import tar_headers
from tovi_server.files.tar_headers import BLOCK, Extended, Header


class Kind(Enum):
    """What members may be."""

    FILE = auto()
    FOLDER = auto()
    LINK = auto()
    SAME = auto()
    """A second name for a file that came before."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member, as its headers name it. `size` bytes of `Piece`s follow, then `END`, if it is a file."""

    name: bytes
    kind: Kind
    size: int
    executable: bool
    target: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of the file under way."""

    data: bytes


class End(Enum):
    """A file is complete."""

    OF_FILE = auto()


Event = Member | Piece | End

_KINDS: Final = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"5": Kind.FOLDER,
    b"2": Kind.LINK,
    b"1": Kind.SAME,
}
_REFUSED: Final = {b"3": "a device", b"4": "a device", b"6": "a FIFO", b"S": "a sparse file", b"M": "a part of a file"}
_LONG_NAME, _LONG_TARGET, _PAX, _PAX_FOR_ALL = b"L", b"K", b"x", b"g"
_EXTENSIONS: Final = (_LONG_NAME, _LONG_TARGET, _PAX, _PAX_FOR_ALL)
_LARGEST_EXTENSION: Final = 256 * KIB
_MOST_AFTER_END: Final = MIB
"""tar fills its last record with zeros; what else comes is not looked at."""


class TarStream:
    """Feed it bytes, take events. What it holds is bounded, whatever comes."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._extended = Extended()
        self._awaits_member = False
        """Whether an extended header came for a member that did not yet."""
        self._extension: Header | None = None
        self._body = 0
        """Bytes of the file under way that are yet to come."""
        self._padding = 0
        self._in_file = False
        self._ended = False
        self._after_end = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        """Raises:
        InvalidArchiveError: it is no tar, damaged, or has something in it that is refused.
        """
        self._held += data
        while not self._ended:
            if self._body:
                if not self._held:
                    return
                yield self._piece()
            elif self._in_file:
                self._in_file = False
                yield End.OF_FILE
            elif len(self._held) < self._padding + self._needed():
                return
            else:
                yield from self._next()
        self._after_end += len(self._held)
        self._held.clear()
        if self._after_end > _MOST_AFTER_END:
            raise InvalidArchiveError("the archive goes on after its end", why=f"{_MOST_AFTER_END} bytes are the limit")

    def finish(self) -> None:
        """Nothing more comes.

        Raises:
            InvalidArchiveError: that is too early.
        """
        if not self._ended:
            raise InvalidArchiveError(
                "the archive is truncated",
                why="its end mark is missing",
                hint="look whether tar itself reported an error, and send it again",
            )

    def _needed(self) -> int:
        return BLOCK if self._extension is None else self._extension.size

    def _take(self, size: int) -> bytes:
        taken = bytes(memoryview(self._held)[:size])
        del self._held[:size]
        return taken

    def _piece(self) -> Piece:
        piece = Piece(self._take(min(self._body, len(self._held))))
        self._body -= len(piece.data)
        return piece

    def _next(self) -> Iterator[Event]:
        """A header, or the body of an extended one, is there in full."""
        self._take(self._padding)
        self._padding = 0
        if self._extension is not None:
            self._read_extension(self._extension)
            return
        block = self._take(BLOCK)
        if block == tar_headers.ZEROS:
            self._end()
            return
        header = tar_headers.read_header(block)
        if header.kind in _EXTENSIONS:
            self._begin_extension(header)
        else:
            yield self._begin_member(header)

    def _end(self) -> None:
        if self._awaits_member:
            raise InvalidArchiveError("the archive is damaged", why="an extended header has no member")
        self._ended = True

    def _begin_extension(self, header: Header) -> None:
        if header.size > _LARGEST_EXTENSION:
            raise InvalidArchiveError(
                "the archive has a huge extended header", why=f"the limit is {_LARGEST_EXTENSION} bytes"
            )
        self._extension = header

    def _read_extension(self, header: Header) -> None:
        body = self._take(header.size)
        self._padding = -header.size % BLOCK
        self._extension = None
        self._awaits_member = self._awaits_member or header.kind != _PAX_FOR_ALL
        match header.kind:
            case b"L":
                self._extended.long_name = body.rstrip(b"\0")
            case b"K":
                self._extended.long_target = body.rstrip(b"\0")
            case b"x":
                tar_headers.extend(self._extended, tar_headers.read_records(body))
            case _:
                _need_harmless(tar_headers.read_records(body))

    def _begin_member(self, header: Header) -> Member:
        said, self._extended, self._awaits_member = self._extended, Extended(), False
        name = _first(said.name, said.long_name, header.name)
        kind = _kind(header, name)
        size = header.size if said.size is None else said.size
        if kind is not Kind.FILE and size:
            raise InvalidArchiveError(f'"{_shown(name)}" in the archive has a content', why="it is no file")
        self._body, self._padding, self._in_file = size, -size % BLOCK, kind is Kind.FILE
        target = _first(said.target, said.long_target, header.target)
        return Member(name, kind, size, bool(header.mode & 0o100), target)


def _first(*texts: bytes | None) -> bytes:
    return next(text for text in texts if text is not None)


def _kind(header: Header, name: bytes) -> Kind:
    kind = _KINDS.get(header.kind)
    if kind is None:
        what = _REFUSED.get(header.kind, f"of a kind of its own ({header.kind!r})")
        raise InvalidArchiveError(
            f'"{_shown(name)}" in the archive is {what}', why="an archive has files, folders and links in it"
        )
    if kind is Kind.FILE and name.endswith(b"/"):
        return Kind.FOLDER
    return kind


def _need_harmless(records: dict[bytes, bytes]) -> None:
    """A header for all members may say when and by whom; names or sizes for all are a trick."""
    if records.keys() & {b"path", b"linkpath", b"size"}:
        raise InvalidArchiveError("the archive is damaged", why="one header names all its members")


def _shown(name: bytes) -> str:
    return safe_line(name[:200].decode("utf-8", "replace"))
