"""A server whose way to the API server leads through a proxy, and people whose jobs are under way when that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Final

from tests.cluster.faults.ground import PodGround
from tests.cluster.faults.people import People, some_people
from tests.fault_proxy.proxy import FaultProxy, fault_proxy
from tests.live import Live
from tests.pod_scan import await_clean
from tests.pods import Place

SETTINGS: Final = 'grace = "2s"\n'


@dataclass(frozen=True)
class House:
    place: Place
    proxy: FaultProxy
    live: Live

    @asynccontextmanager
    async def people(self, name: str) -> AsyncIterator[People]:
        """When the block is over and all has ended, their jobs are judged, and faults are over. Nothing may be left."""
        people = some_people(self.live, PodGround(self.live.data), name)
        try:
            yield people
            await people.judge()
        except Exception as error:  # whatever it is, its reader wants to know
            error.add_note(await people.stories())
            raise
        finally:
            self.proxy.forget()
        await asyncio.to_thread(await_clean, self.live, self.place.namespace)
        assert "Traceback" not in self.live.log, self.live.log

    @asynccontextmanager
    async def at_work(self, name: str) -> AsyncIterator[People]:
        """The same with jobs of each kind, which come in while the block runs. What it submits has to succeed."""
        async with self.people(name) as people, people.at_work():
            yield people
        people.assert_ends()


@contextmanager
def house(place: Place, settings: str = SETTINGS) -> Iterator[House]:
    with fault_proxy(place.kubeconfig) as proxy, replace(place, kubeconfig=proxy.kubeconfig).server(settings) as live:
        yield House(place, proxy, live)
