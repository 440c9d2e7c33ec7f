"""The parent: opens the sockets, counts connections, and keeps the parts alive. It does no work that could fail."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import structlog

from tovi_server.app import plain_http
from tovi_server.app.listening import address_of, check_addresses, open_sockets
from tovi_server.app.nursery import Nursery
from tovi_server.app.part import Part
from tovi_server.app.roles import alone_where_needed, check_role, receivers_of, schedulers_of
from tovi_server.app.server_folder import check_server_folder
from tovi_server.app.start import Kind, Start
from tovi_server.receivers.counter_link import CounterServer
from tovi_server.settings import Role, Settings

log = structlog.get_logger(__name__)

_GRACE_S: Final = 10
"""Beyond the time that open sessions have."""


async def serve(data: Path, settings: Settings, *, announce: Callable[[str], None]) -> None:
    """Serve until TERM or INT. `announce` is told each address once connections are accepted, or what else it does.

    Raises:
        UsageError: this role needs another database.
        ConflictError: another server runs on this data directory.
        ToviError: it is no data directory; an address cannot be listened on.
        ExceptionGroup: of `PartFailedError`s: a part could not begin, and has said why.
    """
    check_role(settings)
    check_server_folder(data)
    with alone_where_needed(data / "server", settings):
        sockets = await _open_sockets(settings)
        health = await open_sockets((settings.server.health,)) if settings.server.health else []
        await _Parent(data, settings, sockets, health).run(announce)


async def _open_sockets(settings: Settings) -> list[socket.socket]:
    if settings.server.role is Role.SCHEDULER:
        return []
    check_addresses(settings)
    return await open_sockets(settings.server.listen)


class _Parent:
    def __init__(
        self, data: Path, settings: Settings, sockets: list[socket.socket], health: list[socket.socket]
    ) -> None:
        self._settings = settings
        self._sockets = sockets
        self._health = health
        self._counter = CounterServer()
        self._nursery = Nursery()
        scheduler = Start(kind=Kind.SCHEDULER, data=data, settings=settings)
        receiver = Start(kind=Kind.RECEIVER, data=data, settings=settings)
        self._schedulers = [Part(scheduler, self._nursery, _nothing) for _ in range(schedulers_of(settings))]
        self._receivers = [Part(receiver, self._nursery, self._for_receiver) for _ in range(receivers_of(settings))]

    async def run(self, announce: Callable[[str], None]) -> None:
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        async with self._answering(), asyncio.TaskGroup() as group:
            tasks = await self._begin(group)
            for line in [f"listening on {address_of(sock)}" for sock in self._sockets] or ["ready to schedule"]:
                announce(line)
            await told.wait()
            for sock in self._sockets:
                sock.close()
            # Receivers first: what they acknowledge while they end is still looked at.
            await _end(self._receivers, tasks, self._settings.server.drain.total_seconds() + _GRACE_S)
            await _end(self._schedulers, tasks, _GRACE_S)
        self._nursery.close()
        self._counter.close()

    async def _begin(self, group: asyncio.TaskGroup) -> Mapping[Part, asyncio.Task[None]]:
        """One alone at first: what is wrong is told once, and before any job is started."""
        first, *others = [*self._receivers[:1], *self._schedulers, *self._receivers[1:]]
        tasks = {first: group.create_task(first.run())}
        await first.ready.wait()
        tasks |= {part: group.create_task(part.run()) for part in others}
        for part in others:
            await part.ready.wait()
        return tasks

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        """To probes, where that is wanted."""
        async with AsyncExitStack() as stack:
            for sock in self._health:
                from tovi_server.app.health import Health  # its library is not loaded for nothing

                pages = Health([*self._schedulers, *self._receivers], self._counter.held)
                await stack.enter_async_context(await plain_http.start(sock, pages.answer))
                log.info("answering_probes", address=address_of(sock))
            yield

    async def _for_receiver(self) -> list[socket.socket]:
        """Who counts connections, and where to accept them."""
        ours, theirs = socket.socketpair()
        await self._counter.attach(ours)
        return [theirs, *(sock.dup() for sock in self._sockets)]


async def _nothing() -> list[socket.socket]:
    return []


async def _end(parts: Sequence[Part], tasks: Mapping[Part, asyncio.Task[None]], grace_s: float) -> None:
    if not parts:
        return
    for part in parts:
        part.end()
    _, late = await asyncio.wait([tasks[part] for part in parts], timeout=grace_s)
    if late:
        for part in parts:
            part.kill()
        await asyncio.wait(late)
