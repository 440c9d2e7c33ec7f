"""A small job as a pod of a real node: to running, and from its end to who waits, against the kubelet's own time."""

from __future__ import annotations

import asyncio
import copy
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, Final

import asyncssh

from k8s.client import Client, open_client
from k8s.settings import Access
from tests import kube
from tests.bench import connections
from tests.bench.figures import Figure, Gate
from tests.bench.spread import Spread
from tests.live import Live
from tests.pods import Place

TITLE: Final = "A job as a pod"
ABOUT: Final = """
One small job after the other, on a real node with nothing else to do. *Submission to running*: from sending `submit`
over an open connection until `events --follow` tells that it started. Its peer is the kubelet's own time: the pod that
Tovi made for such a job, made again as it is by one request, from that request until a watch tells that its container
runs. *End to succeeded*: from the last line of the program, which prints the time, until `wait` has returned.
"""
_TIMES: Final = 20
_SPEC: Final = b"run: sleep 0.3; date +%s.%N\nresources: {cpus: 0.1, memory: 64Mi, disk: 100Mi}\n"
_MORE: Final = Gate(300, "ms")
_END: Final = Gate(1000, "ms")


def bench() -> tuple[Figure, ...]:
    with kube.place("tovi-bench") as place, place.server() as live:
        return asyncio.run(_measure(place, live))


async def _measure(place: Place, live: Live) -> tuple[Figure, ...]:
    async with connections.to_tovi(live, 1) as (connection,):
        async with _client(place) as client, aclosing(_manifests(client, place)) as manifests:
            first = asyncio.ensure_future(anext(manifests))
            await _run_one(connection)
            manifest = await first
            bare = [await _bare_s(client, place, manifest) for _ in range(_TIMES)]
        runs = [await _run_one(connection) for _ in range(_TIMES)]
    ours, kubelet = Spread.of(1000 * run[0] for run in runs), Spread.of(1000 * one for one in bare)
    more = Spread.of([ours.median - kubelet.median])
    return (
        Figure("submission to running", ours, "ms", peer=kubelet),
        Figure("submission to running, over the kubelet's own time", more, "ms", _MORE),
        Figure(
            "end of the program to succeeded, as `wait` sees it", Spread.of(1000 * run[1] for run in runs), "ms", _END
        ),
    )


async def _run_one(connection: asyncssh.SSHClientConnection) -> tuple[float, float]:
    """Seconds from the submission to running, and from the program's end to the end of `wait`."""
    began = _now()
    job = (await connections.run(connection, "submit", _SPEC)).decode().strip()
    async with connection.create_process(f"events {job} --follow", encoding=None) as process:
        while b"started" not in await process.stdout.readline():
            continue
        running = _now()
    await connections.run(connection, f"wait {job}")
    seen = _now()
    printed = float(await connections.run(connection, f"logs {job}"))
    return running - began, seen - printed


def _client(place: Place) -> Any:
    return open_client(Access(place.kubeconfig, None, requests=8))


async def _manifests(client: Client, place: Place) -> AsyncGenerator[dict[str, Any], None]:
    """Of the pods that appear, as they could be made again under another name."""
    async for event in client.watch(_pods(place), "watch pods", seconds=600, resourceVersion="0"):
        if event["type"] == "ADDED":
            yield _as_it_was_made(event["object"])


def _as_it_was_made(pod: dict[str, Any]) -> dict[str, Any]:
    spec = copy.deepcopy(pod["spec"])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"bench": "bare"}}, "spec": spec}


async def _bare_s(client: Client, place: Place, manifest: dict[str, Any]) -> float:
    name = f"bare-{secrets.token_hex(4)}"
    watch = client.watch(_pods(place), "watch pods", seconds=600, fieldSelector=f"metadata.name={name}")
    began = _now()
    await client.create(_pods(place), "create pods", {**manifest, "metadata": {**manifest["metadata"], "name": name}})
    async with aclosing(watch):
        async for event in watch:
            if _runs(event["object"]):
                break
    took_s = _now() - began
    await client.delete(f"{_pods(place)}/{name}", "delete pods", {"gracePeriodSeconds": 0})
    return took_s


def _runs(pod: dict[str, Any]) -> bool:
    return any({"running", "terminated"} & one["state"].keys() for one in pod["status"].get("containerStatuses", ()))


def _pods(place: Place) -> str:
    return f"/api/v1/namespaces/{place.namespace}/pods"


def _now() -> float:
    return datetime.now(UTC).timestamp()  # noqa: TID251  # the moments are compared with a program's
