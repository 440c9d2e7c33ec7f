"""Archives as they come, compressed or not: plain bytes out, in bounded pieces."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from typing import Final, Protocol

from tovi_server.core.errors import InvalidArchiveError
from tovi_server.core.resources import MIB
from tovi_server.files.tar_headers import is_header

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_PIECE: Final = MIB
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_OTHERS: Final = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"PK\x03\x04": "zip"}
_GZIP_FORMAT: Final = 31
_LARGEST_WINDOW: Final = 24
"""16 MiB, as a power of two: what `zstd` uses without `--ultra` or `--long` is less."""
_FREE_BYTES: Final = 64 * MIB


class Unpacker(Protocol):
    """Turns what comes into plain bytes."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises:
        InvalidArchiveError: it is damaged.
        """
        ...

    def finish(self) -> None:
        """Raises:
        InvalidArchiveError: more should have come.
        """
        ...


def looks_like_archive(first: bytes) -> bool:
    """Whether these first bytes (512, or all there are) begin a tar, plain or compressed, rather than a tovi.yaml."""
    packed = (_GZIP, _ZSTD, *_OTHERS)
    return first.startswith(packed) or b"\0" in first or is_header(first)


def unpacker_for(first: bytes) -> Unpacker:
    """What reads a stream that begins so.

    Raises:
        InvalidArchiveError: it is packed in a way that is not understood.
    """
    for magic, name in _OTHERS.items():
        if first.startswith(magic):
            raise InvalidArchiveError(
                f"the archive is packed by {name}", why="tar is read plain, with gzip or with zstd", hint="`tar cz .`"
            )
    if first.startswith(_GZIP):
        return _Gzip()
    return _Zstd() if first.startswith(_ZSTD) else _Plain()


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        return


class _Gzip:
    """One stream after the other, as gzip allows; zeros behind them are ignored."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP_FORMAT)

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            while data:
                if self._stream.eof:
                    data = data.lstrip(b"\0")
                    if not data:
                        return
                    self._stream = zlib.decompressobj(_GZIP_FORMAT)
                yield self._stream.decompress(data, _PIECE)
                data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        except zlib.error as error:
            raise InvalidArchiveError("the archive is damaged", why=f"gzip says: {error}") from error

    def finish(self) -> None:
        _need_end(self._stream.eof)


class _Zstd:
    """One frame after the other."""

    def __init__(self) -> None:
        self._frame = self._new()

    def _new(self) -> zstd.ZstdDecompressor:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _LARGEST_WINDOW})

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            while data or not (self._frame.eof or self._frame.needs_input):
                if self._frame.eof:
                    self._frame = self._new()
                yield self._frame.decompress(data, _PIECE)
                data = self._frame.unused_data if self._frame.eof else b""
        except zstd.ZstdError as error:
            raise InvalidArchiveError("the archive is damaged", why=f"zstd says: {error}") from error

    def finish(self) -> None:
        _need_end(self._frame.eof)


def _need_end(ended: bool) -> None:
    if not ended:
        raise InvalidArchiveError("the archive is truncated", why="the compressed stream has no end")


class Growth:
    """Watches how much more comes out than went in."""

    def __init__(self, ratio: int) -> None:
        self._ratio = ratio
        self._came = 0
        self._left = 0

    def came(self, size: int) -> None:
        self._came += size

    def left(self, size: int) -> None:
        """Raises:
        InvalidArchiveError: that is no honest archive.
        """
        self._left += size
        if self._left > max(_FREE_BYTES, self._ratio * self._came):
            raise InvalidArchiveError(
                "the archive grows too much", why=f"it may become {self._ratio} times as large when it is unpacked"
            )
