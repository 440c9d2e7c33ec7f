"""One request that a client makes through the proxy, and what can be done with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import web

from tests.fault_proxy.requests import Request
from tests.raw_api import cut

Lines = AsyncIterator[bytes]
"""The events of a watch, each with its end of line."""
Reshape = Callable[[Lines], Lines]

_ASKED_WITH: Final = ("Accept", "Content-Type", "User-Agent")
_ANSWERED_WITH: Final = ("Content-Type", "Retry-After")


class ResetError(Exception):
    """The client's connection is to be reset: it is told no more."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """A fault forwards the request or does not, and answers it, raises ResetError, or leaves it waiting."""

    request: Request
    _client: web.Request
    _upstream: aiohttp.ClientSession
    _going: asyncio.Event

    async def forward(self) -> Answer:
        """Let it take effect: what the API server answers."""
        async with self._send() as response:
            return Answer(response.status, await response.read(), _some(response.headers, _ANSWERED_WITH))

    async def answer(self, answer: Answer, *, cut_after: int | None = None) -> web.StreamResponse:
        """`cut_after`: reset after so many bytes of the body."""
        await self._going.wait()
        response = await self._begin(answer.status, answer.headers, length=len(answer.body))
        await response.write(answer.body[:cut_after])
        if cut_after is not None:
            raise ResetError
        return response

    async def relay(self, reshape: Reshape = lambda lines: lines) -> web.StreamResponse:
        """Pass on what a watch, or a log that is followed, tells."""
        async with self._send() as upstream:
            await self._going.wait()
            response = await self._begin(upstream.status, _some(upstream.headers, _ANSWERED_WITH))
            lines = aiter(upstream.content)
            try:
                async for line in reshape(lines) if upstream.status == 200 else lines:
                    await self._going.wait()
                    await response.write(line)
            finally:
                cut(upstream)
            return response

    def _send(self) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._upstream.request(
            self.request.method,
            self.request.path,
            params=self.request.query,
            data=self.request.body or None,
            headers=_some(self._client.headers, _ASKED_WITH),
        )

    async def _begin(self, status: int, headers: Mapping[str, str], *, length: int | None = None) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = length
        await response.prepare(self._client)
        return response


def _some(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}
