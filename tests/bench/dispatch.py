"""Many tasks onto many nodes: how fast pods get their nodes, against a bare loop and against kube-scheduler."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from k8s.client import open_client
from k8s.settings import Access
from tests import kube
from tests.bench import cpu, kube_peers
from tests.bench.figures import Figure, Gate
from tests.bench.spread import Spread
from tests.live import Live
from tests.pods import Place

TITLE: Final = "Pods onto a thousand nodes"
ABOUT: Final = """
One job of 5,000 tasks on 1,000 simulated nodes: from its submission until the API server has all 5,000 pods, each with
its node, by the whole of Tovi (plan, database, files of each task, request). The peers, in the same run: a bare loop
that creates the same pods with the same nodes by plain HTTP, as many at a time and with nothing else to do; and the
same pods without a node, until kube-scheduler has given one to each.
"""
NODES: Final = 1000
TASKS: Final = 5000
_PREFIX: Final = "bench-"
_SETTINGS: Final = """
node_selector = {type = "kwok"}
tolerations = [{key = "kwok.x-k8s.io/node", operator = "Exists"}]
[executor.kubernetes.projects.ada.annotations]
"simulate.tovi.test/duration" = "10h"
"""
_WITHIN_S: Final = 600


def bench() -> tuple[Figure, ...]:
    with simulated(NODES), kube.place("tovi-bench") as place:
        with place.server(_SETTINGS) as live:
            ours, spent_s = asyncio.run(_ours(live, place, TASKS))
            pods = [kube_peers.again(dict(pod), number) for number, pod in enumerate(kube.of_tovi(place.namespace))]
        bare = asyncio.run(kube_peers.bare_loop(place.kubeconfig, place.namespace, pods))
        asyncio.run(kube_peers.remove_pods(place.namespace))
        scheduler = asyncio.run(kube_peers.kube_scheduler(place.kubeconfig, place.namespace, pods))
        asyncio.run(kube_peers.remove_pods(place.namespace))
    return (
        _figure("pods given a node, against a bare loop", ours, bare, Gate(0.5, least=True)),
        _figure("pods given a node, against kube-scheduler", ours, scheduler, Gate(1.5, least=True)),
        Figure("the scheduler's CPU a pod", Spread.of([1000 * spent_s / TASKS]), "ms"),
    )


def _figure(measure: str, ours: float, peer: float, gate: Gate) -> Figure:
    return Figure(measure, Spread.of([ours]), "pods/s", gate, Spread.of([peer]))


@contextmanager
def simulated(count: int) -> Iterator[None]:
    """So many nodes more, without machines."""
    kube.cluster("simulate", str(count), "--prefix", _PREFIX, "--cpu", "32", "--memory", "256Gi")
    try:
        yield
    finally:
        asyncio.run(kube_peers.remove_nodes("type=kwok"))


async def _ours(live: Live, place: Place, tasks: int) -> tuple[float, float]:
    """Pods a second, and seconds of the scheduler's CPU."""
    await _until_all_nodes_are_known(live)
    spec = f"run: 'true'\narray: 0..{tasks - 1}\nresources: {{cpus: 1, memory: 1Gi, disk: 1Gi}}\n".encode()
    pid = scheduler_pid(live)
    before, began = cpu.seconds([pid]), time.monotonic()
    await asyncio.to_thread(live.ssh, "submit", stdin=spec)
    await _until_created(place, tasks)
    return tasks / (time.monotonic() - began), cpu.seconds([pid]) - before


async def _until_all_nodes_are_known(live: Live) -> None:
    async with asyncio.timeout(_WITHIN_S):
        while sum(node["ready"] for node in (await asyncio.to_thread(live.json, "nodes"))["items"]) < NODES:
            await asyncio.sleep(0.5)


async def _until_created(place: Place, count: int) -> None:
    names: set[str] = set()
    path = f"/api/v1/namespaces/{place.namespace}/pods"
    async with open_client(Access(place.kubeconfig, None, requests=8)) as client, asyncio.timeout(_WITHIN_S):
        async for event in client.watch(path, "watch pods", seconds=_WITHIN_S, resourceVersion="0"):
            pod: Any = event["object"]
            if event["type"] == "ADDED" and pod["spec"].get("nodeName"):
                names.add(pod["metadata"]["name"])
            if len(names) == count:
                return


def scheduler_pid(live: Live) -> int:
    """Of the process that plans and dispatches."""
    (found,) = [pid for pid in live.parts() if Path(f"/proc/{pid}/comm").read_text().strip() == "tovi-scheduler"]
    return found
