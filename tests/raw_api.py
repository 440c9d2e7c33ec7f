"""The API server of a kubeconfig by bare HTTP, for what stands between it and Tovi, or is compared with Tovi."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp


@asynccontextmanager
async def open_session(kubeconfig: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that begins all paths there, with the kubeconfig's credentials. No answer is waited for too long."""
    from kubernetes.aio.client.configuration import Configuration  # importing takes long
    from kubernetes.aio.client.rest import RESTClientObject
    from kubernetes.aio.config import load_kube_config

    configuration = Configuration()
    await load_kube_config(str(kubeconfig), None, configuration, persist_config=False)  # type: ignore[no-untyped-call]
    token = await configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
    async with aiohttp.ClientSession(
        configuration.host,
        connector=aiohttp.TCPConnector(limit=0, ssl=RESTClientObject(configuration).ssl_context),
        headers={"Authorization": token} if token else {},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
        read_bufsize=2**22,
    ) as session:
        yield session


def cut(response: aiohttp.ClientResponse) -> None:
    """End a connection at once: over TLS it would say goodbye first, to nobody if the loop ends then."""
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()
