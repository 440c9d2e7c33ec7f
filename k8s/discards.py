"""Pods of which nothing need be kept any more: removed a few at a time, and tried again where that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from k8s.errors import ApiError
from k8s.pods import Pod
from k8s.requests import PodRequests
from scheduler.outage import Outage

_AT_ONCE: Final = 8
_AFTER_FAILURE_S: Final = 1.0


class Discards:
    """Asked again and again for the same, it does it once at a time."""

    def __init__(self, requests: PodRequests, find: Callable[[str], Pod | None]) -> None:
        """`find` gives the pod behind a label; None: there is none, or it is wanted after all."""
        self._requests = requests
        self._find = find
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._asked: set[str] = set()
        self._outage = Outage("the removal of pods of which everything is recorded")

    def ask(self, labels: Iterable[str]) -> None:
        """Have their pods removed."""
        for label in labels:
            if label not in self._asked:
                self._asked.add(label)
                self._waiting.put_nowait(label)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._remove_for_ever())

    async def _remove_for_ever(self) -> None:
        while True:
            label = await self._waiting.get()
            try:
                await self._remove(self._find(label))
            finally:
                self._asked.discard(label)

    async def _remove(self, pod: Pod | None) -> None:
        if pod is None:
            return
        try:
            await self._requests.discard(pod)
        except ApiError as error:
            self._outage.failed(error)
            await asyncio.sleep(_AFTER_FAILURE_S)
        else:
            self._outage.worked()
