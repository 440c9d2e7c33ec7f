"""Requests to the API server, as JSON. The only file that knows the Kubernetes library, and HTTP.

Of the library come credentials, in all their forms, and connections; its models cost a pod as much as all the rest.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import yaml
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from k8s.errors import ApiError, from_answer
from k8s.settings import Access
from tovi_server.core.errors import UnavailableError, UsageError

Json = dict[str, Any]

WITHIN_S: Final = 30
"""How long an answer may take."""
_SILENT_S: Final = 90
"""A watch is told something at least every minute."""
_MOST_TRIES: Final = 4
_LONGEST_PAUSE_S: Final = 60
_GOODBYE_S: Final = 0.25
"""Connections whose request was given up still end, over TLS, when all others are closed; else their loop is gone."""
_MERGE: Final = "application/strategic-merge-patch+json"


class Client:
    """One connection pool. Requests that were surely not acted on (429, 401) are sent again; nothing else is."""

    def __init__(self, configuration: Configuration, access: Access) -> None:
        self._configuration = configuration
        self._access = access
        self._rest = RESTClientObject(configuration)
        self._free = asyncio.Semaphore(access.requests)
        self._alone = asyncio.Lock()
        self._held_until_s: float | None = None
        """By the loop's clock: so long the API server asked everybody to wait. None: it takes requests."""

    async def get(self, path: str, asked: str, **query: str) -> Json:
        """Raises:
        ApiError: as all that follow do.
        """
        return await self._request("GET", path, asked, query=query)

    async def create(self, path: str, asked: str, body: Json, **query: str) -> Json:
        return await self._request("POST", path, asked, body=body, query=query)

    async def patch(self, path: str, asked: str, body: Json) -> Json:
        """By a strategic merge."""
        return await self._request("PATCH", path, asked, body=body, content=_MERGE)

    async def delete(self, path: str, asked: str, body: Json) -> Json:
        return await self._request("DELETE", path, asked, body=body)

    async def watch(self, path: str, asked: str, *, seconds: int, **query: str) -> AsyncGenerator[Json, None]:
        """Events, until the API server ends it, after about so many seconds."""
        query |= {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(seconds)}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=WITHIN_S, sock_read=_SILENT_S)
        try:
            async with self._turn():
                response = await self._send("GET", path, query=query, timeout=timeout)
            async with response:
                if response.status == 401:
                    await self._load_credentials()
                if response.status != 200:
                    raise _refusal(asked, response.status, await response.read())
                try:
                    while line := await response.content.readline():
                        yield json.loads(line)
                finally:
                    _cut(response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _no_answer(asked, error) from error

    async def close(self) -> None:
        await self._rest.close()
        await asyncio.sleep(_GOODBYE_S)

    async def _request(
        self,
        method: str,
        path: str,
        asked: str,
        *,
        body: Json | None = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
    ) -> Json:
        for last in range(_MOST_TRIES):
            try:
                status, told = await self._once(method, path, body=body, query=query, content=content)
                answer: Json = json.loads(told) if status < 300 else {}
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                raise _no_answer(asked, error) from error
            if status < 300:
                return answer
            if last == _MOST_TRIES - 1 or status not in {401, 429}:
                raise _refusal(asked, status, told)
            if status == 401:
                await self._load_credentials()
        raise AssertionError("the last try raises or returns")

    async def _once(
        self, method: str, path: str, *, body: Json | None, query: Mapping[str, str] | None, content: str
    ) -> tuple[int, bytes]:
        """Status, and what it told."""
        async with self._free, self._turn():
            timeout = aiohttp.ClientTimeout(total=WITHIN_S)
            response = await self._send(method, path, query=query, timeout=timeout, body=body, content=content)
            async with response:
                return response.status, await response.read()

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None,
        timeout: aiohttp.ClientTimeout,
        body: Json | None = None,
        content: str = "application/json",
    ) -> aiohttp.ClientResponse:
        url = f"{self._configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Content-Type": content, "Accept": "application/json"}
        token = await self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            headers["Authorization"] = token
        request: Any = self._rest.request  # it has no types
        answer = await request(method, url, headers=headers, body=body, _request_timeout=timeout)
        response: aiohttp.ClientResponse = answer.response
        if response.status == 429:
            self._hold_back(_retry_after_s(response.headers))
        return response

    def _hold_back(self, pause_s: float) -> None:
        until_s = asyncio.get_running_loop().time() + min(max(1.0, pause_s), _LONGEST_PAUSE_S)
        self._held_until_s = max(self._held_until_s or until_s, until_s)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Where everybody was asked to wait: after that, and one at a time until requests are taken again."""
        if self._held_until_s is not None:
            async with self._alone:
                if self._held_until_s is not None:
                    until_s = await self._wait()
                    try:
                        yield
                    finally:
                        if self._held_until_s == until_s:
                            self._held_until_s = None
                    return
        yield

    async def _wait(self) -> float:
        """Until the time that it gives; it may move on meanwhile."""
        now_s = asyncio.get_running_loop().time
        while (until_s := self._held_until_s or 0.0) > now_s():  # noqa: ASYNC110  # it may be moved on meanwhile
            await asyncio.sleep(until_s - now_s())
        return until_s

    async def _load_credentials(self) -> None:
        """They may have been renewed."""
        with suppress(UnavailableError, UsageError):
            await _load(self._configuration, self._access)


@asynccontextmanager
async def open_client(access: Access) -> AsyncIterator[Client]:
    """Raises:
    UsageError: the kubeconfig cannot be used, or there is none and this is no pod.
    """
    configuration = Configuration()
    await _load(configuration, access)
    configuration.connection_pool_maxsize = access.requests + 4  # and the watches
    client = Client(configuration, access)
    try:
        yield client
    finally:
        await client.close()


async def _load(configuration: Configuration, access: Access) -> None:
    try:
        if access.kubeconfig is None:
            load_incluster_config(configuration)  # type: ignore[no-untyped-call]  # it has no types
        else:
            file = str(access.kubeconfig)
            load: Any = load_kube_config  # it has no types
            await load(file, access.context, configuration, persist_config=False)
    except (ConfigException, OSError, TypeError, ValueError, yaml.YAMLError) as error:
        where = "as a pod" if access.kubeconfig is None else f"by {access.kubeconfig}"
        raise UsageError(
            f"the cluster cannot be reached {where}",
            why=str(error),
            hint="[executor.kubernetes] kubeconfig names a file that says how; without, this must be a pod",
        ) from error


def _cut(response: aiohttp.ClientResponse) -> None:
    """End a connection at once: over TLS it would say goodbye first, to nobody if the loop ends then."""
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()


def _retry_after_s(headers: Mapping[str, str]) -> float:
    given = headers.get("Retry-After", "1")
    return float(given) if given.isdecimal() else 1.0


def _refusal(asked: str, status: int, told: bytes) -> ApiError:
    try:
        said = json.loads(told)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        said = {"message": told[:500].decode("utf-8", "replace")}
    return from_answer(asked, status, str(said.get("reason", "")), str(said.get("message", "")))


def _no_answer(asked: str, error: Exception) -> ApiError:
    return ApiError(asked, status=None, message=str(error) or type(error).__name__)
