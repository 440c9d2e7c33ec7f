"""A probe task: a small pod made as all others are, followed to its end, and removed whatever happens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from k8s import names, status
from k8s.client import Client
from k8s.ended import Ended
from k8s.errors import ApiError
from k8s.pods import Pod, read_pod
from k8s.requests import PodRequests
from k8s.settings import PodSettings
from k8s.status import Waiting
from scheduler.ports import Order

_LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Stuck:
    """It did not come to its end."""

    why: str


class Probe:
    """One pod. `settings` have an installation of their own: a server of this one would remove it."""

    def __init__(self, client: Client, settings: PodSettings, order: Order) -> None:
        self._client = client
        self._settings = settings
        self._requests = PodRequests(client, settings)
        self._order = order
        self.name: Final = names.pod_name(settings.prefix, order.attempt)

    async def run(self, *, patience_s: float) -> Ended | Stuck:
        """To its end; its pod is removed whatever happens.

        Raises:
            ApiError: the cluster refused, failed or did not answer.
        """
        try:
            made = await self._requests.create(self._order, image=self._settings.image, gpu_resource="")
            if not made.node:
                await self._requests.bind(self.name, self._order.node)
            return await self._follow(patience_s)
        finally:
            await self._remove()

    async def _follow(self, patience_s: float) -> Ended | Stuck:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + patience_s
        while (pod := await self._look()) is not None:
            condition = status.read(pod, self._order.attempt)
            if isinstance(condition, Ended):
                return condition
            if isinstance(condition, Waiting) and condition.problem:
                return Stuck(condition.problem)
            if loop.time() > until_s:
                complaint = await self._requests.warning(pod.uid)
                return Stuck(complaint or f"it had not ended after {patience_s:.0f} seconds")
            await asyncio.sleep(_LOOK_S)
        return Stuck("somebody removed its pod")

    async def _look(self) -> Pod | None:
        path = f"/api/v1/namespaces/{self._settings.namespace}/pods/{self.name}"
        try:
            raw = await self._client.get(path, f"get pods in {self._settings.namespace}")
        except ApiError as error:
            if error.is_absent:
                return None
            raise
        return read_pod(raw, self._settings.installation)

    async def _remove(self) -> None:
        pod = await self._look()
        if pod is not None:
            await self._requests.discard(pod)
