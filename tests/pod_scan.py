"""What a cluster has of an installation's pods, against the attempts that its server holds to be under way.

scan(live, place.namespace) == ()      right now; while things happen, one may be ahead of the other
await_clean(live, place.namespace)     within one reconcile
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from k8s.names import FINALIZER, INSTALLATION, TASK
from tests import kube
from tests.integration.history import ENDS
from tests.integration.history_reading import read_event
from tests.kube import Thing
from tests.live import Live
from tests.waiting import PAUSE_S

RECONCILED_S: Final = 30


@dataclass(frozen=True, slots=True)
class Scan:
    pods: Mapping[str, Thing]
    """By attempt, such as `12.main.0/1`."""
    under_way: Set[str]
    """The attempts that were dispatched and have not ended."""

    def problems(self) -> Sequence[str]:
        return sorted([*self._without_task(), *self._without_pod()])

    def _without_task(self) -> Iterator[str]:
        for attempt in self.pods.keys() - self.under_way:
            kept = FINALIZER in (self.pods[attempt]["metadata"].get("finalizers") or ())
            yield f"attempt {attempt} is over, and has a pod{', which our finalizer keeps' if kept else ''}"

    def _without_pod(self) -> Iterator[str]:
        for attempt in self.under_way - self.pods.keys():
            yield f"attempt {attempt} is under way, and has no pod"


def scan(live: Live, namespace: str) -> Sequence[str]:
    """What does not fit together, each in a sentence. The server must be running."""
    return Scan(_pods(live, namespace), _under_way(live)).problems()


def await_clean(live: Live, namespace: str, *, deadline_s: float = RECONCILED_S) -> None:
    """Until nothing is left that does not fit together."""
    deadline = time.monotonic() + deadline_s
    while problems := scan(live, namespace):
        assert time.monotonic() < deadline, problems
        time.sleep(PAUSE_S)


def _pods(live: Live, namespace: str) -> Mapping[str, Thing]:
    installation = (live.data / "server/installation").read_text()
    mine = [pod for pod in kube.of_tovi(namespace) if pod["metadata"]["labels"].get(INSTALLATION) == installation]
    return {pod["metadata"]["annotations"][TASK]: pod for pod in mine}


def _under_way(live: Live) -> Set[str]:
    ended = live.ssh("events", "--jsonl")
    assert ended.code == 0, ended
    found: set[str] = set()
    for event in map(read_event, ended.out.decode().splitlines()):
        attempt = f"{event.task}/{event.attempt}"
        if event.kind == "dispatched":
            found.add(attempt)
        elif event.kind in ENDS:
            found.discard(attempt)
    return found
