"""What dispatch is compared with: the same pods, created by a bare loop of requests, and placed by kube-scheduler."""

from __future__ import annotations

import asyncio
import copy
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from tests import kube
from tests.raw_api import open_session

AT_ONCE: Final = 32
_WITHIN_S: Final = 900

Json = dict[str, Any]


async def bare_loop(kubeconfig: Path, namespace: str, pods: Sequence[Json]) -> float:
    """Pods a second, created as they are, each with its node, `AT_ONCE` at a time."""
    async with open_session(kubeconfig) as session:
        began = time.monotonic()
        await _create_all(session, _pods(namespace), pods)
        return len(pods) / (time.monotonic() - began)


async def kube_scheduler(kubeconfig: Path, namespace: str, pods: Sequence[Json]) -> float:
    """Pods a second, created without a node, until the cluster's own scheduler has given one to each."""
    free = [_without_node(pod) for pod in pods]
    path = _pods(namespace)
    async with open_session(kubeconfig) as session:
        began = time.monotonic()
        async with asyncio.TaskGroup() as group, asyncio.timeout(_WITHIN_S):
            bound = group.create_task(_wait_until_bound(session, path, len(pods)))
            await _create_all(session, path, free)
            await bound
        return len(pods) / (time.monotonic() - began)


async def remove_pods(namespace: str) -> None:
    """All of them, until none is there; nobody is left to take off what Tovi holds its own by."""
    path = _pods(namespace)
    async with _as_admin() as session:
        held = iter(await _names(session, path))
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(_let_go(session, path, held))
        await _delete(session, f"{path}?gracePeriodSeconds=0")
        async with asyncio.timeout(_WITHIN_S):
            while await _names(session, path):
                await asyncio.sleep(1)


async def remove_nodes(label: str) -> None:
    """Those that have it, together: kubectl would make a request for each."""
    async with _as_admin() as session:
        await _delete(session, f"/api/v1/nodes?labelSelector={quote(label)}")


@asynccontextmanager
async def _as_admin() -> AsyncIterator[aiohttp.ClientSession]:
    kubeconfig = kube.admin_kubeconfig()
    assert kubeconfig is not None, "a cluster is named where this is measured"
    async with open_session(kubeconfig) as session:
        yield session


async def _delete(session: aiohttp.ClientSession, path: str) -> None:
    """As often as it takes: a request that the API server gave up has deleted some."""
    status = 504
    while status == 504:
        async with session.delete(path) as response:
            status, text = response.status, await response.text()
    assert status == 200, text


async def _let_go(session: aiohttp.ClientSession, path: str, names: Iterator[str]) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    for name in names:
        async with session.patch(
            f"{path}/{name}", json={"metadata": {"finalizers": None}}, headers=headers
        ) as response:
            await response.read()


async def _names(session: aiohttp.ClientSession, path: str) -> list[str]:
    async with session.get(path) as response:
        return [pod["metadata"]["name"] for pod in json.loads(await response.read())["items"]]


def _pods(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"


def again(pod: Json, number: int) -> Json:
    """A pod as Tovi made it, under another name, and held by nobody."""
    spec = copy.deepcopy(pod["spec"])
    annotations = {
        name: text for name, text in pod["metadata"].get("annotations", {}).items() if name.startswith("simulate.")
    }
    metadata = {"name": f"again-{number}", "annotations": annotations, "labels": {"bench": "again"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _without_node(pod: Json) -> Json:
    spec = {name: value for name, value in pod["spec"].items() if name != "nodeName"}
    return {**pod, "spec": {**spec, "nodeSelector": {"type": "kwok"}}}


async def _create_all(session: aiohttp.ClientSession, path: str, pods: Sequence[Json]) -> None:
    waiting = iter(pods)

    async def one_after_the_other() -> None:
        for pod in waiting:
            async with session.post(path, json=pod) as response:
                assert response.status == 201, await response.text()
                await response.read()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(one_after_the_other())


async def _wait_until_bound(session: aiohttp.ClientSession, path: str, count: int) -> None:
    names: set[str] = set()
    query = {"watch": "true", "fieldSelector": "spec.nodeName!=", "labelSelector": "bench=again"}
    async with session.get(path, params=query) as response:
        while len(names) < count:
            line = await response.content.readline()
            found = json.loads(line)
            if found["type"] != "DELETED":
                names.add(found["object"]["metadata"]["name"])
