"""The cluster as it was last seen: machines with what others took of them, and our pods by the attempts they are of."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Set
from datetime import timedelta
from typing import Final

from k8s import capacity
from k8s.capacity import Machine
from k8s.client import Client
from k8s.errors import ApiError, MissingRightError
from k8s.informer import Informer, Kind
from k8s.pods import Pod, read_pod
from k8s.settings import PodSettings
from scheduler.snapshot import Node
from tovi_server.core.errors import UnavailableError

_SEEN_WITHIN_S: Final = 10
_LOOK_S: Final = 0.05


class Cluster:
    """Two informers and what is derived from them, worked out again only for machines to which something happened."""

    def __init__(
        self,
        client: Client,
        settings: PodSettings,
        *,
        told: Callable[[str], None],
        freed: Callable[[], None],
        relist_interval: timedelta,
    ) -> None:
        """`told` is called with the label of an attempt to whose pod something happened, `freed` when one is over."""
        self._client = client
        self._told = told
        self._freed = freed
        self._pods_of: defaultdict[str, set[str]] = defaultdict(set)
        self._ours: dict[str, str] = {}
        self._known: Set[str] = frozenset()
        self._ended: set[str] = set()
        """Of the known."""
        self._nodes: dict[str, Node] = {}
        self._stale: set[str] = set()
        pods = Kind("/api/v1/pods", "pods", lambda raw: read_pod(raw, settings.installation))
        nodes = Kind("/api/v1/nodes", "nodes", lambda raw: capacity.read_machine(raw, settings.wanted))
        self._pods = Informer(client, pods, changed=self._pod_changed, relist_interval=relist_interval)
        self._machines = Informer(client, nodes, changed=self._machine_changed, relist_interval=relist_interval)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pods.run())
            group.create_task(self._machines.run())

    async def seen(self) -> None:
        """Wait until everything was seen once.

        Raises:
            UnavailableError: it takes long, or a right to see it is missing; with the reason, where one is known.
        """
        try:
            async with asyncio.timeout(_SEEN_WITHIN_S):
                while not self._is_seen:
                    if isinstance(self.trouble, MissingRightError):
                        raise self.trouble
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise self.trouble or UnavailableError("the cluster has not been seen yet") from None

    @property
    def _is_seen(self) -> bool:
        return self._pods.synced.is_set() and self._machines.synced.is_set()

    @property
    def trouble(self) -> ApiError | None:
        """Why what is known may be old."""
        return self._pods.trouble or self._machines.trouble

    def nodes(self) -> tuple[Node, ...]:
        """Those that tasks may run on, by name."""
        for name in self._stale:
            self._work_out(name)
        self._stale.clear()
        return tuple(self._nodes[name] for name in sorted(self._nodes))

    def machine(self, name: str) -> Machine | None:
        """None: there is no such node."""
        return self._machines.items.get(name)

    async def is_surely_gone(self, node: str) -> bool:
        """Whether there is no such node, as the API server says now."""
        try:
            await self._client.get(f"/api/v1/nodes/{node}", "get nodes")
        except ApiError as error:
            if error.is_absent:
                return True
            raise
        return False

    def pod(self, label: str) -> Pod | None:
        """Of one of our attempts; None: there is none, or none has been seen."""
        return self._pods.items.get(self._ours.get(label, ""))

    def ours(self) -> Set[str]:
        """The labels of all attempts that have a pod."""
        return self._ours.keys()

    def count_as_known(self, labels: Set[str]) -> None:
        """The attempts whose room the scheduler counts itself."""
        for label in self._known ^ labels:
            self._work_out_later(label)
        self._known = labels
        self._ended &= labels

    def count_as_ended(self, label: str) -> None:
        """Its end is told, and its room is not the scheduler's to count any more. Its node may still hold it."""
        self._ended.add(label)
        self._work_out_later(label)

    def _work_out_later(self, label: str) -> None:
        pod = self.pod(label)
        if pod is not None:
            self._stale.add(pod.node)

    def _work_out(self, name: str) -> None:
        machine = self.machine(name)
        if machine is None or not machine.is_wanted:
            self._nodes.pop(name, None)
            return
        pods = [self._pods.items[key] for key in self._pods_of[name]]
        known = {pod.attempt for pod in pods if pod.attempt in self._known and pod.attempt not in self._ended}
        self._nodes[name] = capacity.with_foreign(machine, pods, known)

    def _machine_changed(self, name: str, _: Machine | None) -> None:
        self._stale.add(name)

    def _pod_changed(self, key: str, before: Pod | None) -> None:
        pod = self._pods.items.get(key)
        for one in (before, pod):
            if one is not None:
                self._stale.add(one.node)
                self._pods_of[one.node].discard(key)
        if pod is not None:
            self._pods_of[pod.node].add(key)
        self._tell(key, before, pod)
        if before is not None and before.attempt and not before.is_over and (pod is None or pod.is_over):
            self._freed()

    def _tell(self, key: str, before: Pod | None, pod: Pod | None) -> None:
        if before is not None and before.attempt:
            self._ours.pop(before.attempt, None)
        if pod is not None and pod.attempt:
            self._ours[pod.attempt] = key
        label = next((one.attempt for one in (pod, before) if one is not None), "")
        if label:
            self._told(label)
