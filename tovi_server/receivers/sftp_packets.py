"""The packets of SFTP version 3, as bytes: https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02.

Bytes after a request's last field are ignored, as OpenSSH does: some clients send them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Final

VERSION: Final = 3
LONGEST_PACKET: Final = 256 * 1024
"""Of what follows the length, as OpenSSH's."""
LONGEST_DATA: Final = LONGEST_PACKET - 1024
"""Of one read or write."""

_DATA: Final = struct.Struct(">IBII")


class Request(IntEnum):
    """What clients send."""

    INIT = 1
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    SYMLINK = 20
    EXTENDED = 200


class Reply(IntEnum):
    """What the server sends."""

    VERSION = 2
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 201


class BadPacketError(Exception):
    """A packet that is not what it says."""


class Fields:
    """The fields of one packet, taken from its beginning to its end."""

    def __init__(self, packet: memoryview) -> None:
        self._packet = packet
        self._at = 0

    def byte(self) -> int:
        return self._take(1)[0]

    def uint32(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def uint64(self) -> int:
        return int.from_bytes(self._take(8), "big")

    def string(self) -> bytes:
        return bytes(self.view())

    def view(self) -> memoryview:
        """As `string`, without a copy."""
        return self._take(self.uint32())

    def _take(self, size: int) -> memoryview:
        end = self._at + size
        if end > len(self._packet):
            raise BadPacketError("the packet is too short")
        taken = self._packet[self._at : end]
        self._at = end
        return taken


class Splitter:
    """Packets out of a stream of bytes."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._needed = 4

    def feed(self, piece: bytes) -> list[memoryview]:
        """What is complete now, without the lengths in front.

        Raises:
            BadPacketError: a length that no packet can have.
        """
        self._pieces.append(piece)
        self._size += len(piece)
        return self._split() if self._size >= self._needed else []

    def _split(self) -> list[memoryview]:
        data = memoryview(b"".join(self._pieces))
        packets, at = [], 0
        while len(data) - at >= 4:
            size = int.from_bytes(data[at : at + 4], "big")
            if not 0 < size <= LONGEST_PACKET:
                raise BadPacketError(f"a packet of {size} bytes")
            if len(data) - at - 4 < size:
                break
            packets.append(data[at + 4 : at + 4 + size])
            at += 4 + size
        self._keep(bytes(data[at:]))
        return packets

    def _keep(self, rest: bytes) -> None:
        self._pieces, self._size = [rest] if rest else [], len(rest)
        self._needed = 4 + int.from_bytes(rest[:4], "big") if len(rest) >= 4 else 4


def uint32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def uint64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def string(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def version(extensions: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The answer to INIT, ready to be sent as all that follow."""
    listed = b"".join(string(name) + string(value) for name, value in extensions)
    return string(struct.pack(">BI", Reply.VERSION, VERSION) + listed)


def reply(kind: Reply, request_id: int, body: bytes) -> bytes:
    return struct.pack(">IBI", len(body) + 5, kind, request_id) + body


def data(request_id: int, size: int, fill: Callable[[memoryview], int]) -> bytearray | None:
    """A piece of a file, of which `fill` reads at most `size` bytes into its place; None when it reads nothing."""
    packet = bytearray(_DATA.size + size)
    with memoryview(packet) as view:
        filled = fill(view[_DATA.size :])
    if not filled:
        return None
    del packet[_DATA.size + filled :]
    _DATA.pack_into(packet, 0, len(packet) - 4, Reply.DATA, request_id, filled)
    return packet
