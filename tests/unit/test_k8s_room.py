"""Room of a node whose tasks end: it is free once the kubelet has let go of the pod, and is nobody's in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any, Final

from k8s import names
from k8s.capacity import Wanted
from k8s.cluster import Cluster
from tests import random_orders

LABEL: Final = "a-label"
Json = dict[str, Any]

NODE: Final[Json] = {
    "metadata": {"name": "node1", "resourceVersion": "1"},
    "status": {
        "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "10"},
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-26T10:00:00Z"}],
    },
}


def pod(phase: str, *, version: int) -> Json:
    labels = {names.INSTALLATION: "here", names.ATTEMPT: LABEL}
    return {
        "metadata": {"name": "one", "namespace": "tovi", "uid": "u", "resourceVersion": str(version), "labels": labels},
        "spec": {"nodeName": "node1", "containers": [{"resources": {"requests": {"cpu": "500m"}}}]},
        "status": {"phase": phase},
    }


class Api:
    """One node and one pod, and what happens to it."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Json] = asyncio.Queue()

    async def get(self, path: str, asked: str, **query: str) -> Json:
        items = [NODE] if path.endswith("/nodes") else [pod("Running", version=1)]
        return {"metadata": {"resourceVersion": "1"}, "items": items}

    async def watch(self, path: str, asked: str, *, seconds: int, **query: str) -> AsyncIterator[Json]:
        while True:
            if path.endswith("/nodes"):
                await asyncio.Event().wait()
            yield await self.events.get()


@asynccontextmanager
async def seen(api: Api, freed: asyncio.Event) -> AsyncIterator[Cluster]:
    cluster = Cluster(
        api,  # type: ignore[arg-type]  # it asks no more of a client
        replace(random_orders._settings(Random(0), "tovi"), installation="here", wanted=Wanted({}, (), ())),
        told=lambda label: None,
        freed=freed.set,
        relist_interval=timedelta(minutes=5),
    )
    running = asyncio.create_task(cluster.run())
    await cluster.seen()
    yield cluster
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def taken(cluster: Cluster) -> int:
    (node,) = cluster.nodes()
    return node.foreign.cpu_millicores


async def test_what_the_scheduler_counts_is_not_counted_twice() -> None:
    async with seen(Api(), asyncio.Event()) as cluster:
        cluster.count_as_known({LABEL})

        assert taken(cluster) == 0


async def test_a_pod_that_ended_holds_its_room_until_the_kubelet_lets_go_and_that_is_told() -> None:
    api, freed = Api(), asyncio.Event()
    async with seen(api, freed) as cluster, asyncio.timeout(10):
        cluster.count_as_known({LABEL})
        cluster.count_as_ended(LABEL)
        between = taken(cluster)
        assert not freed.is_set()
        api.events.put_nowait({"type": "MODIFIED", "object": pod("Succeeded", version=2)})
        await freed.wait()

        assert (between, taken(cluster)) == (500, 0)
