"""The API server of a kubeconfig by bare HTTP, for what stands between it and Tovi."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp


class _Connector(aiohttp.TCPConnector):
    """Knows all its connections. One whose request was given up would say goodbye over TLS, and outlive its loop."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._transports: set[asyncio.Transport] = set()

    async def connect(self, *words: Any, **more: Any) -> aiohttp.connector.Connection:
        connection = await super().connect(*words, **more)
        if connection.transport is not None:
            self._transports.add(connection.transport)
        return connection

    def abort(self) -> None:
        for transport in self._transports:
            transport.abort()


@asynccontextmanager
async def open_session(kubeconfig: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that begins all paths there, with the kubeconfig's credentials. It waits for answers for ever."""
    from kubernetes.aio.client.configuration import Configuration  # importing takes long
    from kubernetes.aio.client.rest import RESTClientObject
    from kubernetes.aio.config import load_kube_config

    configuration = Configuration()
    await load_kube_config(str(kubeconfig), None, configuration, persist_config=False)  # type: ignore[no-untyped-call]  # it has no types
    token = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    connector = _Connector(limit=0, ssl=RESTClientObject(configuration).ssl_context)
    async with aiohttp.ClientSession(
        configuration.host,
        connector=connector,
        headers={"Authorization": token} if token else {},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
        read_bufsize=2**22,
    ) as session:
        try:
            yield session
        finally:
            connector.abort()


def cut(response: aiohttp.ClientResponse) -> None:
    """End the connection of an answer that is not read to its end."""
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()
