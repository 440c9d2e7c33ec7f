"""The 512 bytes before each member of a tar, and the extended headers that replace parts of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tovi_server.core.errors import InvalidArchiveError

BLOCK: Final = 512
ZEROS: Final = bytes(BLOCK)

_SPARSE: Final = b"GNU.sparse."
_POSIX: Final = b"ustar\0"


@dataclass(frozen=True, slots=True)
class Header:
    """What one header block says."""

    name: bytes
    kind: bytes
    """The type flag, one byte."""
    size: int
    mode: int
    target: bytes


@dataclass(slots=True)
class Extended:
    """What extended headers say of the next member; None: what its own header says counts."""

    name: bytes | None = None
    target: bytes | None = None
    size: int | None = None
    long_name: bytes | None = field(default=None)
    long_target: bytes | None = field(default=None)


def is_header(block: bytes) -> bool:
    """Whether the block's checksum is right."""
    if len(block) < BLOCK:
        return False
    try:
        expected = _number(block[148:156])
    except ValueError:
        return False
    return expected == sum(block[:148]) + 8 * 32 + sum(block[156:BLOCK])


def read_header(block: bytes) -> Header:
    """Raises:
    InvalidArchiveError: this is no header.
    """
    if not is_header(block):
        raise InvalidArchiveError("this is no tar archive, or it is damaged", why="a header has the wrong checksum")
    name = _text(block[:100])
    if block[257:263] == _POSIX and (prefix := _text(block[345:500])):
        name = prefix + b"/" + name
    try:
        return Header(name, block[156:157], _number(block[124:136]), _number(block[100:108]), _text(block[157:257]))
    except ValueError as error:
        raise InvalidArchiveError("the archive is damaged", why="a number in a header is none") from error


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes) -> int:
    """Octal, or binary with its highest bit set.

    Raises:
        ValueError: it is neither, or negative.
    """
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise ValueError("a negative or absurd number")
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        raise ValueError("no octal number")
    return int(digits, 8) if digits else 0


def read_records(body: bytes) -> dict[bytes, bytes]:
    """The records of a PAX header, `LENGTH KEY=VALUE` and a line break each.

    Raises:
        InvalidArchiveError: they are of another form, or speak of sparse files.
    """
    records: dict[bytes, bytes] = {}
    while body.strip(b"\0"):
        digits, _, _ = body.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 10 else 0
        record = body[len(digits) + 1 : length]
        key, equals, value = record.partition(b"=")
        if not equals or len(body) < length or not value.endswith(b"\n"):
            raise InvalidArchiveError("the archive is damaged", why="an extended header has a broken record")
        if key.startswith(_SPARSE):
            raise InvalidArchiveError("the archive has a sparse file", hint="make it without --sparse")
        records[key] = value[:-1]
        body = body[length:]
    return records


def extend(extended: Extended, records: dict[bytes, bytes]) -> None:
    """Take from a PAX header what matters here.

    Raises:
        InvalidArchiveError: the size is no number.
    """
    extended.name = records.get(b"path", extended.name)
    extended.target = records.get(b"linkpath", extended.target)
    size = records.get(b"size")
    if size is not None:
        if not size.isdigit() or len(size) > 18:
            raise InvalidArchiveError("the archive is damaged", why="the size of a file is no number")
        extended.size = int(size)
