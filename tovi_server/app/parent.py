"""The parent: opens the sockets, counts connections, and keeps the parts alive. It does no work that could fail."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tovi_server.app.listening import address_of, check_addresses, open_sockets
from tovi_server.app.nursery import Nursery
from tovi_server.app.part import Part
from tovi_server.app.server_folder import check_server_folder
from tovi_server.app.sole import sole_server
from tovi_server.app.start import Kind, Start
from tovi_server.receivers.counter_link import CounterServer
from tovi_server.settings import Settings

_LEAST_RECEIVERS: Final = 2
_GRACE_S: Final = 10
"""Beyond the time that open sessions have."""


async def serve(data: Path, settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Serve until TERM or INT. `announce` is called with each address once connections are accepted.

    Raises:
        ConflictError: another server runs on this data directory.
        ToviError: it is no data directory; an address cannot be listened on.
        ExceptionGroup: of `PartFailedError`s: a part could not begin, and has said why.
    """
    check_server_folder(data)
    check_addresses(settings)
    with sole_server(data / "server"):
        sockets = await open_sockets(settings.server.listen)
        await _Parent(data, settings, sockets).run(announce)


class _Parent:
    def __init__(self, data: Path, settings: Settings, sockets: list[socket.socket]) -> None:
        self._settings = settings
        self._sockets = sockets
        self._counter = CounterServer()
        self._nursery = Nursery()
        scheduler = Start(kind=Kind.SCHEDULER, data=data, settings=settings)
        receiver = Start(kind=Kind.RECEIVER, data=data, settings=settings)
        count = settings.server.receivers or max(_LEAST_RECEIVERS, os.cpu_count() or 1)
        self._scheduler = Part(scheduler, self._nursery, _nothing)
        self._receivers = [Part(receiver, self._nursery, self._for_receiver) for _ in range(count)]

    async def run(self, announce: Callable[[str], None]) -> None:
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        async with asyncio.TaskGroup() as group:
            # One alone at first: what is wrong is told once, and before any job is started.
            first, *others = self._receivers
            receivers = [group.create_task(first.run())]
            await first.ready.wait()
            scheduler = group.create_task(self._scheduler.run())
            receivers += [group.create_task(part.run()) for part in others]
            for part in (self._scheduler, *others):
                await part.ready.wait()
            for sock in self._sockets:
                announce(address_of(sock))
            await told.wait()
            for sock in self._sockets:
                sock.close()
            # Receivers first: what they acknowledge while they end is still looked at.
            await _end(self._receivers, receivers, self._settings.server.drain.total_seconds() + _GRACE_S)
            await _end([self._scheduler], [scheduler], _GRACE_S)
        self._nursery.close()
        self._counter.close()

    async def _for_receiver(self) -> list[socket.socket]:
        """Who counts connections, and where to accept them."""
        ours, theirs = socket.socketpair()
        await self._counter.attach(ours)
        return [theirs, *(sock.dup() for sock in self._sockets)]


async def _nothing() -> list[socket.socket]:
    return []


async def _end(parts: Sequence[Part], tasks: Sequence[asyncio.Task[None]], grace_s: float) -> None:
    for part in parts:
        part.end()
    _, late = await asyncio.wait(tasks, timeout=grace_s)
    if late:
        for part in parts:
            part.kill()
        await asyncio.wait(late)
