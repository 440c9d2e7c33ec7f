"""Archives as listings of their first files: tar, gzipped tar and zip, as far as the first bytes tell."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from tovi_server.core.resources import format_bytes
from tovi_tui.text.span import Line, Span, Tone, line

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_TAR_MAGIC: Final = slice(257, 262)
_BLOCK: Final = 512
_MOST_FILES: Final = 200
_MOST_UNPACKED: Final = 4 * 2**20


def is_archive(name: str, data: bytes) -> bool:
    """By its first bytes; gzip alone is one when the name says that a tar is in it."""
    return (
        data.startswith(_ZIP)
        or data[_TAR_MAGIC] == b"ustar"
        or (data.startswith(_GZIP) and name.endswith((".tar.gz", ".tgz")))
    )


def listing(data: bytes) -> Iterator[Line]:
    """The files whose headers are in these bytes."""
    if data.startswith(_ZIP):
        files = _zip_files(data)
    else:
        files = _tar_files(_unpacked(data) if data.startswith(_GZIP) else data)
    count = 0
    for name, size in files:
        count += 1
        yield line(Span(f"{format_bytes(size):>10}  ", Tone.DIM), name)
        if count == _MOST_FILES:
            break
    yield line(Span(f"{count} files in its first part", Tone.DIM))


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, _MOST_UNPACKED)
    except zlib.error as error:
        raise ValueError(f"broken gzip: {error}") from error


def _tar_files(data: bytes) -> Iterator[tuple[str, int]]:
    """Names and sizes (POSIX.1-1988, ustar)."""
    at = 0
    while at + _BLOCK <= len(data) and data[at]:
        header = data[at : at + _BLOCK]
        size = int(header[124:136].strip(b"\x00 ") or b"0", 8)
        if size < 0:
            raise ValueError("a tar with a size below 0")
        if header[156:157] in {b"0", b"\x00"}:
            yield _text(header[:100].partition(b"\x00")[0]), size
        at += _BLOCK + -(-size // _BLOCK) * _BLOCK


def _zip_files(data: bytes) -> Iterator[tuple[str, int]]:
    """From the headers before each file (APPNOTE.TXT 4.3.7); behind one without a size nothing can be found."""
    at = 0
    while data[at : at + 4] == _ZIP and at + 30 <= len(data):
        flags, packed, size, name_length, more = struct.unpack_from("<6xH10xIIHH", data, at)
        yield _text(data[at + 30 : at + 30 + name_length]), size
        if flags & 8 and not packed:
            return
        at += 30 + name_length + more + packed


def _text(name: bytes) -> str:
    return name.decode(errors="replace")
