"""Archives as listings of their files: zips from their directory, tars as far as their first bytes tell."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from tovi_server.core.resources import format_bytes
from tovi_tui.previews import zips
from tovi_tui.text.span import Line, Span, Tone, line

_GZIP: Final = b"\x1f\x8b"
_TAR_MAGIC: Final = slice(257, 262)
_FILE_TYPES: Final = (b"0", b"\x00")
_LONG_NAME: Final = b"L"
_BLOCK: Final = 512
_MOST_FILES: Final = 500
_MOST_UNPACKED: Final = 4 * 2**20


def is_tar(name: str, data: bytes) -> bool:
    """By its first bytes; gzip alone is one when the name says that a tar is in it."""
    return data[_TAR_MAGIC] == b"ustar" or (data.startswith(_GZIP) and name.endswith((".tar.gz", ".tgz")))


def tar_lines(data: bytes, *, is_whole: bool) -> Iterator[Line]:
    """The files whose headers are in these bytes."""
    if data.startswith(_GZIP):
        unpacked = _unpacked(data)
        is_whole, data = is_whole and len(unpacked) < _MOST_UNPACKED, unpacked
    return _listed(_tar_files(data), is_whole=is_whole)


def zip_lines(directory: bytes, *, is_whole: bool) -> Iterator[Line]:
    """The files of the directory, or of its first part."""
    return _listed(zips.files(directory), is_whole=is_whole)


def _listed(files: Iterator[tuple[str, int]], *, is_whole: bool) -> Iterator[Line]:
    count = 0
    for name, size in files:
        if count == _MOST_FILES:
            is_whole = False
            break
        count += 1
        yield line(Span(f"{format_bytes(size):>10}  ", Tone.DIM), name)
    told = "1 file" if count == 1 else f"{count} files"
    yield line(Span(told if is_whole else f"{told}, and maybe more", Tone.DIM))


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, _MOST_UNPACKED)
    except zlib.error as error:
        raise ValueError(f"broken gzip: {error}") from error


def _tar_files(data: bytes) -> Iterator[tuple[str, int]]:
    """Names and sizes (ustar; a name of GNU tar that is too long for it stands before the file)."""
    at, long_name = 0, ""
    while at + _BLOCK <= len(data) and data[at]:
        header, behind = data[at : at + _BLOCK], at + _BLOCK
        size = _number(header[124:136])
        if header[156:157] in _FILE_TYPES:
            yield long_name or _name(header), size
        long_name = _text(data[behind : behind + min(size, _BLOCK)]) if header[156:157] == _LONG_NAME else ""
        at = behind + -(-size // _BLOCK) * _BLOCK


def _number(field: bytes) -> int:
    """In octal, or where the first bit is set as it is."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    size = int(field.strip(b"\x00 ") or b"0", 8)
    if size < 0:
        raise ValueError("a tar with a size below 0")
    return size


def _name(header: bytes) -> str:
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\x00" else ""
    return f"{prefix}/{_text(header[:100])}" if prefix else _text(header[:100])


def _text(name: bytes) -> str:
    return name.partition(b"\x00")[0].decode(errors="replace")
