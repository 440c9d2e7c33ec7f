"""A large cluster that others use: what it costs the scheduler to know it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final

from tests import kube
from tests.bench import cpu, kube_peers, memory
from tests.bench.dispatch import scheduler_pid, simulated
from tests.bench.figures import Figure
from tests.bench.spread import Spread
from tests.live import Live
from tests.pods import Place

TITLE: Final = "Five thousand nodes"
ABOUT: Final = """
A server whose tasks may run on 5,000 simulated nodes, on which 20,000 pods of others run. *To know them*: from the
start of the server until `nodes` shows all. Then, while nothing is submitted: its memory, and its processor time
over a minute, which the heartbeats of nodes make up.
"""
NODES: Final = 5000
PODS: Final = 20_000
_SETTINGS: Final = """
node_selector = {type = "kwok"}
tolerations = [{key = "kwok.x-k8s.io/node", operator = "Exists"}]
"""
_MINUTE_S: Final = 60
_WITHIN_S: Final = 600


def bench() -> tuple[Figure, ...]:
    with simulated(NODES), kube.place("tovi-bench") as place:
        asyncio.run(kube_peers.bare_loop(place.kubeconfig, place.namespace, [*_others(place)]))
        with place.server(_SETTINGS) as live:
            figures = _measure(live)
        kube.kubectl("delete", "namespace", place.namespace, "--wait=false")
    return figures


def _measure(live: Live) -> tuple[Figure, ...]:
    began = time.monotonic()
    while len(live.json("nodes")["items"]) < NODES:
        assert time.monotonic() - began < _WITHIN_S, "the nodes were not seen"
        time.sleep(0.5)
    known_s, pid = time.monotonic() - began, scheduler_pid(live)
    before = cpu.seconds([pid])
    time.sleep(_MINUTE_S)
    spent_s = cpu.seconds([pid]) - before
    return (
        Figure("to know them", Spread.of([known_s]), "s"),
        Figure("the scheduler's memory", Spread.of([memory.pss_kib([pid]) / 1024]), "MiB"),
        Figure("the scheduler's processor time a minute, with nothing to do", Spread.of([spent_s]), "s"),
    )


def _others(place: Place) -> Iterator[dict[str, Any]]:
    amounts = {"cpu": "1", "memory": "1Gi"}
    container = {
        "name": "other",
        "image": place.image,
        "resources": {"requests": amounts, "limits": amounts},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    for number in range(PODS):
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"other-{number}", "annotations": {"simulate.tovi.test/duration": "10h"}},
            "spec": {
                "nodeName": f"bench-{number % NODES:05d}",
                "tolerations": [{"operator": "Exists"}],
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [container],
            },
        }
