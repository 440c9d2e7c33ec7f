"""As much of HTTP as probes need: GET of a few paths, and one answer a connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog

log = structlog.get_logger(__name__)

_LONGEST_HEAD: Final = 8192
_PATIENCE_S: Final = 5
_MOST: Final = 64
"""Connections at once; those beyond are closed without a word."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered."""

    text: str
    status: HTTPStatus = HTTPStatus.OK
    kind: str = "text/plain; charset=utf-8"


NOT_FOUND: Final = Page("not found\n", HTTPStatus.NOT_FOUND)
_NOT_ALLOWED: Final = Page("only GET is answered\n", HTTPStatus.METHOD_NOT_ALLOWED)
_BROKEN: Final = Page("the log says more\n", HTTPStatus.INTERNAL_SERVER_ERROR)

Answer = Callable[[str], Page]
"""From a path; it never waits."""


async def start(sock: socket.socket, answer: Answer) -> asyncio.Server:
    """Answer on a bound socket, until the server is closed."""
    return await asyncio.start_server(_Door(answer).open, sock=sock, limit=_LONGEST_HEAD)


class _Door:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._inside = 0

    async def open(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._inside += 1
        try:
            if self._inside <= _MOST:
                await self._serve(reader, writer)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            self._inside -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_written(self._page(head)))
            await writer.drain()

    def _page(self, head: bytes) -> Page:
        method, _, rest = head.partition(b" ")
        if method != b"GET":
            return _NOT_ALLOWED
        path = rest.partition(b" ")[0].partition(b"?")[0]
        try:
            return self._answer(path.decode(errors="replace"))
        except Exception:  # of one connection
            log.exception("probe_not_answered")
            return _BROKEN


def _written(page: Page) -> bytes:
    body = page.text.encode()
    lines = (
        f"HTTP/1.1 {page.status.value} {page.status.phrase}",
        f"Content-Type: {page.kind}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "",
        "",
    )
    return "\r\n".join(lines).encode() + body
