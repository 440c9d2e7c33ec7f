"""How many requests to the API server a finished task costs, all of them counted by a proxy in front of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

from tests import kube
from tests.bench.figures import Figure, Gate
from tests.bench.spread import Spread
from tests.fault_proxy.proxy import FaultProxy, fault_proxy
from tests.live import Live
from tests.pod_scan import await_clean
from tests.pods import Place

TITLE: Final = "Requests to the API server"
TASKS: Final = 100
ABOUT: Final = f"""
One array of {TASKS} tasks with `run: ":"`, as pods of real nodes. Counted are all requests of the server, watches and
lists too, from the submission until nothing is left of the last pod.
"""
_MOST: Final = Gate(6)
_LIMIT_S: Final = 300


def bench() -> tuple[Figure, ...]:
    with kube.place("tovi-bench") as place, fault_proxy(place.kubeconfig) as proxy:
        through = replace(place, kubeconfig=proxy.kubeconfig)
        with through.server() as live:
            return summary(_count(through, proxy, live))


def summary(counted: Counter[str]) -> tuple[Figure, ...]:
    """From so many requests by verb and what they are of, for all the tasks."""
    parts = [Figure(f"of these, {what}", _each(number), "") for what, number in counted.most_common()]
    return Figure("requests per finished task", _each(counted.total()), "", _MOST), *parts


def _count(place: Place, proxy: FaultProxy, live: Live) -> Counter[str]:
    before = len(proxy.requests())
    spec = f"run: ':'\narray: 0..{TASKS - 1}\nresources: {{cpus: 0.05, memory: 32Mi, disk: 1Mi}}\n"
    ended = live.ssh("submit", "--wait", stdin=spec.encode(), deadline_s=_LIMIT_S)
    assert ended.code == 0, ended
    await_clean(live, place.namespace)
    return Counter(f"{request.verb} {request.what}" for request in proxy.requests()[before:])


def _each(number: int) -> Spread:
    return Spread.of([number / TASKS])
